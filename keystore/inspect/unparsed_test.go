package inspect_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// What Go's parser refuses for its curve is described all the same, and judged by its dates.
func TestCurveThatGoDoesNotKnow(t *testing.T) {
	known, unknown := []byte("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), []byte("\x2A\x86\x48\xCE\x3D\x03\x01\x01")
	ca := mint.CA(t, "strange", "ec")
	certificate := keystore.NewCertificate(bytes.ReplaceAll(ca.DER, known, unknown))
	require.Nil(t, certificate.X509)
	key, err := keystore.NewPrivateKey(bytes.ReplaceAll(ca.PKCS8, known, unknown))
	require.NoError(t, err)
	require.Nil(t, key.Signer)
	s := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key, Chain: []keystore.Certificate{certificate}}}}

	f := inspect.Describe(s, inspect.Options{Format: "p12", Now: mint.Day})
	assert.Equal(t, &inspect.Key{Algorithm: "EC", Bits: 192, Curve: "P-192"}, f.Entries[0].Key)
	got := f.Entries[0].Certificates[0]
	assert.Equal(t, "CN=strange", got.Subject)
	assert.Equal(t, "CN=strange", got.Issuer)
	assert.True(t, got.SelfSigned)
	assert.Equal(t, ca.Cert.SerialNumber.Text(16), got.Serial)
	assert.Equal(t, ca.Cert.NotBefore, got.NotBefore)
	assert.Equal(t, ca.Cert.NotAfter, got.NotAfter)
	assert.Equal(t, "EC", got.Key.Algorithm)
	assert.Equal(t, "P-192", got.Key.Curve)
	assert.Equal(t, "ECDSA-SHA256", got.SignatureAlgorithm)
	assert.NotContains(t, codes(f), "expired")

	f = inspect.Describe(s, inspect.Options{Format: "p12", Now: ca.Cert.NotAfter.AddDate(0, 0, 1)})
	assert.Contains(t, codes(f), "expired")
	assert.Empty(t, inspect.Describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: keystore.NewCertificate([]byte{0x30, 0})}}},
		inspect.Options{Format: "p12"}).Entries[0].Certificates[0].Subject)
}

// An algorithm that Go knows no name for is named, not numbered.
func TestSignatureThatGoDoesNotKnow(t *testing.T) {
	ca := mint.CA(t, "CA", "ed25519")
	ed448 := keystore.NewCertificate(bytes.ReplaceAll(ca.DER, []byte{0x06, 3, 0x2B, 0x65, 0x70}, []byte{0x06, 3, 0x2B, 0x65, 0x71}))
	f := inspect.Describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: ed448}}}, inspect.Options{Format: "p12", Now: mint.Day})
	assert.Equal(t, "Ed448", f.Entries[0].Certificates[0].SignatureAlgorithm)
	assert.Equal(t, "Ed448", f.Entries[0].Certificates[0].Key.Algorithm)
}
