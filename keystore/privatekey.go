package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	encodingasn1 "encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxParsedKey is the longest PrivateKeyInfo handed to Go's parser: RSA with 16,384 bits needs 9.5 KiB, and checking
// the primes of a far larger number, which anybody can put in a file, takes minutes.
const maxParsedKey = 16 << 10

// maxDepth is how deep the structures of a key or certificate may be nested; explicit curve parameters take four levels
// of a PrivateKeyInfo, names six of a certificate.
const maxDepth = 32

// NewPrivateKey wraps a PrivateKeyInfo (RFC 5208, or OneAsymmetricKey of RFC 5958), which it keeps without copying.
// It fails with [ErrFormat] when the bytes are not exactly one of those, in DER; an algorithm that Go does not know only
// leaves Signer nil, as does a key that is damaged: see [PrivateKey.Damage].
func NewPrivateKey(pkcs8 []byte) (*PrivateKey, error) {
	var body, algorithm, octets cryptobyte.String
	var version int
	var oid encodingasn1.ObjectIdentifier
	in := cryptobyte.String(pkcs8)
	ok := wellFormed(pkcs8, maxDepth) && in.ReadASN1(&body, asn1.SEQUENCE) && in.Empty() &&
		body.ReadASN1Integer(&version) && (version == 0 || version == 1) &&
		body.ReadASN1(&algorithm, asn1.SEQUENCE) && algorithm.ReadASN1ObjectIdentifier(&oid) &&
		body.ReadASN1(&octets, asn1.OCTET_STRING) // attributes and a public key may follow
	if !ok {
		return nil, fmt.Errorf("reading a private key: not a PKCS#8 PrivateKeyInfo: %w", ErrFormat)
	}
	key := &PrivateKey{PKCS8: pkcs8}
	if len(pkcs8) <= maxParsedKey {
		if parsed, err := x509.ParsePKCS8PrivateKey(pkcs8); err == nil {
			key.Signer, _ = parsed.(crypto.Signer)
		}
	}
	return key, nil
}

// wellFormed reports whether der is a row of DER elements, and the content of each constructed one as well. Formats
// that rewrite what they carry could not carry a key or certificate that only looks right on the outside.
func wellFormed(der []byte, depth int) bool {
	for in := cryptobyte.String(der); !in.Empty(); {
		var content cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1(&content, &tag) || depth == 0 {
			return false
		}
		const constructed = 0x20
		if tag&constructed != 0 && !wellFormed(content, depth-1) {
			return false
		}
	}
	return true
}

// Matches reports whether the certificate is for this key, by its public key. Known is false where that cannot be
// told: see [PrivateKey.PublicID].
func (k *PrivateKey) Matches(c Certificate) (matches, known bool) {
	if k == nil {
		return false, false
	}
	mine, its := k.PublicID(), c.PublicID()
	if mine != "" && its != "" {
		return mine == its, true
	}
	spki := c.fields().spki
	if algorithm, _ := splitPublic(spki); algorithm != nil && !bytes.Equal(algorithm, k.parts().algorithm) {
		return false, true
	}
	return false, false
}
