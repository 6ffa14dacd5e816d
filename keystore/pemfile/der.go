package pemfile

import (
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

// tagSequence is the first byte of every DER or BER object that this package reads.
const tagSequence = 0x30

// The PEM labels that are written, and by which this package calls what it reads. RFC 7468 has those without "RSA", "EC"
// and "TRUSTED", OpenSSL the others.
const (
	labelCertificate = "CERTIFICATE"
	labelTrusted     = "TRUSTED CERTIFICATE"   // OpenSSL's own: for what it is trusted stands behind it
	labelKey         = "PRIVATE KEY"           // PKCS#8
	labelEncrypted   = "ENCRYPTED PRIVATE KEY" // PKCS#8
	labelRSA         = "RSA PRIVATE KEY"       // PKCS#1
	labelEC          = "EC PRIVATE KEY"        // SEC1
	labelDSA         = "DSA PRIVATE KEY"
	labelCurve       = "EC PARAMETERS" // before a key in SEC1, which names the curve again
	labelRequest     = "CERTIFICATE REQUEST"
	labelCRL         = "X509 CRL"
	labelPublic      = "PUBLIC KEY"     // SubjectPublicKeyInfo
	labelRSAPublic   = "RSA PUBLIC KEY" // PKCS#1
	labelPKCS7       = "PKCS7"
)

// labels are the PEM labels that are read, and what is done with each: the label it is treated as. An empty one is
// left out without a word, since nothing is lost by it.
var labels = map[string]string{
	labelCertificate:          labelCertificate,
	"X509 CERTIFICATE":        labelCertificate,
	labelTrusted:              labelTrusted,
	labelKey:                  labelKey,
	labelEncrypted:            labelEncrypted,
	labelRSA:                  labelRSA,
	labelEC:                   labelEC,
	labelDSA:                  labelDSA,
	labelCurve:                labelCurve,
	"DH PARAMETERS":           "",
	labelRequest:              labelRequest,
	"NEW CERTIFICATE REQUEST": labelRequest,
	labelCRL:                  labelCRL,
	labelPublic:               labelPublic,
	labelRSAPublic:            labelRSAPublic,
	labelPKCS7:                labelPKCS7,
	"PKCS #7 SIGNED DATA":     labelPKCS7,
	"CMS":                     labelPKCS7,
}

// derKind tells from the structure of a DER or BER object under which PEM label it would stand, "" when it is none that
// this package reads. It looks at the outer layers only: data may be the beginning of a longer file.
func derKind(data []byte) string {
	if pkcs7Begins(data) {
		return labelPKCS7
	}
	in := cryptobyte.String(data)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) {
		return beginningKind(data)
	}
	if body.PeekASN1Tag(cbasn1.INTEGER) {
		return keyKind(body)
	}
	var first cryptobyte.String
	if !body.ReadASN1(&first, cbasn1.SEQUENCE) {
		return ""
	}
	named := first.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER)
	switch {
	case body.PeekASN1Tag(cbasn1.OCTET_STRING) && named && body.SkipASN1(cbasn1.OCTET_STRING) && body.Empty():
		return labelEncrypted
	case body.PeekASN1Tag(cbasn1.BIT_STRING) && named && body.SkipASN1(cbasn1.BIT_STRING) && body.Empty():
		return labelPublic
	case body.SkipASN1(cbasn1.SEQUENCE) && body.SkipASN1(cbasn1.BIT_STRING) && body.Empty():
		return signedKind(first)
	}
	return ""
}

// beginningKind is derKind for the beginning of a large object: only CRLs get that large, and certificates, whose
// extensions and post-quantum keys have no bound.
func beginningKind(data []byte) string {
	outer, ok := ber.Begin(data)
	if !ok {
		return ""
	}
	tbs, ok := ber.Begin(outer)
	if !ok {
		return ""
	}
	if kind := signedKind(tbs); kind == labelCRL || kind == labelCertificate {
		return kind
	}
	return ""
}

