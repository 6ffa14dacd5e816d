package formats

import (
	"bytes"
	"crypto/rand"
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

// A certificate that is larger than what is looked at to tell a format is one all the same.
func TestLargeCertificate(t *testing.T) {
	key := mint.Key(t, "ec")
	large := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "large"}, NotBefore: mint.Day, NotAfter: mint.Day.Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Value: append([]byte{0x04, 0x83, 1, 0x86, 0xA0}, make([]byte, 100_000)...)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, large, large, key.Public(), key)
	require.NoError(t, err)
	require.Greater(t, len(der), HeadBytes)
	require.NoError(t, Refuse(der[:HeadBytes]))
	s, codec, err := Decode(der, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "der", codec.Name())
	require.Len(t, s.Anchors, 1)
	assert.True(t, bytes.Equal(der, s.Anchors[0].Certificate.Raw))
}
