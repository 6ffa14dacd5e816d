package inspect

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// outline is what can be told of a certificate that Go's parser refuses even with stand-ins, for an extension mostly: the
// fields of TBSCertificate (RFC 5280 section 4.1) that come before those.
type outline struct {
	Version   int `asn1:"optional,explicit,default:0,tag:0"`
	Serial    *big.Int
	Signature pkix.AlgorithmIdentifier
	Issuer    asn1.RawValue
	Validity  struct{ NotBefore, NotAfter time.Time }
	Subject   asn1.RawValue
	Public    subjectPublicKey
}

// subjectPublicKey is a SubjectPublicKeyInfo.
type subjectPublicKey struct {
	Raw       asn1.RawContent
	Algorithm pkix.AlgorithmIdentifier
	Bits      asn1.BitString
}

// outlineOf takes it from a certificate, nil where even that much cannot be read.
func outlineOf(der []byte) *outline {
	var signed struct {
		Content   outline
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &signed); err != nil {
		return nil
	}
	return &signed.Content
}

// describe puts what can be told into a report.
func (o *outline) describe(d *Certificate, now time.Time) {
	d.Subject, d.Issuer = keystore.DistinguishedName(o.Subject.FullBytes), keystore.DistinguishedName(o.Issuer.FullBytes)
	d.SelfSigned = string(o.Subject.FullBytes) == string(o.Issuer.FullBytes)
	d.Serial = o.Serial.Text(16)
	d.valid(o.Validity.NotBefore, o.Validity.NotAfter, now)
	d.Key = describePublic(nil, o.Public.Raw)
	d.SignatureAlgorithm = algorithmByOID(o.Signature.Algorithm)
}

// signatureByOID names the algorithm that signed a certificate or request, by the AlgorithmIdentifier in it.
func signatureByOID(der []byte) string {
	var signed struct {
		Content   asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
	}
	if _, err := asn1.Unmarshal(der, &signed); err != nil {
		return ""
	}
	return algorithmByOID(signed.Algorithm.Algorithm)
}

// algorithmByOID names what Go does not know or could not read; it is the OID itself for what has no name here. Signatures
// are called as [crypto/x509] calls them.
func algorithmByOID(oid asn1.ObjectIdentifier) string {
	const brainpool = "1.3.36.3.3.2.8.1.1."
	dotted := oid.String()
	if size, ok := brainpoolSizes[strings.TrimPrefix(dotted, brainpool)]; ok && strings.HasPrefix(dotted, brainpool) {
		return "brainpoolP" + size
	}
	if name := oidNames[dotted]; name != "" {
		return name
	}
	return dotted
}

// brainpoolSizes are the curves of RFC 5639 by the last part of their OID.
var brainpoolSizes = map[string]string{
	"1": "160r1", "2": "160t1", "3": "192r1", "4": "192t1", "5": "224r1", "6": "224t1", "7": "256r1",
	"8": "256t1", "9": "320r1", "10": "320t1", "11": "384r1", "12": "384t1", "13": "512r1", "14": "512t1",
}

// oidNames are keys, curves and signatures.
var oidNames = map[string]string{
	"1.2.840.113549.1.1.1":  "RSA",
	"1.2.840.113549.1.1.10": "RSA-PSS",
	"1.2.840.10040.4.1":     "DSA",
	"1.2.840.10045.2.1":     "EC",
	"1.2.840.113549.1.3.1":  "DH",
	"1.2.840.10046.2.1":     "X9.42 DH",
	"1.3.101.110":           "X25519",
	"1.3.101.111":           "X448",
	"1.3.101.112":           "Ed25519",
	"1.3.101.113":           "Ed448",

	"1.2.840.10045.3.1.1": "P-192",
	"1.3.132.0.33":        "P-224",
	"1.2.840.10045.3.1.7": "P-256",
	"1.3.132.0.34":        "P-384",
	"1.3.132.0.35":        "P-521",
	"1.3.132.0.10":        "secp256k1",

	"1.2.840.113549.1.1.4":  "MD5-RSA",
	"1.2.840.113549.1.1.5":  "SHA1-RSA",
	"1.2.840.113549.1.1.11": "SHA256-RSA",
	"1.2.840.113549.1.1.12": "SHA384-RSA",
	"1.2.840.113549.1.1.13": "SHA512-RSA",
	"1.2.840.10045.4.1":     "ECDSA-SHA1",
	"1.2.840.10045.4.3.2":   "ECDSA-SHA256",
	"1.2.840.10045.4.3.3":   "ECDSA-SHA384",
	"1.2.840.10045.4.3.4":   "ECDSA-SHA512",
}
