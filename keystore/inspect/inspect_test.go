package inspect_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// party is a key with its certificate.
type party struct {
	key  crypto.Signer
	cert keystore.Certificate
}

// issue makes a party; edit changes the template, signer nil is itself.
func issue(t testing.TB, name string, key crypto.Signer, signer *party, edit func(*x509.Certificate)) *party {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(0x0a1b2c),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{strings.ToLower(name) + ".example"},
		NotBefore:             now.AddDate(0, 0, -10),
		NotAfter:              now.AddDate(1, 0, 0),
		BasicConstraintsValid: true,
	}
	if edit != nil {
		edit(template)
	}
	p := &party{key: key}
	parent, parentKey := template, key
	if signer != nil {
		parent, parentKey = signer.cert.X509, signer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	require.NoError(t, err)
	p.cert = keystore.NewCertificate(der)
	return p
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func private(t testing.TB, key crypto.Signer) *keystore.PrivateKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	k, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	return k
}

func ca(x *x509.Certificate) { x.IsCA, x.DNSNames = true, nil }

func describe(s *keystore.Store, edit func(*inspect.Options)) inspect.File {
	o := inspect.Options{File: "a.p12", Format: "p12", Password: "given", Now: now}
	if edit != nil {
		edit(&o)
	}
	return inspect.Describe(s, o)
}

func TestDescribeEntries(t *testing.T) {
	root := issue(t, "Root", ecKey(t), nil, ca)
	leaf := issue(t, "Dev1", ecKey(t), root, func(x *x509.Certificate) {
		x.IPAddresses = []net.IP{net.ParseIP("192.0.2.7")}
		x.URIs = []*url.URL{{Scheme: "urn", Opaque: "mqttpki:client:Dev1"}}
		x.EmailAddresses = []string{"dev1@example.com"}
		x.KeyUsage = x509.KeyUsageDigitalSignature
		x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		x.NotAfter = now.Add(100*24*time.Hour + time.Hour)
	})
	created := time.Date(2026, 5, 1, 10, 0, 0, 5e6, time.FixedZone("x", 3600))
	s := &keystore.Store{
		Identities: []keystore.Identity{{Alias: "dev1", Created: created, Key: private(t, leaf.key), Chain: []keystore.Certificate{leaf.cert, root.cert}}},
		Anchors:    []keystore.Anchor{{Alias: "root", Certificate: root.cert}},
		Loose:      []keystore.Anchor{{Certificate: keystore.Certificate{Raw: []byte{1, 2, 3}}}},
		Others:     []keystore.Other{{Alias: "aes", Kind: keystore.KindSecret, Algorithm: "AES", Bits: 256}},
		Integrity:  keystore.IntegrityVerified,
		Protection: []keystore.Protection{{Part: "key", Alias: "dev1", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC", Iterations: 10000}},
	}
	f := describe(s, nil)
	require.Len(t, f.Entries, 4)
	assert.Equal(t, "verified", f.Integrity)
	assert.Equal(t, 10000, f.Protection[0].Iterations)

	key := f.Entries[0]
	assert.Equal(t, "key", key.Type)
	assert.Equal(t, "EC", key.Key.Algorithm)
	assert.Equal(t, 256, key.Key.Bits)
	assert.Equal(t, "P-256", key.Key.Curve)
	assert.Equal(t, "2026-05-01T09:00:00.005Z", key.Created.Format(time.RFC3339Nano))
	require.Len(t, key.Certificates, 2)
	c := key.Certificates[0]
	assert.Equal(t, key.Key.PublicSHA256, c.Key.PublicSHA256, "the key is not recognised as its certificate's")
	assert.Equal(t, "CN=Dev1", c.Subject)
	assert.Equal(t, "CN=Root", c.Issuer)
	assert.Equal(t, "a1b2c", c.Serial)
	assert.Equal(t, 100, *c.DaysLeft)
	assert.Equal(t, []string{"dns:dev1.example", "ip:192.0.2.7", "uri:urn:mqttpki:client:Dev1", "email:dev1@example.com"}, c.SANs)
	assert.Equal(t, []string{"clientAuth"}, c.EKU)
	assert.Equal(t, []string{"digitalSignature"}, c.KeyUsage)
	assert.Equal(t, "client", c.Role)
	assert.Equal(t, "ca", key.Certificates[1].Role)
	assert.True(t, key.Certificates[1].SelfSigned)
	assert.Equal(t, "ECDSA-SHA256", c.SignatureAlgorithm)
	assert.Equal(t, "trusted", f.Entries[1].Type)
	assert.Equal(t, "certificate", f.Entries[2].Type)
	assert.Len(t, f.Entries[2].Certificates[0].SHA256, 64)
	assert.Equal(t, "secret", f.Entries[3].Type)
	assert.Equal(t, 256, f.Entries[3].Key.Bits)
}

// TestReportKeepsSecrets: a report holds nothing of a private key or password.
func TestReportKeepsSecrets(t *testing.T) {
	s := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: private(t, ecKey(t))}}}
	text, err := json.Marshal(describe(s, func(o *inspect.Options) { o.PasswordText = keystore.Secret("tops3cret") }))
	require.NoError(t, err)
	assert.NotContains(t, string(text), "tops3cret")
	for _, spelling := range []string{hex.EncodeToString(s.Identities[0].Key.PKCS8), base64.StdEncoding.EncodeToString(s.Identities[0].Key.PKCS8)} {
		assert.NotContains(t, string(text), spelling)
	}
}

