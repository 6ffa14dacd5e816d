package keystore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// rsaKey is a public key of that length which nobody has the private one of.
func rsaKey(bits, exponent int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: exponent}
}

// certificateFor is one of a CA that somebody else signed, for a public key.
func certificateFor(t *testing.T, cn string, public any) keystore.Certificate {
	t.Helper()
	root := mint.CA(t, "root", "ec")
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, NotAfter: mint.Day.AddDate(1, 0, 0),
	}, root.Cert, public, root.Key)
	require.NoError(t, err)
	return keystore.NewCertificate(der)
}

// What a key as issuer is worth: crypto/x509 refuses to look at a short one, which is no proof against it, and at a long
// one or one with a large exponent it would look for minutes.
func TestIssuedByKeysOfAllSizes(t *testing.T) {
	leaf := keystore.NewCertificate(mint.Leaf(t, "leaf", "ec", mint.CA(t, "CA", "ec")).DER) // not signed with any of these
	for _, tc := range []struct {
		name string
		key  *rsa.PublicKey
		want bool
	}{
		{"512 bits", rsaKey(512, 65537), true},
		{"2048 bits", rsaKey(2048, 65537), false},
		{"8192 bits", rsaKey(8192, 65537), false},
		{"16384 bits", rsaKey(16384, 65537), true},
		{"a large exponent", rsaKey(2048, 1<<30+1), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, keystore.Issued(certificateFor(t, "CA", tc.key), leaf))
		})
	}
}

func TestCheckRequest(t *testing.T) {
	signed := func(key any) *x509.CertificateRequest {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		require.NoError(t, err)
		r, err := x509.ParseCertificateRequest(der)
		require.NoError(t, err)
		return r
	}
	good, other := signed(mint.Key(t, "rsa")), signed(mint.Key(t, "rsa"))
	assert.Equal(t, keystore.SignatureFits, keystore.CheckRequest(good))
	good.Signature = other.Signature
	assert.Equal(t, keystore.SignatureWrong, keystore.CheckRequest(good))
	good.SignatureAlgorithm = x509.UnknownSignatureAlgorithm
	assert.Equal(t, keystore.SignatureUnknown, keystore.CheckRequest(good))
	huge := rsaKey(400_000, 1<<31-1)
	spki, err := x509.MarshalPKIXPublicKey(huge)
	require.NoError(t, err)
	other.PublicKey, other.RawSubjectPublicKeyInfo = huge, spki
	assert.Equal(t, keystore.SignatureUnknown, keystore.CheckRequest(other), "which would take a minute")
}

func TestSummarizeCRL(t *testing.T) {
	ca := mint.CA(t, "CA", "ec")
	ca.Cert.KeyUsage = x509.KeyUsageCRLSign
	ca.Cert.SubjectKeyId = []byte{1}
	for _, revoked := range []int{0, 1, 1000} {
		template := &x509.RevocationList{Number: big.NewInt(7), ThisUpdate: mint.Day, NextUpdate: mint.Day.Add(time.Hour)}
		for i := range revoked {
			entry := x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i + 1)), RevocationTime: mint.Day, ReasonCode: i % 3}
			template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, entry)
		}
		der, err := x509.CreateRevocationList(rand.Reader, template, ca.Cert, ca.Key)
		require.NoError(t, err)
		whole, err := x509.ParseRevocationList(der)
		require.NoError(t, err)
		list, count, err := keystore.SummarizeCRL(der)
		require.NoError(t, err)
		assert.Equal(t, revoked, count)
		assert.Empty(t, list.RevokedCertificateEntries)
		assert.Equal(t, whole.RawIssuer, list.RawIssuer)
		assert.Equal(t, whole.Number, list.Number)
		assert.Equal(t, whole.ThisUpdate, list.ThisUpdate)
		assert.Equal(t, whole.NextUpdate, list.NextUpdate)
		for n := range der[:min(len(der), 300)] {
			_, _, err := keystore.SummarizeCRL(der[:n])
			require.ErrorIs(t, err, keystore.ErrFormat)
		}
	}
}
