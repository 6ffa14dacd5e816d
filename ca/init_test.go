package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

func options() ca.Options { return ca.Options{Now: at(noon), Random: rand.Reader} }

func TestInitLaysOut(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{Extra: []keystore.Artifact{{Path: ca.SettingsPath, Mode: 0o644, Data: []byte("schema: x\n")}}}, at(noon))
	var got []string
	require.NoError(t, filepath.WalkDir(h.Dir(), func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		rel, err := filepath.Rel(h.Dir(), path)
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		if e.IsDir() {
			if runtime.GOOS != "windows" {
				assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), rel)
			}
			return nil
		}
		if strings.HasPrefix(rel, "inventory.db-") { // SQLite's log, while it is open
			return nil
		}
		got = append(got, filepath.ToSlash(rel))
		if strings.HasSuffix(rel, ".key") || rel == ca.InventoryPath {
			assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), rel)
		}
		return nil
	}))
	assert.Equal(t, []string{
		"ca/ca.crt", "ca/issuing.crl", "ca/issuing.crt", "ca/issuing.key", "ca/root.crl", "ca/root.crt", "ca/root.key",
		"inventory.db", "pki.yaml", "probe/revoked-chain.crt", "probe/revoked.crt", "probe/revoked.key",
	}, got)
	left, err := os.ReadDir(filepath.Dir(h.Dir()))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing is left beside the folder")
}

func TestInitCertificates(t *testing.T) {
	subject, err := ca.ParseDN("CN=Plant CA, O=Plant, C=DE")
	require.NoError(t, err)
	h, _ := newHome(t, ca.InitRequest{Subject: subject}, at(noon))
	root, issuing := h.Root(), h.Issuer()
	assert.Equal(t, "CN=Plant CA,O=Plant,C=DE", keystore.DistinguishedName(root.RawSubject))
	assert.Equal(t, "CN=Plant CA issuing,O=Plant,C=DE", keystore.DistinguishedName(issuing.RawSubject))
	for _, c := range []*x509.Certificate{root, issuing} {
		assert.Equal(t, 3, c.Version)
		assert.Equal(t, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, c.KeyUsage)
		assert.True(t, c.IsCA)
		assert.Empty(t, c.ExtKeyUsage)
		assert.Equal(t, root.SubjectKeyId, c.AuthorityKeyId)
		assert.Equal(t, noon.Add(-time.Hour), c.NotBefore)
		assert.LessOrEqual(t, c.SerialNumber.BitLen(), 159)
		assert.Len(t, c.SerialNumber.Bytes(), 20)
		for _, e := range c.Extensions {
			if id := e.Id.String(); id == "2.5.29.19" || id == "2.5.29.15" {
				assert.True(t, e.Critical, id)
			}
		}
	}
	assert.Equal(t, 1, root.MaxPathLen)
	assert.True(t, issuing.MaxPathLenZero && issuing.MaxPathLen == 0)
	assert.Equal(t, noon.Add(10*365*day), root.NotAfter)
	assert.Equal(t, noon.Add(5*365*day), issuing.NotAfter)
}

func TestFirstCRLs(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{}, at(noon))
	probe := parseCert(t, h.Path(ca.ProbeFiles().Cert))
	issuing, root := parseCRL(t, h.Path(ca.IssuingCRLPath)), parseCRL(t, h.Path(ca.RootCRLPath))
	require.NoError(t, issuing.CheckSignatureFrom(h.Issuer()))
	require.NoError(t, root.CheckSignatureFrom(h.Root()))
	assert.Equal(t, noon.Add(30*day), issuing.NextUpdate)
	assert.Equal(t, noon.Add(365*day), root.NextUpdate)
	assert.Equal(t, int64(1), issuing.Number.Int64())
	assert.Empty(t, root.RevokedCertificateEntries)
	require.Len(t, issuing.RevokedCertificateEntries, 1)
	assert.Equal(t, probe.SerialNumber, issuing.RevokedCertificateEntries[0].SerialNumber)
	assert.Equal(t, h.Issuer().NotAfter, probe.NotAfter, "it stays on the CRL as long as there is one")
}