// keyKind tells apart what begins with a number, mostly a version: PKCS#8, PKCS#1, SEC1 and DSA keys.
func keyKind(body cryptobyte.String) string {
	if isPublicRSA(body) {
		return labelRSAPublic
	}
	var version int64
	var algorithm cryptobyte.String
	if !body.ReadASN1Integer(&version) {
		return ""
	}
	switch {
	case version == 1 && body.PeekASN1Tag(cbasn1.OCTET_STRING):
		return labelEC
	case (version == 0 || version == 1) && body.PeekASN1Tag(cbasn1.INTEGER):
		return numbersKind(body, version)
	case (version == 0 || version == 1) && body.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && body.PeekASN1Tag(cbasn1.OCTET_STRING):
		return labelKey
	}
	return ""
}

// isPublicRSA reports whether two numbers are all there is, which may be the modulus and the exponent of RFC 8017 appendix
// A.1.1. A signature with ECDSA has two of one size, Diffie-Hellman's parameters a prime and a small generator: 2 or 5 where
// they do not say of what order it is.
func isPublicRSA(body cryptobyte.String) bool {
	modulus, exponent := new(big.Int), new(big.Int)
	if !body.ReadASN1Integer(modulus) || modulus.BitLen() < 512 || !body.ReadASN1Integer(exponent) || !body.Empty() {
		return false
	}
	const longestExponent = 64
	return modulus.Sign() > 0 && exponent.BitLen() <= longestExponent && exponent.Bit(0) == 1 &&
		exponent.Cmp(big.NewInt(3)) >= 0 && exponent.Cmp(big.NewInt(5)) != 0
}

// numbersKind tells apart keys that are a row of numbers: n, e, d, p, q and three that make the work with them faster in
// RSA, and after version 1 further primes; p, q, g, y and x in DSA.
func numbersKind(body cryptobyte.String, version int64) string {
	count := 0
	for body.PeekASN1Tag(cbasn1.INTEGER) && body.SkipASN1(cbasn1.INTEGER) {
		count++
	}
	switch {
	case count >= 8:
		return labelRSA
	case count == 5 && version == 0 && body.Empty():
		return labelDSA
	}
	return ""
}

// signedKind tells apart what is signed, by what is inside: certificates, CRLs and requests.
func signedKind(tbs cryptobyte.String) string {
	const versionTag = cbasn1.Tag(0 | 0x20 | 0x80)
	if tbs.PeekASN1Tag(versionTag) {
		return labelCertificate // version 2 or 3
	}
	if tbs.PeekASN1Tag(cbasn1.INTEGER) {
		if !tbs.SkipASN1(cbasn1.INTEGER) || !tbs.SkipASN1(cbasn1.SEQUENCE) {
			return ""
		}
		// A CRL of version 2 has issuer and thisUpdate next; a certificate of version 1, issuer and validity; a
		// request had its subject, and has its public key next.
		if tbs.PeekASN1Tag(cbasn1.SEQUENCE) && tbs.SkipASN1(cbasn1.SEQUENCE) {
			switch {
			case isTime(tbs):
				return labelCRL
			case tbs.PeekASN1Tag(cbasn1.SEQUENCE):
				return labelCertificate
			}
		}
		return labelRequest
	}
	// A CRL of version 1: signature algorithm, issuer, thisUpdate.
	for range 2 {
		if !tbs.SkipASN1(cbasn1.SEQUENCE) {
			return ""
		}
	}
	if isTime(tbs) {
		return labelCRL
	}
	return ""
}

// isTime reports whether a date is next.
func isTime(s cryptobyte.String) bool {
	return s.PeekASN1Tag(cbasn1.UTCTime) || s.PeekASN1Tag(cbasn1.GeneralizedTime)
}

// checkSigned fails unless der is one object of a kind: a request or a CRL.
func checkSigned(der []byte, kind, name string) error {
	if !keystore.Signed(der) || derKind(der) != kind {
		return malformed("reading a %s: the bytes are none", name)
	}
	return nil
}

// checkPublic fails unless der is one SubjectPublicKeyInfo.
func checkPublic(der []byte) error {
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 || derKind(der) != labelPublic {
		return malformed("reading a public key: not a SubjectPublicKeyInfo")
	}
	return nil
}
