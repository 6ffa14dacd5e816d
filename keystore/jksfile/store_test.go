package jksfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// theDay is the date of everything in these tests, with milliseconds that must survive.
var theDay = time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC)

// member is a certificate with its key.
type member struct {
	cert keystore.Certificate
	key  *keystore.PrivateKey
}

// newKey makes a key of a kind: "rsa", "ec" or "ed25519".
func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	require.NoError(t, err)
	return key
}

// newMember makes a certificate for cn, issued by parent, or by itself where parent is nil.
func newMember(t testing.TB, cn, kind string, parent *member) *member {
	t.Helper()
	key := newKey(t, kind)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(cn)) + 1000), Subject: pkix.Name{CommonName: cn},
		NotBefore: theDay.AddDate(-1, 0, 0), NotAfter: theDay.AddDate(20, 0, 0),
		IsCA: parent == nil, BasicConstraintsValid: true,
	}
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.cert.X509, parent.key.Signer
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	require.NoError(t, err)
	return &member{keystore.NewCertificate(raw), private}
}

// mixedStore is two keys, one with a chain, and a trusted certificate.
func mixedStore(t testing.TB) *keystore.Store {
	t.Helper()
	ca := newMember(t, "Test CA", "ec", nil)
	server, client := newMember(t, "server", "rsa", ca), newMember(t, "client", "ed25519", ca)
	return &keystore.Store{
		Identities: []keystore.Identity{
			{Alias: "srvalias", Created: theDay, Key: server.key, Chain: []keystore.Certificate{server.cert, ca.cert}},
			{Alias: "kä😀x", Created: theDay.Add(time.Millisecond), Key: client.key, Chain: []keystore.Certificate{client.cert}},
		},
		Anchors: []keystore.Anchor{{Alias: "caalias", Created: theDay, Certificate: ca.cert}},
	}
}

// fixedRandom is the same sequence of bytes each time it is made.
func fixedRandom() *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{1}) }

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
	require.Empty(t, same(want, got), "what differs")
}
