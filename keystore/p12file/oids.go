package p12file

import (
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Content types, RFC 2315 section 14.
const (
	oidData          = "1.2.840.113549.1.7.1"
	oidSignedData    = "1.2.840.113549.1.7.2"
	oidEnvelopedData = "1.2.840.113549.1.7.3"
	oidEncryptedData = "1.2.840.113549.1.7.6"
)

// Bags, RFC 7292 section 4.2, and what lies in them.
const (
	oidKeyBag      = "1.2.840.113549.1.12.10.1.1"
	oidShroudedBag = "1.2.840.113549.1.12.10.1.2"
	oidCertBag     = "1.2.840.113549.1.12.10.1.3"
	oidCRLBag      = "1.2.840.113549.1.12.10.1.4"
	oidSecretBag   = "1.2.840.113549.1.12.10.1.5"
	oidSafeBag     = "1.2.840.113549.1.12.10.1.6"
	oidX509Cert    = "1.2.840.113549.1.9.22.1"
	oidX509CRL     = "1.2.840.113549.1.9.23.1"
)

// Attributes of bags.
const (
	oidFriendlyName = "1.2.840.113549.1.9.20"
	oidLocalKeyID   = "1.2.840.113549.1.9.21"
	oidTrustedUsage = "2.16.840.1.113894.746875.1.1" // Java: the certificate is trusted
)

// attributeNames are the attributes that are known and not kept.
var attributeNames = map[string]string{
	"1.3.6.1.4.1.311.17.1":    "Microsoft CSP name",
	"1.3.6.1.4.1.311.17.2":    "Microsoft local machine key set",
	"1.3.6.1.4.1.311.17.3.20": "Microsoft key identifier",
}

// The same in DER, for writing.
var (
	derData         = encodeID(1, 2, 840, 113549, 1, 7, 1)
	derEncrypted    = encodeID(1, 2, 840, 113549, 1, 7, 6)
	derShroudedBag  = encodeID(1, 2, 840, 113549, 1, 12, 10, 1, 2)
	derCertBag      = encodeID(1, 2, 840, 113549, 1, 12, 10, 1, 3)
	derX509Cert     = encodeID(1, 2, 840, 113549, 1, 9, 22, 1)
	derFriendlyName = encodeID(1, 2, 840, 113549, 1, 9, 20)
	derLocalKeyID   = encodeID(1, 2, 840, 113549, 1, 9, 21)
	derTrustedUsage = encodeID(2, 16, 840, 1, 113894, 746875, 1, 1)
	derAnyUsage     = encodeID(2, 5, 29, 37, 0)
)

// encodeID returns an object identifier in DER. It panics for what is none: here they are constants.
func encodeID(arcs ...int) []byte {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		panic(err)
	}
	return der
}

// familiar are the OIDs that every bag has, by their DER. A file has millions of them, and taking one apart costs several
// times its length in memory.
var familiar = func() map[string]string {
	m := map[string]string{}
	for _, text := range []string{
		oidKeyBag, oidShroudedBag, oidCertBag, oidCRLBag, oidSecretBag, oidSafeBag, oidX509Cert, oidX509CRL,
		oidFriendlyName, oidLocalKeyID, oidTrustedUsage,
	} {
		id, err := x509.ParseOID(text)
		if err != nil {
			panic(err) // a mistake above
		}
		body, err := id.MarshalBinary()
		if err != nil {
			panic(err)
		}
		m[string(body)] = text
	}
	return m
}()

// readOID reads an OBJECT IDENTIFIER in dotted form.
func readOID(in *cryptobyte.String) (oid string, ok bool) {
	var body cryptobyte.String
	var id asn1.ObjectIdentifier
	ahead := *in
	if ahead.ReadASN1(&body, cbasn1.OBJECT_IDENTIFIER) {
		if known := familiar[string(body)]; known != "" {
			*in = ahead
			return known, true
		}
	}
	if !in.ReadASN1ObjectIdentifier(&id) {
		return "", false
	}
	return id.String(), true
}
