package ca_test

import (
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

func TestImport(t *testing.T) {
	old, _ := newHome(t, ca.InitRequest{}, at(noon))
	rootKey, issuingKey := plainKey(t, old.UnlockRoot), plainKey(t, old.Unlock)
	root, issuing := keystore.NewCertificate(old.Root().Raw), keystore.NewCertificate(old.Issuer().Raw)
	identity := func(key *keystore.PrivateKey, chain ...keystore.Certificate) keystore.Identity {
		return keystore.Identity{Alias: "ca", Key: key, Chain: chain}
	}
	leaf, err := must(old.Unlock(caPassword)).Identity(ca.Request{Role: ca.RoleClient, Name: "leaf"})
	require.NoError(t, err)
	for _, tc := range []struct {
		name     string
		store    keystore.Store
		alias    string
		rootOnly bool
		want     error
	}{
		{"a root", keystore.Store{Identities: []keystore.Identity{identity(rootKey, root)}}, "", true, nil},
		{"an intermediate with its root", keystore.Store{Identities: []keystore.Identity{identity(issuingKey, issuing, root)}}, "", false, nil},
		{"certificates lying about", keystore.Store{Identities: []keystore.Identity{identity(issuingKey)},
			Anchors: []keystore.Anchor{{Certificate: root}}, Loose: []keystore.Anchor{{Certificate: issuing}}}, "ca", false, nil},
		{"no root", keystore.Store{Identities: []keystore.Identity{identity(issuingKey, issuing)}}, "", false, ca.ErrPolicy},
		{"a leaf", keystore.Store{Identities: []keystore.Identity{leaf}, Anchors: []keystore.Anchor{{Certificate: root}}}, "", false, ca.ErrPolicy},
		{"the wrong key", keystore.Store{Identities: []keystore.Identity{identity(rootKey, issuing)}}, "", false, ca.ErrPolicy},
		{"no key", keystore.Store{Anchors: []keystore.Anchor{{Certificate: root}}}, "", false, ca.ErrNotFound},
		{"two keys", keystore.Store{Identities: []keystore.Identity{identity(rootKey, root), identity(issuingKey, issuing)}}, "", false, ca.ErrPolicy},
		{"another alias", keystore.Store{Identities: []keystore.Identity{identity(rootKey, root)}}, "x", false, ca.ErrNotFound},
		{"a locked key", keystore.Store{Identities: []keystore.Identity{{Locked: keystore.ErrPassword, Chain: []keystore.Certificate{root}}}}, "", false, keystore.ErrPassword},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pki")
			result, err := ca.Import(t.Context(), dir, ca.ImportRequest{Store: &tc.store, Alias: tc.alias, Password: caPassword, Iterations: 1}, options())
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
				require.NoDirExists(t, dir)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "import-history", result.Notices[0].Code)
			h, err := ca.Open(t.Context(), dir, options())
			require.NoError(t, err)
			defer h.Close()
			assert.Equal(t, tc.rootOnly, h.RootOnly())
			a, err := h.Unlock(caPassword)
			require.NoError(t, err)
			p, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleServer, Name: "localhost"}})
			require.NoError(t, err)
			roots, middle := x509.NewCertPool(), x509.NewCertPool()
			roots.AddCert(old.Root())
			middle.AddCert(h.Issuer())
			_, err = p.Certificate().Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, CurrentTime: noon, DNSName: "localhost"})
			require.NoError(t, err)
			require.NoError(t, parseCRL(t, h.Path(h.CRLPath())).CheckSignatureFrom(h.Issuer()))
		})
	}
}

// TestImportAsKeytoolMakes: a CA with `-ext bc=ca:true` has no keyUsage; it is taken over with a warning, and can sign
// CRLs all the same.
func TestImportAsKeytoolMakes(t *testing.T) {
	a := memoryCA(t, func(c *x509.Certificate) { c.KeyUsage = 0 })
	store := &keystore.Store{Identities: []keystore.Identity{{Key: keyOf(t, ca.ECDSAP256), Chain: []keystore.Certificate{a.Root()}}}}
	dir := filepath.Join(t.TempDir(), "pki")
	result, err := ca.Import(t.Context(), dir, ca.ImportRequest{Store: store}, options())
	require.NoError(t, err)
	codes := []string{}
	for _, n := range result.Notices {
		codes = append(codes, n.Code)
	}
	assert.Equal(t, []string{"import-history", "import-no-key-usage", "ca-key-unencrypted"}, codes)
	h, err := ca.Open(t.Context(), dir, options())
	require.NoError(t, err)
	defer h.Close()
	require.NoError(t, parseCRL(t, h.Path(ca.RootCRLPath)).CheckSignatureFrom(h.Root()))

	noCRL := memoryCA(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	store.Identities[0].Chain[0] = noCRL.Root()
	_, err = ca.Import(t.Context(), filepath.Join(t.TempDir(), "pki"), ca.ImportRequest{Store: store}, options())
	require.ErrorIs(t, err, ca.ErrPolicy)
}

// TestImportExpired: a CA that is over, or not yet, is no use.
func TestImportExpired(t *testing.T) {
	a := memoryCA(t, nil)
	store := &keystore.Store{Identities: []keystore.Identity{{Key: keyOf(t, ca.ECDSAP256), Chain: []keystore.Certificate{a.Root()}}}}
	for _, now := range []time.Time{noon.Add(-2 * time.Minute), noon.Add(11 * day)} {
		opts := options()
		opts.Now = at(now)
		_, err := ca.Import(t.Context(), filepath.Join(t.TempDir(), "pki"), ca.ImportRequest{Store: store}, opts)
		require.ErrorIs(t, err, ca.ErrPolicy)
	}
}

// plainKey opens a CA's key of a home and returns it as a store would hold it.
func plainKey(t *testing.T, unlock func(keystore.Secret) (*ca.Authority, error)) *keystore.PrivateKey {
	t.Helper()
	a, err := unlock(caPassword)
	require.NoError(t, err)
	key, err := ca.NewPrivateKey(a.Key())
	require.NoError(t, err)
	return key
}
