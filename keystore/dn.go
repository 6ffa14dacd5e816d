package keystore

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

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

// DistinguishedName prints a DER Name for people, as RFC 4514 has it: the last part first and letters of all scripts
// as they are, "CN=sensor-17,OU=Devices,O=Plant". It returns "" for what is no Name. What programs compare is
// [RFC2253] and its like.
func DistinguishedName(der []byte) string {
	name, err := ParseName(der)
	if err != nil {
		return ""
	}
	parts := make([]string, 0, len(name))
	for i := len(name) - 1; i >= 0; i-- {
		var attributes []string
		for _, a := range name[i] {
			attributes = append(attributes, a.readable())
		}
		parts = append(parts, strings.Join(attributes, "+"))
	}
	return strings.Join(parts, ",")
}

func (a Attribute) readable() string {
	text, isText := a.Text()
	if !isText { // RFC 4514 section 2.4: a value that is no string is printed as its BER
		return a.Type.String() + "=#" + hex.EncodeToString(a.encoded())
	}
	if known, ok := attributeNames[a.Type.String()]; ok {
		return known.openssl + "=" + escapeValue(text)
	}
	return a.Type.String() + "=" + escapeValue(text)
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
