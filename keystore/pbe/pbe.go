// Package pbe is password-based encryption as key files use it: PKCS#5 (RFC 8018) and the older kinds of PKCS12
// (RFC 7292 appendices B and C), described by an AlgorithmIdentifier. PEM and PKCS12 share it.
//
// It reads every kind that OpenSSL and Java write, RC2 and RC4 included, and writes two. It knows nothing of the files
// that the encrypted parts lie in, nor of what is in them, except that it is one ASN.1 SEQUENCE: that is how
// it tells a wrong password from damage.
//
// Input is untrusted: iterations, memory, salts and key lengths are checked against [keystore.Limits] before any
// work is done, and a [Budget] bounds the work of all parts of a file together. The input is DER; whoever reads BER
// normalizes it first.
package pbe

import (
	"encoding/asn1"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// Decrypt opens an EncryptedPrivateKeyInfo (RFC 5958, DER) and returns the PrivateKeyInfo in it.
//
// The protection is filled in as soon as the algorithm could be read, even when an error comes back. Errors:
// keystore.ErrPassword when the password is wrong or nil, ErrFormat when the bytes are damaged, ErrUnsupported with the
// OID, ErrTooLarge when the work would exceed the limits.
func Decrypt(info []byte, pw keystore.Secret, lim keystore.Limits) ([]byte, keystore.Protection, error) {
	return NewOpener(pw, NewBudget(lim, len(info), 1)).OpenInfo(info)
}

// Encrypt returns plain as an EncryptedPrivateKeyInfo (RFC 5958, DER). Salt and IV are read from random.
func Encrypt(plain []byte, pw keystore.Secret, params Params, random io.Reader) ([]byte, error) {
	s, err := NewSealer(pw, params, random)
	if err != nil {
		return nil, err
	}
	return s.SealInfo(plain)
}

// Describe tells how an AlgorithmIdentifier protects, without a password. It fails as [Decrypt] does.
func Describe(alg []byte, lim keystore.Limits) (keystore.Protection, error) {
	a, err := parseAlgorithm(alg, lim.OrDefault())
	return a.protection(), err
}

// SplitInfo cuts an EncryptedPrivateKeyInfo (DER) into its AlgorithmIdentifier and its ciphertext, or reports
// keystore.ErrFormat. The results are parts of info.
func SplitInfo(info []byte) (alg, ciphertext []byte, err error) {
	var body, algorithm, octets cryptobyte.String
	in := cryptobyte.String(info)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1(&octets, cbasn1.OCTET_STRING) || !body.Empty() {
		return nil, nil, fmt.Errorf("reading an encrypted key: not an EncryptedPrivateKeyInfo: %w", keystore.ErrFormat)
	}
	return algorithm, octets, nil
}

// joinInfo is the reverse of SplitInfo.
func joinInfo(alg, ciphertext []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(alg)+len(ciphertext)+16))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// readAlgorithm reads an AlgorithmIdentifier: its OID in dotted form and whatever follows it, which may be nothing.
func readAlgorithm(in *cryptobyte.String) (oid string, params cryptobyte.String, ok bool) {
	var body cryptobyte.String
	var id asn1.ObjectIdentifier
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&id) {
		return "", nil, false
	}
	return id.String(), body, true
}

// addAlgorithm writes an AlgorithmIdentifier; params adds what follows the OID.
func addAlgorithm(b *cryptobyte.Builder, oid string, params cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(parseOID(oid))
		params(b)
	})
}

// addNull writes the NULL that RFC 8018 wants as the parameters of a PRF.
func addNull(b *cryptobyte.Builder) { b.AddASN1(cbasn1.NULL, func(*cryptobyte.Builder) {}) }

// parseOID turns dotted text, one of this package's constants, into an identifier.
func parseOID(dotted string) asn1.ObjectIdentifier {
	var id asn1.ObjectIdentifier
	arc := 0
	for _, c := range dotted + "." {
		if c != '.' {
			arc = arc*10 + int(c-'0')
			continue
		}
		id, arc = append(id, arc), 0
	}
	return id
}