// TestCRLDropsExpired: a certificate stands on one CRL beyond its end, and on none after that.
func TestCRLDropsExpired(t *testing.T) {
	now := noon
	h, a := newHome(t, ca.InitRequest{RootOnly: true}, func() time.Time { return now })
	_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "short", Validity: day}})
	require.NoError(t, err)
	_, err = h.Revoke(t.Context(), []string{"short"}, 1)
	require.NoError(t, err)
	for i, want := range []int{2, 2, 1} {
		crl, err := h.SignCRL(t.Context(), a)
		require.NoError(t, err)
		assert.Equal(t, want, crl.Entries, "CRL %d", i)
		assert.Equal(t, int64(i+2), crl.Number)
		assert.Equal(t, now.Add(30*day), crl.NextUpdate, "a root that issues renews its CRL as an issuing CA does")
		assert.Equal(t, ca.RootCRLPath, crl.Path)
		now = now.Add(2 * day)
	}
}

func TestInitRefuses(t *testing.T) {
	subject, err := ca.ParseDN("CN=x")
	require.NoError(t, err)
	weak, err := ca.ECDSAP256.Generate(rand.Reader)
	require.NoError(t, err)
	weak.Signer = nil
	for name, req := range map[string]ca.InitRequest{
		"one subject for both":     {Root: ca.CASpec{Subject: subject}, Issuing: ca.CASpec{Subject: subject}},
		"issuing CA outlives root": {Root: ca.CASpec{Validity: day}, Issuing: ca.CASpec{Validity: 2 * day}},
		"a key of unknown type":    {Root: ca.CASpec{Key: weak}},
		"a key type there is not":  {Root: ca.CASpec{KeyType: "dsa-1024"}},
		"backdated by years":       {Backdate: 365 * day},
		"an empty password":        {Issuing: ca.CASpec{Password: keystore.Secret{}}},
		"a validity that is none":  {Root: ca.CASpec{Validity: -day}},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			_, err := ca.Init(t.Context(), filepath.Join(parent, "pki"), req, options())
			require.ErrorIs(t, err, ca.ErrPolicy)
			left, err := os.ReadDir(parent)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestInitCutsIssuing: a default validity is cut to the root's, with a notice.
func TestInitCutsIssuing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	result, err := ca.Init(t.Context(), dir, ca.InitRequest{Root: ca.CASpec{Validity: 100 * day}}, options())
	require.NoError(t, err)
	assert.Equal(t, result.Root.NotAfter, result.Issuing.NotAfter)
	codes := []string{}
	for _, n := range result.Notices {
		codes = append(codes, n.Code)
	}
	assert.Equal(t, []string{"ca-key-unencrypted", "ca-key-unencrypted", "validity-cut"}, codes)
}

func TestInitExists(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	require.NoError(t, os.Mkdir(dir, 0o755)) // an empty folder is fine
	_, err := ca.Init(t.Context(), dir, ca.InitRequest{}, options())
	require.NoError(t, err)
	before, err := os.ReadFile(filepath.Join(dir, "ca", "root.key"))
	require.NoError(t, err)
	_, err = ca.Init(t.Context(), dir, ca.InitRequest{}, options())
	require.ErrorIs(t, err, keystore.ErrExists)
	result, err := ca.Init(t.Context(), dir, ca.InitRequest{Force: true}, options())
	require.NoError(t, err)
	assert.Equal(t, dir+".20260601T120000Z.bak", result.Backup)
	kept, err := os.ReadFile(filepath.Join(result.Backup, "ca", "root.key"))
	require.NoError(t, err)
	assert.Equal(t, before, kept)
	_, err = ca.Init(t.Context(), dir, ca.InitRequest{Force: true}, options())
	require.ErrorIs(t, err, keystore.ErrExists, "two backups in one second")
	_, err = ca.Open(t.Context(), dir, options())
	require.NoError(t, err)
}

// TestInitRace: of several that make one PKI at once, one does, and the others are told that it exists.
func TestInitRace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = ca.Init(t.Context(), dir, ca.InitRequest{}, options()) })
	}
	all.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			require.ErrorIs(t, err, keystore.ErrExists)
		}
	}
	assert.Equal(t, 1, made)
	h, err := ca.Open(t.Context(), dir, options())
	require.NoError(t, err)
	require.NoError(t, h.Close())
}

