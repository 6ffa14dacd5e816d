package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The algorithms besides RSA that Go knows, and the curves, as OIDs in DER.
const (
	oidEd25519 = "\x06\x03\x2B\x65\x70"
	oidEC      = "\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01"
)

var goCurves = []string{
	"\x06\x05\x2B\x81\x04\x00\x21",             // P-224
	"\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07", // P-256
	"\x06\x05\x2B\x81\x04\x00\x22",             // P-384
	"\x06\x05\x2B\x81\x04\x00\x23",             // P-521
}

// Damage says in one clause why a key can be no working one: its numbers do not belong together, or its public half is
// another key's. A key that was changed looks like any other from the outside, and programs that use it fail long after
// whoever converted it has gone. It is "" where nothing speaks against the key, or its algorithm is not known here.
func (k *PrivateKey) Damage() string {
	p := k.parts()
	switch {
	case k.Signer != nil && string(p.algorithm) == oidRSA && !hasRSANumbers(p.secret): // Go does without the last three
		return notTwoPrimes
	case k.Signer != nil: // then Go checked the numbers
		return k.otherPublic(p)
	case len(k.PKCS8) > maxParsedKey:
		return ""
	case string(p.algorithm) == oidRSA:
		return rsaDamage(p.secret)
	case string(p.algorithm) == oidEd25519:
		return "it is no Ed25519 key, which has 32 bytes"
	case string(p.algorithm) == oidEC && slices.Contains(goCurves, string(p.parameters)):
		return "it is no EC key of its curve"
	}
	return ""
}

// otherPublic compares the public key that a key carries with its own. RSA's is made of the very numbers of the private one.
func (k *PrivateKey) otherPublic(p keyParts) string {
	carried := p.public()
	if carried == nil {
		return ""
	}
	same := true
	switch public := k.Signer.Public().(type) {
	case ed25519.PublicKey:
		same = bytes.Equal(public, carried)
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil || len(carried) < 2 {
			return ""
		}
		same = bytes.HasPrefix(point[1:], carried[1:min(len(carried), 1+len(point)/2)]) // a compressed one is half as long
	}
	if !same {
		return "the public key in it is not its own"
	}
	return ""
}

const notTwoPrimes = "it is no RSA key of two primes"

// hasRSANumbers reports whether there are as many numbers as an RSAPrivateKey has, RFC 8017 appendix A.1.2, or further
// primes. Their values are not looked at.
func hasRSANumbers(key cryptobyte.String) bool {
	const numbers = 9 // the version too
	var body cryptobyte.String
	ok := key.ReadASN1(&body, asn1.SEQUENCE)
	for range numbers {
		ok = ok && body.SkipASN1(asn1.INTEGER)
	}
	return ok
}

// rsaDamage checks the numbers of an RSAPrivateKey, RFC 8017 appendix A.1.2, that Go refuses: for their sizes, perhaps, or
// because they are wrong. Those with more than two primes are not checked.
func rsaDamage(key cryptobyte.String) string {
	var body cryptobyte.String
	var version int
	var n, e, d, p, q, dp, dq, qInv big.Int
	ok := key.ReadASN1(&body, asn1.SEQUENCE) && body.ReadASN1Integer(&version)
	if ok && version == 1 {
		return ""
	}
	one := big.NewInt(1)
	for _, number := range []*big.Int{&n, &e, &d, &p, &q, &dp, &dq, &qInv} {
		ok = ok && body.ReadASN1Integer(number) && number.Sign() > 0
	}
	if !ok || p.Cmp(one) == 0 || q.Cmp(one) == 0 {
		return notTwoPrimes
	}
	var p1, q1 big.Int
	p1.Sub(&p, one)
	q1.Sub(&q, one)
	product := func(a, b, modulus *big.Int) *big.Int {
		var r big.Int
		return r.Mod(r.Mul(a, b), modulus)
	}
	is := func(a *big.Int, b *big.Int) bool { return a.Cmp(b) == 0 }
	ok = is(new(big.Int).Mul(&p, &q), &n) &&
		is(product(&e, &d, &p1), one) && is(product(&e, &d, &q1), one) &&
		is(product(&d, one, &p1), &dp) && is(product(&d, one, &q1), &dq) && is(product(&q, &qInv, &p), one)
	if !ok {
		return "its numbers do not belong together"
	}
	return ""
}
