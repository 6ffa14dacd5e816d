package p12file

import (
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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// testTime is when everything in these tests happens.
var testTime = time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC)

// testPassword is the password of most stores here.
var testPassword = keystore.Secret("changeit")

// seeded returns a source of bytes that are the same in every run.
func seeded() *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{7}) }

// fast returns options that write quickly.
func fast(profile string) keystore.EncodeOptions {
	return keystore.EncodeOptions{Password: testPassword, Profile: profile, Iterations: 5, Random: seeded(), Now: testTime}
}

// reading returns options with a password.
func reading(pw string) keystore.DecodeOptions {
	return keystore.DecodeOptions{Password: keystore.Secret(pw)}
}

// holder is a key with its certificate.
type holder struct {
	key  crypto.Signer
	cert keystore.Certificate
}

// rsaKey makes the one RSA key of these tests, since that is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func edKey(t testing.TB) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

// serial numbers the certificates of a run.
var serial atomic.Int64

// issue makes a certificate; without an issuer it signs itself.
func issue(t testing.TB, name string, key crypto.Signer, issuer *holder, isCA bool) *holder {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(serial.Add(1)),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             testTime.Add(-time.Hour),
		NotAfter:              testTime.Add(10000 * time.Hour),
		IsCA:                  isCA,
		BasicConstraintsValid: true,
	}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.cert.X509, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	return &holder{key: key, cert: keystore.NewCertificate(der)}
}

// privateKey wraps a key for the model.
func privateKey(t testing.TB, key crypto.Signer) *keystore.PrivateKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return &keystore.PrivateKey{PKCS8: der, Signer: key}
}

// identity puts a holder and the rest of its chain under an alias.
func identity(t testing.TB, alias string, h *holder, chain ...*holder) keystore.Identity {
	id := keystore.Identity{Alias: alias, Created: testTime, Key: privateKey(t, h.key), Chain: []keystore.Certificate{h.cert}}
	for _, c := range chain {
		id.Chain = append(id.Chain, c.cert)
	}
	return id
}

// bigStore is a store with everything PKCS12 carries: RSA, EC and Ed25519 keys with chains of a root and an
// intermediate, two trusted certificates, and a loose one.
func bigStore(t testing.TB, withEd bool) *keystore.Store {
	t.Helper()
	root := issue(t, "root", newKey(t), nil, true)
	inter := issue(t, "issuing", newKey(t), root, true)
	s := &keystore.Store{Identities: []keystore.Identity{
		identity(t, "server", issue(t, "server", rsaKey(), inter, false), inter, root),
		identity(t, "sensor-17", issue(t, "sensor-17", newKey(t), inter, false), inter, root),
		identity(t, "selfsigned", issue(t, "selfsigned", newKey(t), nil, false)),
	}}
	if withEd {
		s.Identities = append(s.Identities, identity(t, "ed", issue(t, "ed", edKey(t), inter, false), inter, root))
	}
	s.Anchors = []keystore.Anchor{
		{Alias: "RootCA", Certificate: root.cert},
		{Alias: "other", Certificate: issue(t, "other", newKey(t), nil, true).cert},
	}
	s.Loose = []keystore.Anchor{{Alias: "loose", Certificate: issue(t, "loose", newKey(t), nil, false).cert}}
	return s
}

// write fits and encodes a store and returns the file and what it should hold.
func write(t testing.TB, s *keystore.Store, opts keystore.EncodeOptions) ([]byte, *keystore.Store) {
	t.Helper()
	fitted, _, err := Codec{}.Fit(s, opts)
	require.NoError(t, err)
	data, err := Codec{}.Encode(fitted, opts)
	require.NoError(t, err)
	return data, fitted
}

// requireSame compares two stores as far as both formats and people care.
func requireSame(t testing.TB, want, got *keystore.Store) {
	t.Helper()
	require.NoError(t, keystore.Compare(want, got), "want %s\ngot  %s", outline(want), outline(got))
}

// outline writes a store in one line, for messages and comparisons.
func outline(s *keystore.Store) string {
	var b []byte
	for _, id := range s.Identities {
		b = append(b, "key "+id.Alias...)
		if id.Locked != nil {
			b = append(b, " locked"...)
		}
		for _, c := range id.Chain {
			b = append(b, " "+c.Subject()...)
		}
		b = append(b, "; "...)
	}
	for _, a := range s.Anchors {
		b = append(b, "trusted "+a.Alias+" "+a.Certificate.Subject()+"; "...)
	}
	for _, a := range s.Loose {
		b = append(b, "loose "+a.Alias+" "+a.Certificate.Subject()+"; "...)
	}
	for _, o := range s.Others {
		b = append(b, string(o.Kind)+" "+o.Alias+"; "...)
	}
	return string(b)
}

// codes lists the problems of a store.
func codes(s *keystore.Store) []string {
	var list []string
	for _, p := range s.Problems {
		list = append(list, p.Code)
	}
	return list
}
