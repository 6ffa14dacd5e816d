package keystore

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// attributeNames are the short names of RFC 4514 section 3, and those that OpenSSL prints beyond it.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN",
	"2.5.4.46": "dnQualifier", "2.5.4.97": "organizationIdentifier", "0.9.2342.19200300.100.1.1": "UID",
	"0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

// Subject returns the certificate's subject as [DistinguishedName] prints it, "" when the certificate does not parse.
func (c Certificate) Subject() string {
	if c.X509 == nil {
		return ""
	}
	return DistinguishedName(c.X509.RawSubject)
}

// Issuer returns the certificate's issuer as [DistinguishedName] prints it, "" when the certificate does not parse.
func (c Certificate) Issuer() string {
	if c.X509 == nil {
		return ""
	}
	return DistinguishedName(c.X509.RawIssuer)
}

// DistinguishedName prints a DER Name as RFC 4514 has it: the last part first, "CN=sensor-17,OU=Devices,O=Plant".
// It keeps the order that is in the certificate, which pkix.Name does not. It returns "" for what is no Name.
func DistinguishedName(der []byte) string {
	var rdns []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &rdns); err != nil || len(rest) > 0 {
		return ""
	}
	parts := make([]string, 0, len(rdns))
	for i := len(rdns) - 1; i >= 0; i-- {
		part, ok := relativeName(rdns[i])
		if !ok {
			return ""
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

// relativeName prints one RelativeDistinguishedName; its attributes, usually one, are joined with a plus.
func relativeName(rdn asn1.RawValue) (string, bool) {
	if rdn.Class != asn1.ClassUniversal || rdn.Tag != asn1.TagSet {
		return "", false
	}
	var parts []string
	for rest := rdn.Bytes; len(rest) > 0; {
		var attribute struct {
			Type  asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		var err error
		if rest, err = asn1.Unmarshal(rest, &attribute); err != nil {
			return "", false
		}
		oid := attribute.Type.String()
		text, isText := stringValue(attribute.Value)
		name, known := attributeNames[oid]
		switch {
		case known && isText:
			parts = append(parts, name+"="+escapeValue(text))
		case isText:
			parts = append(parts, oid+"="+escapeValue(text))
		default: // RFC 4514 section 2.4: a value that is no string is printed as its BER
			parts = append(parts, oid+"=#"+hex.EncodeToString(attribute.Value.FullBytes))
		}
	}
	return strings.Join(parts, "+"), len(parts) > 0
}

// stringValue decodes the string types that names are made of (RFC 5280 appendix A.1, DirectoryString and IA5String).
func stringValue(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagT61String: // in practice Latin-1
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		return string(runes), true
	case asn1.TagBMPString:
		if len(v.Bytes)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// escapeValue escapes as RFC 4514 section 2.4 asks, and control characters too, so that a hostile name cannot move
// the cursor of a terminal.
func escapeValue(s string) string {
	var b strings.Builder
	for i, r := range s {
		last := i+utf8.RuneLen(r) == len(s)
		switch {
		case strings.ContainsRune(`"+,;<>\`, r), r == '#' && i == 0, r == ' ' && (i == 0 || last):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, "\\%02X", c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
