package revoke_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"iter"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca/revoke"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func issuer(t *testing.T, usage x509.KeyUsage, keyID []byte) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: noon, NotAfter: noon.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: usage, SubjectKeyId: keyID,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func stream(entries ...revoke.Entry) iter.Seq2[revoke.Entry, error] {
	return func(yield func(revoke.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

var list = revoke.List{Number: big.NewInt(7), ThisUpdate: noon.Add(time.Nanosecond), NextUpdate: noon.Add(30 * 24 * time.Hour)}

func TestSign(t *testing.T) {
	cert, key := issuer(t, x509.KeyUsageCRLSign|x509.KeyUsageCertSign, []byte{1, 2, 3})
	der, n, err := revoke.Sign(rand.Reader, cert, []byte{9}, key, list, stream(
		revoke.Entry{Serial: big.NewInt(10), RevokedAt: noon, Reason: 1}, revoke.Entry{Serial: big.NewInt(3), RevokedAt: noon},
	))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	crl, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	require.NoError(t, crl.CheckSignatureFrom(cert))
	assert.Equal(t, []byte{1, 2, 3}, crl.AuthorityKeyId)
	assert.Equal(t, big.NewInt(7), crl.Number)
	assert.Equal(t, noon, crl.ThisUpdate)
	assert.Equal(t, list.NextUpdate, crl.NextUpdate)
	require.Len(t, crl.RevokedCertificateEntries, 2)
	assert.Equal(t, 1, crl.RevokedCertificateEntries[0].ReasonCode)
	assert.Equal(t, big.NewInt(10), crl.RevokedCertificateEntries[0].SerialNumber)
	assert.Empty(t, crl.RevokedCertificateEntries[1].Extensions, "unspecified is left out, RFC 5280 section 5.3.1")
}

// TestSignForOldCAs: no keyUsage, no key identifier.
func TestSignForOldCAs(t *testing.T) {
	cert, key := issuer(t, 0, nil)
	cert.SubjectKeyId = nil // Go gives every CA one
	der, _, err := revoke.Sign(rand.Reader, cert, []byte{9}, key, list, stream())
	require.NoError(t, err)
	crl, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	assert.Equal(t, []byte{9}, crl.AuthorityKeyId)
}

func TestSignRefuses(t *testing.T) {
	good, key := issuer(t, x509.KeyUsageCRLSign, []byte{1})
	noCRL, noCRLKey := issuer(t, x509.KeyUsageCertSign, []byte{1})
	_, otherKey := issuer(t, x509.KeyUsageCRLSign, []byte{1})
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		cert    *x509.Certificate
		key     crypto.Signer
		list    revoke.List
		entries iter.Seq2[revoke.Entry, error]
	}{
		"no number":        {good, key, revoke.List{ThisUpdate: noon, NextUpdate: noon.Add(1)}, stream()},
		"a negative one":   {good, key, revoke.List{Number: big.NewInt(-1), ThisUpdate: noon, NextUpdate: noon.Add(1)}, stream()},
		"a very long one":  {good, key, revoke.List{Number: new(big.Int).Lsh(big.NewInt(1), 160), ThisUpdate: noon, NextUpdate: noon.Add(1)}, stream()},
		"no next update":   {good, key, revoke.List{Number: big.NewInt(1), ThisUpdate: noon}, stream()},
		"no right to sign": {noCRL, noCRLKey, list, stream()},
		"another's key":    {good, otherKey, list, stream()},
		"a broken stream":  {good, key, list, func(yield func(revoke.Entry, error) bool) { yield(revoke.Entry{}, broken) }},
	} {
		t.Run(name, func(t *testing.T) {
			der, _, err := revoke.Sign(rand.Reader, tc.cert, nil, tc.key, tc.list, tc.entries)
			require.Error(t, err)
			assert.Nil(t, der)
		})
	}
}

// TestOpenSSLReads: openssl finds the number, the entry and its reason.
func TestOpenSSLReads(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	cert, key := issuer(t, x509.KeyUsageCRLSign, []byte{1})
	der, _, err := revoke.Sign(rand.Reader, cert, nil, key, list, stream(revoke.Entry{Serial: big.NewInt(0xabcdef), RevokedAt: noon, Reason: 4}))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "crl.pem")
	require.NoError(t, os.WriteFile(file, revoke.PEM(der), 0o600))
	out := interop.Run(t, "", openssl, "crl", "-in", file, "-noout", "-text")
	assert.Contains(t, out, "Serial Number: ABCDEF")
	assert.Contains(t, out, "Superseded")
	assert.Contains(t, out, "X509v3 CRL Number: \n                7")
}
