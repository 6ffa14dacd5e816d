package keystore

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// maxParsedKey is the longest PrivateKeyInfo handed to Go's parser: RSA with 16,384 bits needs 9.5 KiB, and checking
// the primes of a far larger number, which anybody can put in a file, takes minutes.
const maxParsedKey = 16 << 10

// NewPrivateKey wraps a PrivateKeyInfo (RFC 5208, or OneAsymmetricKey of RFC 5958), which it keeps without copying.
// It fails with [ErrFormat] when the bytes are not exactly one of those; an algorithm that Go does not know only
// leaves Signer nil.
func NewPrivateKey(pkcs8 []byte) (*PrivateKey, error) {
	var outer, algorithm asn1.RawValue
	var version int
	var octets []byte
	if rest, err := asn1.Unmarshal(pkcs8, &outer); err != nil || len(rest) != 0 || outer.Tag != asn1.TagSequence {
		return nil, fmt.Errorf("reading a private key: not one ASN.1 sequence: %w", ErrFormat)
	}
	rest, err := asn1.Unmarshal(outer.Bytes, &version)
	if err == nil {
		rest, err = asn1.Unmarshal(rest, &algorithm)
	}
	if err == nil {
		_, err = asn1.Unmarshal(rest, &octets) // attributes and a public key may follow
	}
	if err != nil || version < 0 || version > 1 || algorithm.Tag != asn1.TagSequence {
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

// Matches reports whether the certificate is for this key, by its public key. Known is false where that cannot be
// told, because Go does not know the algorithm of one of them.
func (k *PrivateKey) Matches(c Certificate) (matches, known bool) {
	if k == nil || k.Signer == nil {
		return false, false
	}
	public, ok := k.Signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	its := c.PublicKey()
	if !ok || its == nil {
		return false, false
	}
	return public.Equal(its), true
}
