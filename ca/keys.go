package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"

	"github.com/mqttpki/mqttpki/keystore"
)

// KeyType is an algorithm and size of keys that are made here.
type KeyType string

// The key types. The zero value "" means ECDSAP256.
const (
	ECDSAP256 KeyType = "ecdsa-p256"
	ECDSAP384 KeyType = "ecdsa-p384"
	RSA2048   KeyType = "rsa-2048"
	RSA3072   KeyType = "rsa-3072"
	RSA4096   KeyType = "rsa-4096"
	Ed25519   KeyType = "ed25519"
)

// KeyTypes are all of them, the default first.
func KeyTypes() []KeyType {
	return []KeyType{ECDSAP256, ECDSAP384, RSA2048, RSA3072, RSA4096, Ed25519}
}

// ParseKeyType returns the key type of that name. "RSA" and "EC", keytool's names, are rsa-2048 and ecdsa-p256; "" is
// the default. It fails with ErrPolicy.
func ParseKeyType(name string) (KeyType, error) {
	switch lower := strings.ToLower(name); lower {
	case "", "ec", "ecdsa":
		return ECDSAP256, nil
	case "rsa":
		return RSA2048, nil
	default:
		for _, k := range KeyTypes() {
			if lower == string(k) {
				return k, nil
			}
		}
	}
	return "", fmt.Errorf("reading key type %s: %w", shortQuote(name), policy("it is none of %v", KeyTypes()))
}

// Notices names what is rare about the key type, for keys of certificates that other programs are to read.
func (k KeyType) Notices() []Notice {
	switch k {
	case Ed25519:
		return []Notice{warn("ed25519-readers", "Ed25519 keys and certificates are refused by Java before 15, IBM MQ, "+
			"NSS (Firefox), Windows and all current browsers")}
	case RSA4096:
		return []Notice{note("rsa-4096-slow", "RSA with 4096 bits makes every handshake several times slower than 2048; small devices may time out")}
	}
	return nil
}

// Generate makes a key. For RSA and ECDSA the standard library takes its randomness from the system whatever random
// is; Ed25519 reads random.
func (k KeyType) Generate(random io.Reader) (*keystore.PrivateKey, error) {
	var signer crypto.Signer
	var err error
	switch k {
	case "", ECDSAP256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case ECDSAP384:
		signer, err = ecdsa.GenerateKey(elliptic.P384(), random)
	case RSA2048:
		signer, err = rsa.GenerateKey(random, 2048)
	case RSA3072:
		signer, err = rsa.GenerateKey(random, 3072)
	case RSA4096:
		signer, err = rsa.GenerateKey(random, 4096)
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(random)
	default:
		_, err = ParseKeyType(string(k))
	}
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return NewPrivateKey(signer)
}

// NewPrivateKey wraps a key of the standard library.
func NewPrivateKey(signer crypto.Signer) (*keystore.PrivateKey, error) {
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return &keystore.PrivateKey{PKCS8: der, Signer: signer}, nil
}

// Bounds of RSA keys that others made. Above the upper one a handshake costs more than a server should pay for
// somebody else's choice.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// smallPrimes is the product of all odd primes below 752, which no modulus may share a factor with (NIST SP 800-89
// section 5.3.3).
var smallPrimes = sync.OnceValue(func() *big.Int { return productOfPrimes(752) })

func productOfPrimes(below int64) *big.Int {
	product := big.NewInt(1)
	for n := int64(3); n < below; n += 2 {
		if candidate := big.NewInt(n); candidate.ProbablyPrime(0) { // exact below 2^64
			product.Mul(product, candidate)
		}
	}
	return product
}

// CheckKey says whether a public key that somebody else made is strong enough to be certified, with ErrPolicy when it
// is not, and names what is rare about it.
func CheckKey(public crypto.PublicKey) ([]Notice, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256(), elliptic.P384():
			return nil, nil
		case elliptic.P521():
			return []Notice{warn("p521-readers", "P-521 is refused by many devices and by IBM's older Java")}, nil
		}
		return nil, policy("the key is on curve %s; P-256 and P-384 are accepted", key.Curve.Params().Name)
	case ed25519.PublicKey:
		return Ed25519.Notices(), nil
	}
	return nil, policy("a key of type %T is neither RSA, ECDSA nor Ed25519", public)
}

func checkRSA(key *rsa.PublicKey) ([]Notice, error) {
	bits := key.N.BitLen()
	switch {
	case bits < minRSABits:
		return nil, policy("the RSA key has %d bits; at least %d are needed", bits, minRSABits)
	case bits > maxRSABits:
		return nil, policy("the RSA key has %d bits; at most %d are accepted", bits, maxRSABits)
	case bits%8 != 0:
		return nil, policy("the RSA key has %d bits, no multiple of 8", bits)
	case key.E < 65537 || key.E%2 == 0:
		return nil, policy("the RSA key's exponent is %d; an odd one from 65537 up is needed (NIST SP 800-89)", key.E)
	case key.N.Bit(0) == 0 || new(big.Int).GCD(nil, nil, key.N, smallPrimes()).Cmp(big.NewInt(1)) != 0:
		return nil, policy("the RSA key's modulus has a small factor: it was not made by a sound program")
	case bits >= 4096:
		return RSA4096.Notices(), nil
	}
	return nil, nil
}

// subjectKeyID returns the key identifier of RFC 7093 section 2 method 1: the left 160 bits of SHA-256 over the key.
// Only equality counts for readers; SHA-1, RFC 5280's own choice, is missing from some approved libraries.
func subjectKeyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	sum := sha256.Sum256(info.Key.RightAlign())
	return sum[:20], nil
}

// samePublic reports whether two public keys are one.
func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// keyTypeOf returns the type of key that resembles a certified one most; an odd RSA size becomes the next larger one.
func keyTypeOf(public crypto.PublicKey) KeyType {
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch bits := key.N.BitLen(); {
		case bits <= 2048:
			return RSA2048
		case bits <= 3072:
			return RSA3072
		}
		return RSA4096
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return ECDSAP384
		}
	case ed25519.PublicKey:
		return Ed25519
	}
	return ECDSAP256
}
