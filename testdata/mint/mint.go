// Package mint makes keys and certificates for tests: small, valid for years around a fixed day, of every key type. Only
// tests import it; what it makes follows no policy.
package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Day is the date of everything, with milliseconds that must survive where a format has them.
var Day = time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC)

// Kinds are the key types that New makes.
var Kinds = []string{"rsa", "ec", "ed25519"}

// Identity is a certificate with its key.
type Identity struct {
	DER   []byte // the certificate
	Cert  *x509.Certificate
	PKCS8 []byte // the key
	Key   crypto.Signer
}

// Key makes a key of one of the [Kinds].
func Key(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ec":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("no key type %q", kind)
	}
	require.NoError(t, err)
	return key
}

// CA makes a certificate that signs itself.
func CA(t testing.TB, cn, kind string) *Identity { return New(t, cn, Key(t, kind), nil, true) }

// Leaf makes a certificate that issuer signs.
func Leaf(t testing.TB, cn, kind string, issuer *Identity) *Identity {
	return New(t, cn, Key(t, kind), issuer, false)
}

// New makes a certificate for key, signed by issuer, or by itself where that is nil.
func New(t testing.TB, cn string, key crypto.Signer, issuer *Identity, ca bool) *Identity {
	t.Helper()
	return issue(t, cn, key, issuer, ca, nil)
}

// Large is [New] with that many host names in the certificate, about 20 bytes for each.
func Large(t testing.TB, cn string, key crypto.Signer, issuer *Identity, ca bool, names int) *Identity {
	t.Helper()
	hosts := make([]string, names)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("host%06d.example", i)
	}
	return issue(t, cn, key, issuer, ca, hosts)
}

// issue is New with host names.
func issue(t testing.TB, cn string, key crypto.Signer, issuer *Identity, ca bool, hosts []string) *Identity {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	serial.SetBit(serial, 62, 1) // always eight bytes, and positive
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: cn},
		NotBefore: Day.AddDate(-1, 0, 0), NotAfter: Day.AddDate(20, 0, 0),
		IsCA: ca, BasicConstraintsValid: true, DNSNames: hosts,
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return &Identity{DER: der, Cert: cert, PKCS8: pkcs8, Key: key}
}
