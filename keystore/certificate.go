package keystore

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ParseCertificate wraps DER bytes from outside, which it keeps without copying. It fails with [ErrFormat] when they
// are nothing like one certificate and no more; one that Go refuses for a detail passes, as with [NewCertificate].
func ParseCertificate(der []byte) (Certificate, error) {
	if !Signed(der) {
		return Certificate{}, fmt.Errorf("reading a certificate: not an X.509 certificate: %w", ErrFormat)
	}
	return NewCertificate(der), nil
}

// Signed reports whether der is exactly one SEQUENCE of a SEQUENCE, an AlgorithmIdentifier and a BIT STRING: what a
// certificate, a CRL and a request have in common (SIGNED{} of X.509).
func Signed(der []byte) bool {
	var outer cryptobyte.String
	in := cryptobyte.String(der)
	return in.ReadASN1(&outer, asn1.SEQUENCE) && in.Empty() &&
		outer.SkipASN1(asn1.SEQUENCE) && outer.SkipASN1(asn1.SEQUENCE) && outer.SkipASN1(asn1.BIT_STRING) && outer.Empty()
}
