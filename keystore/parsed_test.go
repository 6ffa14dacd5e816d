package keystore_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// TestParsed: bytes that were parsed before are known again, and any others are parsed and judged as ever.
func TestParsed(t *testing.T) {
	ca := mint.CA(t, "ca", "ec")
	leaf := mint.Leaf(t, "leaf", "ec", ca)
	key, err := keystore.NewPrivateKey(leaf.PKCS8)
	require.NoError(t, err)
	s := &keystore.Store{
		Identities: []keystore.Identity{{Key: key, Chain: []keystore.Certificate{keystore.NewCertificate(leaf.DER)}}},
		Anchors:    []keystore.Anchor{{Certificate: keystore.NewCertificate(ca.DER)}},
	}
	for name, parsed := range map[string]*keystore.Parsed{"of the store": keystore.ParsedOf(s), "nil": nil} {
		t.Run(name, func(t *testing.T) {
			for _, want := range []keystore.Certificate{s.Identities[0].Chain[0], s.Anchors[0].Certificate} {
				got, err := parsed.Certificate(bytes.Clone(want.Raw))
				require.NoError(t, err)
				assert.True(t, got.Equal(want))
				assert.Equal(t, parsed != nil, got.X509 == want.X509, "parsed again")
			}
			got, err := parsed.PrivateKey(bytes.Clone(key.PKCS8))
			require.NoError(t, err)
			assert.Equal(t, key.PKCS8, got.PKCS8)
			assert.Equal(t, parsed != nil, got == key, "parsed again")

			other := mint.CA(t, "other", "ec")
			c, err := parsed.Certificate(other.DER)
			require.NoError(t, err)
			assert.Equal(t, "CN=other", c.Subject())
			_, err = parsed.Certificate(leaf.DER[1:])
			assert.ErrorIs(t, err, keystore.ErrFormat)
			_, err = parsed.PrivateKey(leaf.PKCS8[1:])
			assert.ErrorIs(t, err, keystore.ErrFormat)
		})
	}
}