// TestInitFails: no randomness, no PKI, nothing left.
func TestInitFails(t *testing.T) {
	parent := t.TempDir()
	opts := options()
	opts.Random = io.LimitReader(rand.Reader, 50)
	_, err := ca.Init(t.Context(), filepath.Join(parent, "pki"), ca.InitRequest{}, opts)
	require.Error(t, err)
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestOpen(t *testing.T) {
	_, err := ca.Open(t.Context(), filepath.Join(t.TempDir(), "none"), options())
	require.ErrorIs(t, err, ca.ErrNotFound)
	h, _ := newHome(t, ca.InitRequest{}, at(noon))
	_, err = h.Unlock(keystore.Secret("wrong"))
	require.ErrorIs(t, err, keystore.ErrPassword)
	_, err = h.Unlock(nil)
	require.ErrorIs(t, err, keystore.ErrPassword)
	require.NoError(t, os.WriteFile(h.Path(ca.IssuingKeyPath), []byte("rubbish"), 0o600))
	_, err = h.Unlock(caPassword)
	require.ErrorIs(t, err, keystore.ErrFormat)
	require.NoError(t, os.WriteFile(h.Path(ca.RootCertPath), []byte("rubbish"), 0o600))
	_, err = ca.Open(t.Context(), h.Dir(), options())
	require.ErrorIs(t, err, keystore.ErrFormat)
	require.ErrorIs(t, ca.CheckSchema("mqttpki.pki/2"), keystore.ErrUnsupported)
	require.NoError(t, ca.CheckSchema(ca.SettingsSchema))
}

// TestOpenWithoutIssuingCertificate: a PKI that lost its issuing CA's certificate is no PKI whose root issues.
func TestOpenWithoutIssuingCertificate(t *testing.T) {
	for _, left := range []string{ca.IssuingKeyPath, ca.IssuingCRLPath} {
		h, _ := newHome(t, ca.InitRequest{}, at(noon))
		for _, gone := range []string{ca.IssuingCertPath, ca.IssuingKeyPath, ca.IssuingCRLPath} {
			if gone != left {
				require.NoError(t, os.Remove(h.Path(gone)))
			}
		}
		_, err := ca.Open(t.Context(), h.Dir(), options())
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, left)
		assert.ErrorContains(t, err, "issuing.crt")
	}
}

// TestRootKeyElsewhere: with the root's key moved away, all but the root's own CRL works.
func TestRootKeyElsewhere(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{}, at(noon))
	require.NoError(t, os.Remove(h.Path(ca.RootKeyPath)))
	again, err := ca.Open(t.Context(), h.Dir(), options())
	require.NoError(t, err)
	defer again.Close()
	a, err := again.Unlock(caPassword)
	require.NoError(t, err)
	_, err = again.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "sensor-17"}})
	require.NoError(t, err)
	_, err = again.Revoke(t.Context(), []string{"sensor-17"}, 0)
	require.NoError(t, err)
	_, err = again.SignCRL(t.Context(), a)
	require.NoError(t, err)
	_, err = again.UnlockRoot(caPassword)
	require.ErrorIs(t, err, ca.ErrNotFound)
}

// TestPasswordsApart: root and issuing CA each open with their own password only.
func TestPasswordsApart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	req := ca.InitRequest{Iterations: 1, Root: ca.CASpec{Password: keystore.Secret("root")}, Issuing: ca.CASpec{Password: keystore.Secret("issuing")}}
	_, err := ca.Init(t.Context(), dir, req, options())
	require.NoError(t, err)
	h, err := ca.Open(t.Context(), dir, options())
	require.NoError(t, err)
	defer h.Close()
	_, err = h.Unlock(keystore.Secret("root"))
	require.ErrorIs(t, err, keystore.ErrPassword)
	_, err = h.UnlockRoot(keystore.Secret("issuing"))
	require.ErrorIs(t, err, keystore.ErrPassword)
	root, err := h.UnlockRoot(keystore.Secret("root"))
	require.NoError(t, err)
	crl, err := h.SignCRL(t.Context(), root)
	require.NoError(t, err)
	assert.Equal(t, int64(2), crl.Number)
	assert.Equal(t, ca.RootCRLPath, crl.Path)
}

// TestOnlyTheIssuerIssues: the root of a PKI with two CAs signs no leaves.
func TestOnlyTheIssuerIssues(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{}, at(noon))
	root, err := h.UnlockRoot(caPassword)
	require.NoError(t, err)
	_, err = h.Issue(t.Context(), root, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "a"}})
	require.ErrorIs(t, err, ca.ErrPolicy)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func parseCert(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}

func parseCRL(t *testing.T, path string) *x509.RevocationList {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	crl, err := x509.ParseRevocationList(block.Bytes)
	require.NoError(t, err)
	return crl
}
