package lint

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// upperBounds of attributes in characters, RFC 5280 appendix A.1.
var upperBounds = []struct {
	oid asn1.ObjectIdentifier
	max int
}{
	{keystore.OIDCommonName, 64}, {keystore.OIDOrganization, 64}, {keystore.OIDUnit, 64}, {keystore.OIDSerialNumber, 64},
	{keystore.OIDLocality, 128}, {keystore.OIDState, 128}, {keystore.OIDCountry, 2}, {keystore.OIDEmail, 255},
}

// checkSubject holds a subject to its upper bounds. An empty one is fine beside alternative names, which then are
// critical.
func checkSubject(c *x509.Certificate) string {
	name, err := keystore.ParseName(c.RawSubject)
	if err != nil {
		return err.Error()
	}
	for _, bound := range upperBounds {
		for _, value := range name.Values(bound.oid) {
			if utf8.RuneCountInString(value) > bound.max {
				return fmt.Sprintf("a value of attribute %v has more than %d characters", bound.oid, bound.max)
			}
			if value == "" || strings.TrimSpace(value) != value {
				return fmt.Sprintf("a value of attribute %v is empty or has blanks around it", bound.oid)
			}
		}
	}
	for _, value := range name.Values(keystore.OIDCountry) {
		if len(value) != 2 {
			return "the country is not a code of two letters"
		}
	}
	return ""
}

// checkNames looks at the alternative names once more, however they came into the template.
func checkNames(c *x509.Certificate) string {
	for _, name := range c.DNSNames {
		if text := checkDNS(name); text != "" {
			return fmt.Sprintf("dNSName %q %s", name, text)
		}
	}
	for _, ip := range c.IPAddresses {
		if len(ip) != 4 && len(ip) != 16 {
			return fmt.Sprintf("iPAddress of %d bytes", len(ip))
		}
	}
	for _, u := range c.URIs {
		if !u.IsAbs() || !ascii(u.String()) {
			return fmt.Sprintf("URI %q is not absolute or not ASCII", u)
		}
	}
	for _, address := range c.EmailAddresses {
		if !ascii(address) || strings.Count(address, "@") != 1 {
			return fmt.Sprintf("rfc822Name %q is not an ASCII mailbox", address)
		}
	}
	return ""
}

func checkDNS(name string) string {
	base := strings.TrimPrefix(name, "*.")
	if len(name) > 253 || !ascii(name) {
		return "is too long or not ASCII"
	}
	for _, label := range strings.Split(base, ".") {
		if label == "" || len(label) > 63 {
			return "has an empty or long label"
		}
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return !letterDigitHyphen(r) }) {
			return "has a label that is no host name's"
		}
	}
	return ""
}

func letterDigitHyphen(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-'
}

// ascii reports whether s has printable ASCII only, without blanks.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