// TestDescribeTextCertificates: what is only trusted because no key is beside it is called a certificate.
func TestDescribeTextCertificates(t *testing.T) {
	leaf := issue(t, "Leaf", ecKey(t), nil, nil)
	s := &keystore.Store{Anchors: []keystore.Anchor{{Certificate: leaf.cert}, {Alias: "named", Certificate: leaf.cert}}}
	types := func(format string) (list []string) {
		for _, e := range describe(s, func(o *inspect.Options) { o.Format = format }).Entries {
			list = append(list, e.Type)
		}
		return list
	}
	assert.Equal(t, []string{"certificate", "trusted"}, types("pem"))
	assert.Equal(t, []string{"trusted", "trusted"}, types("p12"))
}

func TestDescribeRequestsAndCRLs(t *testing.T) {
	root := issue(t, "Root", ecKey(t), nil, func(x *x509.Certificate) { ca(x); x.KeyUsage = x509.KeyUsageCRLSign; x.SubjectKeyId = []byte{1} })
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "r"}, DNSNames: []string{"r.example"}}, ecKey(t))
	require.NoError(t, err)
	forged := append([]byte(nil), request...)
	forged[len(forged)-1] ^= 1
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(7), ThisUpdate: now.AddDate(0, 0, -40), NextUpdate: now.AddDate(0, 0, -10),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: now}},
	}, root.cert.X509, root.key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(root.key.Public())
	require.NoError(t, err)
	f := describe(&keystore.Store{Others: []keystore.Other{
		{Kind: keystore.KindRequest, Raw: request},
		{Alias: "forged", Kind: keystore.KindRequest, Raw: forged},
		{Kind: keystore.KindCRL, Raw: crl},
		{Kind: keystore.KindPublicKey, Raw: public},
		{Kind: keystore.KindCRL, Raw: []byte("no list")},
	}}, func(o *inspect.Options) { o.File, o.Format = "a.pem", "pem" })
	require.Len(t, f.Entries, 5)
	assert.Equal(t, "CN=r", f.Entries[0].Request.Subject)
	assert.True(t, f.Entries[0].Request.SignatureValid)
	assert.Equal(t, []string{"dns:r.example"}, f.Entries[0].Request.SANs)
	assert.False(t, f.Entries[1].Request.SignatureValid)
	assert.Equal(t, 1, f.Entries[2].CRL.Revoked)
	assert.Equal(t, "7", f.Entries[2].CRL.Number)
	assert.Equal(t, "EC", f.Entries[3].Key.Algorithm)
	assert.Nil(t, f.Entries[4].CRL)
	assert.Empty(t, f.Readers)
	assert.ElementsMatch(t, []string{"bad-signature", "crl-expired"}, codes(f))
}

// codes lists the problems of a report.
func codes(f inspect.File) []string {
	var list []string
	for _, p := range f.Problems {
		list = append(list, p.Code)
	}
	return list
}

