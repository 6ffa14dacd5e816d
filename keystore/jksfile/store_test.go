package jksfile

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// member wraps what mint made.
func member(t testing.TB, m *mint.Identity) (*keystore.PrivateKey, keystore.Certificate) {
	t.Helper()
	key, err := keystore.NewPrivateKey(m.PKCS8)
	require.NoError(t, err)
	return key, keystore.NewCertificate(m.DER)
}

// mixedStore is two keys, one with a chain, and a trusted certificate.
func mixedStore(t testing.TB) *keystore.Store {
	t.Helper()
	authority := mint.CA(t, "Test CA", "ec")
	_, ca := member(t, authority)
	serverKey, server := member(t, mint.Leaf(t, "server", "rsa", authority))
	clientKey, client := member(t, mint.Leaf(t, "client", "ed25519", authority))
	return &keystore.Store{
		Identities: []keystore.Identity{
			{Alias: "srvalias", Created: mint.Day, Key: serverKey, Chain: []keystore.Certificate{server, ca}},
			{Alias: "kä😀x", Created: mint.Day.Add(time.Millisecond), Key: clientKey, Chain: []keystore.Certificate{client}},
		},
		Anchors: []keystore.Anchor{{Alias: "caalias", Created: mint.Day, Certificate: ca}},
	}
}

// fixedRandom is the same sequence of bytes each time it is made.
func fixedRandom() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

// encodeStore writes s under the store password "changeit" and the key password given.
func encodeStore(t testing.TB, s *keystore.Store, keyPassword keystore.Secret) []byte {
	t.Helper()
	data, err := Codec{}.Encode(s, keystore.EncodeOptions{
		Password: keystore.Secret("changeit"), KeyPassword: keyPassword, Random: fixedRandom(),
	})
	require.NoError(t, err)
	return data
}

// withDigest ends body as a file does whose password is "changeit".
func withDigest(t testing.TB, body []byte) []byte {
	t.Helper()
	password16, err := utf16Password(keystore.Secret("changeit"))
	require.NoError(t, err)
	h := newDigest(password16)
	h.Write(body)
	return h.Sum(bytes.Clone(body))
}

// requireSame fails unless both stores have the same entries.
func requireSame(t testing.TB, want, got *keystore.Store) {
	t.Helper()
	require.NoError(t, keystore.Compare(want, got))
}
