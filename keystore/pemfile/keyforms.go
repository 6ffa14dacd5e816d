package pemfile

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// The algorithms of the key forms that are older than PKCS#8 and so do not name theirs.
var (
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}     // RFC 5480
	oidDSA = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}     // RFC 3279
)

// wrapRSA returns a PKCS#1 RSAPrivateKey as a PrivateKeyInfo; the bytes of the key stay as they are.
func wrapRSA(pkcs1 []byte) ([]byte, error) {
	if derKind(pkcs1) != labelRSA {
		return nil, malformed("reading an RSA key: not a PKCS#1 RSAPrivateKey")
	}
	return wrap(oidRSA, asn1.NullBytes, pkcs1)
}

// wrapEC returns a SEC1 ECPrivateKey (RFC 5915) as a PrivateKeyInfo, the curve moved to where PKCS#8 has it. Curve is
// that of an EC PARAMETERS block before the key, for a key that does not name its own; nil: there was none.
func wrapEC(sec1, curve []byte) ([]byte, error) {
	var body, secret, public cryptobyte.String
	var version int
	var hasCurve, hasPublic bool
	var ownCurve cryptobyte.String
	in := cryptobyte.String(sec1)
	ok := in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() &&
		body.ReadASN1Integer(&version) && version == 1 && body.ReadASN1(&secret, cbasn1.OCTET_STRING) &&
		body.ReadOptionalASN1(&ownCurve, &hasCurve, cbasn1.Tag(0).Constructed().ContextSpecific()) &&
		body.ReadOptionalASN1(&public, &hasPublic, cbasn1.Tag(1).Constructed().ContextSpecific()) && body.Empty()
	if !ok {
		return nil, malformed("reading an EC key: not a SEC1 ECPrivateKey")
	}
	if hasCurve {
		curve = ownCurve
	}
	if curve == nil {
		return nil, malformed("reading an EC key: it does not say which curve it is of")
	}
	var inner cryptobyte.Builder
	inner.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(secret)
		if hasPublic {
			b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(public) })
		}
	})
	key, err := inner.Bytes()
	if err != nil {
		return nil, malformed("reading an EC key: %v", err)
	}
	return wrap(oidEC, curve, key)
}

// wrapDSA returns a DSA key as OpenSSL had it before PKCS#8 (version, p, q, g, y, x) as a PrivateKeyInfo: p, q and g are
// the algorithm's parameters (RFC 3279 section 2.3.2) and x is the key; y follows from them.
func wrapDSA(traditional []byte) ([]byte, error) {
	if derKind(traditional) != labelDSA {
		return nil, malformed("reading a DSA key: not version, p, q, g, y and x")
	}
	var body, parameters, secret cryptobyte.String
	in := cryptobyte.String(traditional)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() || !body.SkipASN1(cbasn1.INTEGER) {
		return nil, malformed("reading a DSA key: cut short, or with something behind it")
	}
	start := body
	for range 3 {
		body.SkipASN1(cbasn1.INTEGER)
	}
	parameters = start[:len(start)-len(body)]
	if !body.SkipASN1(cbasn1.INTEGER) || !body.ReadASN1Element(&secret, cbasn1.INTEGER) {
		return nil, malformed("reading a DSA key: cut short")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(parameters) })
	sequence, err := b.Bytes()
	if err != nil {
		return nil, malformed("reading a DSA key: %v", err)
	}
	return wrap(oidDSA, sequence, secret)
}

// wrap builds a PrivateKeyInfo, RFC 5208 section 5.
func wrap(algorithm asn1.ObjectIdentifier, parameters, key []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			b.AddBytes(parameters)
		})
		b.AddASN1OctetString(key)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, malformed("reading a private key: %v", err)
	}
	return der, nil
}

// wrapPublicRSA returns a PKCS#1 RSAPublicKey as a SubjectPublicKeyInfo.
func wrapPublicRSA(pkcs1 []byte) ([]byte, error) {
	var body cryptobyte.String
	in := cryptobyte.String(pkcs1)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() ||
		!body.SkipASN1(cbasn1.INTEGER) || !body.SkipASN1(cbasn1.INTEGER) || !body.Empty() {
		return nil, malformed("reading a public key: not a PKCS#1 RSAPublicKey")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidRSA)
			b.AddBytes(asn1.NullBytes)
		})
		b.AddASN1BitString(pkcs1)
	})
	return b.Bytes()
}

// plainKey turns the bytes of an unencrypted key block into a key. Curve is as for wrapEC.
func (d *decoder) plainKey(label string, der, curve []byte) (*keystore.PrivateKey, error) {
	var err error
	switch label {
	case labelRSA:
		der, err = wrapRSA(der)
	case labelEC:
		der, err = wrapEC(der, curve)
	case labelDSA:
		der, err = wrapDSA(der)
	}
	if err != nil {
		return nil, err
	}
	return d.opts.Parsed.PrivateKey(der)
}
