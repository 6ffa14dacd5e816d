package keystore

import (
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// PublicID returns what a private key and its certificate have in common and others do not: the algorithm and the public
// key. It knows keys that Go does not, as far as they carry their public half: RSA-PSS, EC on any curve, and whatever is
// in the form of RFC 5958. "" means that it cannot be told.
func (k *PrivateKey) PublicID() string {
	if k == nil {
		return ""
	}
	if k.Signer != nil {
		if spki, err := x509.MarshalPKIXPublicKey(k.Signer.Public()); err == nil {
			return publicID(spki)
		}
	}
	p := k.parts()
	if bits := p.public(); len(bits) > 0 {
		return string(p.algorithm) + string(bits)
	}
	return ""
}

// PublicID is [PrivateKey.PublicID] of the certificate's public key, also where Go does not know its algorithm.
func (c Certificate) PublicID() string {
	if c.X509 != nil {
		return publicID(c.X509.RawSubjectPublicKeyInfo)
	}
	return publicID(c.fields().spki)
}

// publicID takes it from a SubjectPublicKeyInfo: the algorithm's OID, without the parameters, which name the same curve in
// several ways, and the bits of the key.
func publicID(spki []byte) string {
	oid, bits := splitPublic(spki)
	if len(bits) == 0 {
		return ""
	}
	return string(oid) + string(bits)
}

// The OIDs of RSA keys, RFC 8017 appendix C: for any use, and for PSS alone. Programs give one key either of them.
const (
	oidRSA = "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
	oidPSS = "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"
)

// algorithmOf returns an OID as it counts here.
func algorithmOf(oid []byte) []byte {
	if string(oid) == oidPSS {
		return []byte(oidRSA)
	}
	return oid
}

// splitPublic cuts a SubjectPublicKeyInfo into the OID of its algorithm and its key; both are nil where it is none.
func splitPublic(spki []byte) (oid, bits []byte) {
	var body, algorithm, id cryptobyte.String
	in := cryptobyte.String(spki)
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!algorithm.ReadASN1Element(&id, asn1.OBJECT_IDENTIFIER) || !body.ReadASN1BitStringAsBytes(&bits) {
		return nil, nil
	}
	return algorithmOf(id), bits
}

// keyParts are those of a PrivateKeyInfo.
type keyParts struct {
	algorithm  []byte            // the OID, in DER
	parameters []byte            // of the algorithm, in DER: an EC key's curve
	secret     cryptobyte.String // what the OCTET STRING holds
	attached   []byte            // the public key of RFC 5958's version 2, nil without one
}

// parts cuts a PrivateKeyInfo, RFC 5958 section 2, which NewPrivateKey has found to be one.
func (k *PrivateKey) parts() keyParts {
	var p keyParts
	var body, algorithm, id, public cryptobyte.String
	in := cryptobyte.String(k.PKCS8)
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !body.SkipASN1(asn1.INTEGER) || !body.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!algorithm.ReadASN1Element(&id, asn1.OBJECT_IDENTIFIER) || !body.ReadASN1(&p.secret, asn1.OCTET_STRING) ||
		!body.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed()) {
		return keyParts{}
	}
	p.algorithm, p.parameters = algorithmOf(id), algorithm
	const primitive = asn1.Tag(1 | 0x80) // [1] IMPLICIT BIT STRING, the first octet of which counts unused bits
	if body.ReadASN1(&public, primitive) && len(public) > 1 && public[0] == 0 {
		p.attached = public[1:]
	}
	return p
}

// public returns the public key that a private key carries, nil when it does not.
func (p keyParts) public() []byte {
	if p.attached != nil {
		return p.attached
	}
	var body, point, exponent cryptobyte.String
	var bits []byte
	key := p.secret
	if !key.ReadASN1(&body, asn1.SEQUENCE) || !body.SkipASN1(asn1.INTEGER) {
		return nil
	}
	const curveTag, pointTag = asn1.Tag(0 | 0xA0), asn1.Tag(1 | 0xA0)
	if body.PeekASN1Tag(asn1.OCTET_STRING) { // ECPrivateKey, RFC 5915
		if body.SkipASN1(asn1.OCTET_STRING) && body.SkipOptionalASN1(curveTag) && body.ReadASN1(&point, pointTag) && point.ReadASN1BitStringAsBytes(&bits) {
			return bits
		}
		return nil
	}
	var modulus cryptobyte.String // RSAPrivateKey, RFC 8017 appendix A.1.2; of two numbers is RSAPublicKey
	if !body.ReadASN1Element(&modulus, asn1.INTEGER) || !body.ReadASN1Element(&exponent, asn1.INTEGER) {
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(modulus)
		b.AddBytes(exponent)
	})
	return b.BytesOrPanic()
}
