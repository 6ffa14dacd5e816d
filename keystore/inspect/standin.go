package inspect

import (
	"crypto/x509"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// Go refuses a certificate as a whole for a public key on a curve that it does not know, or for a negative serial number.
// All else in it is as in any other, so Go's parser is shown a copy that has something usual in these two places.

// standInKey is a SubjectPublicKeyInfo that Go knows: an Ed25519 key of which nothing matters.
var standInKey = append([]byte("\x30\x2A\x30\x05\x06\x03\x2B\x65\x70\x03\x21\x00"), make([]byte, 32)...)

// parsed returns a certificate as Go reads it, nil where it does not even with stand-ins. Of one that took them the key is
// nil, the serial number and the raw fields are its own, and its signature is not to be checked.
func parsed(c keystore.Certificate) *x509.Certificate {
	if c.X509 != nil {
		return c.X509
	}
	var outer, tbs, version, serial, rest, key cryptobyte.String
	in := cryptobyte.String(c.Raw)
	ok := in.ReadASN1(&outer, cbasn1.SEQUENCE) && outer.ReadASN1(&tbs, cbasn1.SEQUENCE)
	if ok && tbs.PeekASN1Tag(versionTag) {
		ok = tbs.ReadASN1Element(&version, versionTag)
	}
	ok = ok && tbs.ReadASN1Element(&serial, cbasn1.INTEGER)
	between := tbs // signature algorithm, issuer, validity, subject
	for range 4 {
		ok = ok && tbs.SkipASN1(cbasn1.SEQUENCE)
	}
	between = between[:len(between)-len(tbs)]
	if !ok || !tbs.ReadASN1Element(&key, cbasn1.SEQUENCE) {
		return nil
	}
	rest = tbs
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(version)
			b.AddASN1Int64(1)
			b.AddBytes(between)
			b.AddBytes(standInKey)
			b.AddBytes(rest)
		})
		b.AddBytes(outer)
	})
	copied, err := b.Bytes()
	if err != nil {
		return nil
	}
	x, err := x509.ParseCertificate(copied)
	if err != nil {
		return nil
	}
	x.Raw, x.RawTBSCertificate, x.RawSubjectPublicKeyInfo = c.Raw, nil, key
	x.PublicKey, x.PublicKeyAlgorithm = nil, x509.UnknownPublicKeyAlgorithm
	x.SerialNumber = new(big.Int)
	if !serial.ReadASN1Integer(x.SerialNumber) {
		return nil
	}
	return x
}

// versionTag is that of a certificate's version, which those of version 1 do without.
const versionTag = cbasn1.Tag(0 | 0x20 | 0x80)