func TestProblems(t *testing.T) {
	root := issue(t, "Root", ecKey(t), nil, ca)
	inter := issue(t, "Inter", ecKey(t), root, ca)
	good := issue(t, "Good", ecKey(t), inter, nil)
	stranger := issue(t, "Stranger", ecKey(t), nil, nil)
	protected := []keystore.Protection{{Part: "key", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"}}
	with := func(p *party, chain ...*party) *keystore.Store {
		id := keystore.Identity{Alias: "a", Key: private(t, p.key)}
		for _, c := range chain {
			id.Chain = append(id.Chain, c.cert)
		}
		return &keystore.Store{Identities: []keystore.Identity{id}, Protection: protected}
	}
	one := func(edit func(*x509.Certificate)) *keystore.Store {
		p := issue(t, "One", ecKey(t), nil, edit)
		return with(p, p)
	}
	locked := with(good, good, inter, root)
	locked.Identities[0].Key, locked.Identities[0].Locked = nil, keystore.ErrPassword
	foreign := with(good, good, inter, root)
	foreign.Identities[0].Key, foreign.Identities[0].Locked = nil, keystore.ErrUnsupported
	damaged := with(good, good, inter, root)
	damaged.Identities[0].Key = damagedKey(t, good.key)
	weak := with(good, good, inter, root)
	weak.Protection = []keystore.Protection{{Part: "key", Algorithm: "PBE-SHA1-RC2-40", Weak: "40-bit key"}, {Part: "key", Algorithm: "PBE-SHA1-3DES", Weak: "3DES"}}
	bare := with(good, good, inter, root)
	bare.Protection = nil
	unchecked := with(good, good, inter, root)
	unchecked.Integrity = keystore.IntegrityUnchecked
	noted := with(good, good, inter, root)
	noted.Problems = []keystore.Problem{{Code: "trailing-bytes", Severity: "warning", Text: "3 bytes follow."}}
	trusting := with(good, good)
	trusting.Anchors = []keystore.Anchor{{Alias: "i", Certificate: inter.cert}, {Alias: "r", Certificate: root.cert}}
	trusts := func(p *party) *keystore.Store {
		return &keystore.Store{Anchors: []keystore.Anchor{{Alias: "t", Certificate: p.cert}}}
	}
	long := issue(t, "Long", ecKey(t), nil, func(x *x509.Certificate) {
		x.NotAfter, x.ExtKeyUsage = now.AddDate(3, 0, 0), []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	device := issue(t, "Device", ecKey(t), nil, func(x *x509.Certificate) {
		x.DNSNames, x.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	md5MAC := with(good, good, inter, root)
	md5MAC.Protection = append(md5MAC.Protection, keystore.Protection{Part: "mac", Algorithm: "PKCS12 HMAC-MD5"},
		keystore.Protection{Part: "certificates", Algorithm: "PBE-SHA1-3DES", Weak: "3DES"})
	smallKey, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	small := issue(t, "Small", smallKey, nil, nil)

	for _, tc := range []struct {
		name  string
		store *keystore.Store
		file  string
		want  []string
	}{
		{"nothing wrong", with(good, good, inter, root), "", nil},
		{"the issuer is trusted", trusting, "", nil},
		{"key of another certificate", with(stranger, good, inter, root), "", []string{"key-leaf-mismatch"}},
		{"chain out of order", with(good, good, root, inter), "", []string{"chain-order"}},
		{"missing intermediate", with(good, good), "", []string{"missing-intermediate"}},
		{"damaged key", damaged, "", []string{"key-damaged"}},
		{"no certificate", with(good), "", []string{"key-without-certificate"}},
		{"locked", locked, "", []string{"key-locked"}},
		{"encrypted in an unknown way", foreign, "", []string{"key-unsupported"}},
		{"expired", one(func(x *x509.Certificate) { x.NotAfter = now.Add(-time.Hour) }), "", []string{"expired"}},
		{"not yet valid", one(func(x *x509.Certificate) { x.NotBefore = now.Add(time.Hour) }), "", []string{"not-yet-valid"}},
		{"expires soon", one(func(x *x509.Certificate) { x.NotAfter = now.Add(29 * 24 * time.Hour) }), "", []string{"expires-soon"}},
		{"no SAN", one(func(x *x509.Certificate) { x.DNSNames = nil }), "", []string{"no-san"}},
		{"short RSA key", with(small, small), "", []string{"weak-key"}},
		{"weak ciphers", weak, "", []string{"export-protection", "weak-protection"}},
		{"weak MAC and weak cipher", md5MAC, "", []string{"weak-protection", "weak-protection"}},
		{"trusted root", trusts(root), "", nil},
		{"trusted intermediate", trusts(inter), "", []string{"trusted-intermediate"}},
		{"trusted leaf", trusts(good), "", []string{"trusted-not-ca"}},
		{"trusted self-signed certificate", trusts(stranger), "", []string{"trusted-not-ca"}},
		{"the key of a CA", with(root, root), "", []string{"ca-key"}},
		{"a server's for years", with(long, long), "", []string{"long-validity"}},
		{"a client needs no SAN", with(device, device), "", nil},
		{"key not encrypted", bare, "", []string{"key-unencrypted"}},
		{"password unknown", unchecked, "", []string{"integrity-unchecked"}},
		{"what the decoder found", noted, "", []string{"trailing-bytes"}},
		{"name of another format", with(good, good, inter, root), "store.JKS", []string{"name-mismatch"}},
		{"a key where certificates are expected", with(good, good, inter, root), `C:\x\server.cer`, []string{"name-mismatch", "key-in-certificate-file"}},
		{"a name that announces nothing", with(good, good, inter, root), "broker.keystore", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := describe(tc.store, func(o *inspect.Options) {
				if tc.file != "" {
					o.File = tc.file
				}
			})
			assert.ElementsMatch(t, tc.want, codes(f))
		})
	}
	assert.Equal(t, inspect.Error, describe(with(stranger, good), nil).Problems[0].Severity, "the worst is not first")
}

// damagedKey is a key of P-256 in which a bit of the number was turned, so that the public key beside it is another's.
func damagedKey(t *testing.T, key crypto.Signer) *keystore.PrivateKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	der[len(der)-80] ^= 1
	damaged, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	return damaged
}

// TestReadableFile: who may read the file counts where there is a private key in it.
func TestReadableFile(t *testing.T) {
	p := issue(t, "One", ecKey(t), nil, nil)
	key := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: private(t, p.key), Chain: []keystore.Certificate{p.cert}}}}
	locked := *key
	locked.Protection = []keystore.Protection{{Part: "key", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"}}
	certificate := &keystore.Store{Anchors: []keystore.Anchor{{Alias: "a", Certificate: p.cert}}}
	for _, tc := range []struct {
		name  string
		store *keystore.Store
		mode  fs.FileMode
		want  inspect.Severity
	}{
		{"open key for all", key, 0o644, inspect.Warning},
		{"open key for the group", key, 0o640, ""},
		{"open key, mode unknown", key, 0, ""},
		{"encrypted key for all", &locked, 0o644, inspect.Notice},
		{"certificate for all", certificate, 0o644, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got inspect.Severity
			for _, p := range describe(tc.store, func(o *inspect.Options) { o.Mode = tc.mode }).Problems {
				if p.Code == "key-readable" {
					got = p.Severity
				}
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestEmptyPassword: it protects no key.
func TestEmptyPassword(t *testing.T) {
	p := issue(t, "One", ecKey(t), nil, nil)
	s := &keystore.Store{
		Identities: []keystore.Identity{{Alias: "a", Key: private(t, p.key), Chain: []keystore.Certificate{p.cert}}},
		Protection: []keystore.Protection{{Part: "key", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"}},
	}
	assert.Contains(t, codes(describe(s, func(o *inspect.Options) { o.Password = "empty" })), "empty-password")
	assert.NotContains(t, codes(describe(s, nil)), "empty-password")
}

// TestSealedCertificatesAreNotMissing: of what could not be opened nothing is said to be missing.
func TestSealedCertificatesAreNotMissing(t *testing.T) {
	store := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Locked: keystore.ErrPassword}}}
	assert.Contains(t, codes(describe(store, nil)), "key-without-certificate")
	store.Problems = []keystore.Problem{{Code: "sealed", Severity: "notice", Text: "encrypted parts: 1"}}
	assert.NotContains(t, codes(describe(store, nil)), "key-without-certificate")
}

// TestReportIsNeverNull: machines get empty lists, not null.
func TestReportIsNeverNull(t *testing.T) {
	text, err := json.Marshal(describe(&keystore.Store{}, nil))
	require.NoError(t, err)
	assert.NotContains(t, string(text), "null")
	text, err = json.Marshal(describe(&keystore.Store{Identities: []keystore.Identity{{}}, Others: []keystore.Other{{Kind: keystore.KindRequest}}}, nil))
	require.NoError(t, err)
	assert.NotContains(t, string(text), "null")
}
