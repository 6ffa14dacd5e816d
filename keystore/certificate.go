package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// leastCertificate is the size in bytes below which nothing is a certificate: dates, key and signature alone take more,
// of the smallest that RFC 5280 allows. Files full of smaller ones would only serve to waste memory.
const leastCertificate = 100

// maxParsedPublic is the longest SubjectPublicKeyInfo that is parsed for itself; RSA with 16,384 bits needs 2 KiB.
const maxParsedPublic = 4 << 10

// ParseCertificate wraps DER bytes from outside, which it keeps without copying. It fails with [ErrFormat] when they
// are nothing like one certificate and no more, in DER throughout; one that Go refuses for a detail passes, as with
// [NewCertificate].
func ParseCertificate(der []byte) (Certificate, error) {
	return (*Parsed)(nil).Certificate(der)
}

// shaped reports whether der may be a certificate by its size and outline, and is DER to its innermost parts.
func shaped(der []byte) bool {
	return len(der) >= leastCertificate && Signed(der) && wellFormed(der, maxDepth)
}

// Signed reports whether der is exactly one SEQUENCE of a SEQUENCE, an AlgorithmIdentifier and a BIT STRING: what a
// certificate, a CRL and a request have in common (SIGNED{} of X.509).
func Signed(der []byte) bool {
	var outer cryptobyte.String
	in := cryptobyte.String(der)
	return in.ReadASN1(&outer, asn1.SEQUENCE) && in.Empty() &&
		outer.SkipASN1(asn1.SEQUENCE) && outer.SkipASN1(asn1.SEQUENCE) && outer.SkipASN1(asn1.BIT_STRING) && outer.Empty()
}

// Names returns the DER of the subject and the issuer, also of a certificate that Go refuses; nil where even they
// cannot be found.
func (c Certificate) Names() (subject, issuer []byte) {
	if c.X509 != nil {
		return c.X509.RawSubject, c.X509.RawIssuer
	}
	f := c.fields()
	return f.subject, f.issuer
}

// PublicKey returns the certificate's public key, also of one that Go refuses for something else; nil where Go does
// not know the algorithm.
func (c Certificate) PublicKey() crypto.PublicKey {
	if c.X509 != nil {
		return c.X509.PublicKey
	}
	if spki := c.fields().spki; len(spki) > 0 && len(spki) <= maxParsedPublic {
		if key, err := x509.ParsePKIXPublicKey(spki); err == nil {
			return key
		}
	}
	return nil
}

// certificateFields are those parts of a TBSCertificate, RFC 5280 section 4.1, that tell what belongs together.
type certificateFields struct{ subject, issuer, spki cryptobyte.String }

// fields finds them without judging anything else; they are nil where the certificate has another shape.
func (c Certificate) fields() certificateFields {
	var f certificateFields
	var outer, tbs cryptobyte.String
	in := cryptobyte.String(c.Raw)
	ok := in.ReadASN1(&outer, asn1.SEQUENCE) && outer.ReadASN1(&tbs, asn1.SEQUENCE) &&
		tbs.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) && // version
		tbs.SkipASN1(asn1.INTEGER) && tbs.SkipASN1(asn1.SEQUENCE) && // serial, signature algorithm
		tbs.ReadASN1Element(&f.issuer, asn1.SEQUENCE) && tbs.SkipASN1(asn1.SEQUENCE) && // validity
		tbs.ReadASN1Element(&f.subject, asn1.SEQUENCE) && tbs.ReadASN1Element(&f.spki, asn1.SEQUENCE)
	if !ok {
		return certificateFields{}
	}
	return f
}

// SelfIssued reports whether a certificate names itself as its issuer, as a root does (RFC 5280 section 6.1). It says
// nothing of the signature.
func SelfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }
