package inspect

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// describePrivate reports a private key.
func describePrivate(key *keystore.PrivateKey) Key {
	if key.Signer != nil {
		return describePublic(key.Signer.Public(), nil)
	}
	k := Key{}
	namePrivate(&k, key.PKCS8)
	return k
}

// namePublic names a key that Go does not know by what its SubjectPublicKeyInfo says.
func namePublic(k *Key, spki []byte) {
	var public subjectPublicKey
	if _, err := asn1.Unmarshal(spki, &public); err == nil {
		nameKey(k, public.Algorithm)
		if k.Bits == 0 {
			k.Bits = modulusBits(k.Algorithm, public.Bits.Bytes, false)
		}
	}
}

// namePrivate does so by its PrivateKeyInfo.
func namePrivate(k *Key, pkcs8 []byte) {
	var private struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(pkcs8, &private); err == nil {
		nameKey(k, private.Algorithm)
		if k.Bits == 0 {
			k.Bits = modulusBits(k.Algorithm, private.Key, true)
		}
	}
}

// parametersOfItsOwn is the curve of an EC key that names none.
const parametersOfItsOwn = "with parameters of its own"

// nameKey names a key by its algorithm and, on a curve, which one, with its size as far as those tell it.
func nameKey(k *Key, algorithm pkix.AlgorithmIdentifier) {
	k.Algorithm = algorithmByOID(algorithm.Algorithm)
	parameters := cryptobyte.String(algorithm.Parameters.FullBytes)
	switch k.Algorithm {
	case "EC":
		var named asn1.ObjectIdentifier
		if parameters.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && parameters.ReadASN1ObjectIdentifier(&named) {
			k.Curve = algorithmByOID(named)
			k.Bits = curveBits[k.Curve]
		} else {
			k.Curve = parametersOfItsOwn
			k.Bits = fieldBits(parameters)
		}
	case "DSA": // Dss-Parms, RFC 3279 section 2.3.2: p, q, g
		var body cryptobyte.String
		if parameters.ReadASN1(&body, cbasn1.SEQUENCE) {
			k.Bits = numberBits(&body)
		}
	default:
		k.Bits = curveBits[k.Algorithm]
	}
}

// fieldBits returns the size of the field of an ECParameters (SEC 1 appendix C.2), where that is of prime numbers.
func fieldBits(parameters cryptobyte.String) int {
	var body, field cryptobyte.String
	if !parameters.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.INTEGER) ||
		!body.ReadASN1(&field, cbasn1.SEQUENCE) || !field.SkipASN1(cbasn1.OBJECT_IDENTIFIER) {
		return 0
	}
	return numberBits(&field)
}

// modulusBits returns the size of an RSA key: RSAPublicKey begins with the modulus, RSAPrivateKey has a version before it
// (RFC 8017 appendix A.1).
func modulusBits(algorithm string, key cryptobyte.String, private bool) int {
	var body cryptobyte.String
	if algorithm != "RSA" && algorithm != "RSA-PSS" || !key.ReadASN1(&body, cbasn1.SEQUENCE) || private && !body.SkipASN1(cbasn1.INTEGER) {
		return 0
	}
	return numberBits(&body)
}

// numberBits reads an INTEGER and returns the size of its value, 0 where there is none.
func numberBits(s *cryptobyte.String) int {
	n := new(big.Int)
	if !s.ReadASN1Integer(n) {
		return 0
	}
	return n.BitLen()
}

// curveBits are the sizes of keys by their curve, as openssl prints them.
var curveBits = map[string]int{
	"X25519": 256, "X448": 448, "Ed25519": 256, "Ed448": 456,
	"P-192": 192, "P-224": 224, "P-256": 256, "P-384": 384, "P-521": 521, "secp256k1": 256,
	"brainpoolP160r1": 160, "brainpoolP160t1": 160, "brainpoolP192r1": 192, "brainpoolP192t1": 192,
	"brainpoolP224r1": 224, "brainpoolP224t1": 224, "brainpoolP256r1": 256, "brainpoolP256t1": 256,
	"brainpoolP320r1": 320, "brainpoolP320t1": 320, "brainpoolP384r1": 384, "brainpoolP384t1": 384,
	"brainpoolP512r1": 512, "brainpoolP512t1": 512,
}
