package pbe

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	mathrand "math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// testKey returns a fresh PrivateKeyInfo.
func testKey(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

// seeded returns a source of bytes that are the same in every run.
func seeded() *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{7}) }

func TestEncryptThenDecrypt(t *testing.T) {
	plain := testKey(t)
	for _, scheme := range []Scheme{"", AES256, TripleDES} {
		for _, pw := range []keystore.Secret{{}, keystore.Secret("pw"), keystore.Secret("pässwörd€😀")} {
			info, err := Encrypt(plain, pw, Params{scheme, 3}, seeded())
			require.NoError(t, err)
			got, p, err := Decrypt(info, pw, keystore.Limits{})
			require.NoError(t, err)
			assert.Equal(t, plain, got)
			assert.Equal(t, 3, p.Iterations)

			again, err := Encrypt(plain, pw, Params{scheme, 3}, seeded())
			require.NoError(t, err)
			assert.Equal(t, info, again, "the same random bytes give the same file")

			_, _, err = Decrypt(info, keystore.Secret("wrong"), keystore.Limits{})
			assert.ErrorIs(t, err, keystore.ErrPassword)
			_, p, err = Decrypt(info, nil, keystore.Limits{})
			assert.ErrorIs(t, err, keystore.ErrPassword, "no password is not an empty one")
			assert.NotEmpty(t, p.Algorithm)
		}
	}
}

func TestEncryptRefuses(t *testing.T) {
	plain := testKey(t)
	_, err := Encrypt(plain, nil, Params{Iterations: 1}, seeded())
	assert.Error(t, err, "no password")
	_, err = Encrypt(plain, keystore.Secret("x"), Params{Iterations: keystore.DefaultLimits.Iterations + 1}, seeded())
	assert.ErrorIs(t, err, keystore.ErrTooLarge, "no reader would take it")
	_, err = Encrypt(plain, keystore.Secret("x"), Params{Scheme: "rot13", Iterations: 1}, seeded())
	assert.ErrorIs(t, err, keystore.ErrUnsupported)
	_, err = Encrypt(plain, keystore.Secret("x"), Params{Iterations: 1}, bytes.NewReader(make([]byte, saltLen+1)))
	assert.Error(t, err, "randomness that ends")
}
