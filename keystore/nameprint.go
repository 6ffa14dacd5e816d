package keystore

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
)

// attributeNames are the keywords of attribute types: OpenSSL's short names, and Java's where it has one of its own.
var attributeNames = map[string]struct{ openssl, java string }{
	"2.5.4.3":                    {"CN", "CN"},
	"2.5.4.4":                    {"SN", "SURNAME"},
	"2.5.4.5":                    {"serialNumber", "SERIALNUMBER"},
	"2.5.4.6":                    {"C", "C"},
	"2.5.4.7":                    {"L", "L"},
	"2.5.4.8":                    {"ST", "ST"},
	"2.5.4.9":                    {"street", "STREET"},
	"2.5.4.10":                   {"O", "O"},
	"2.5.4.11":                   {"OU", "OU"},
	"2.5.4.12":                   {"title", "T"},
	"2.5.4.13":                   {"description", ""},
	"2.5.4.15":                   {"businessCategory", ""},
	"2.5.4.17":                   {"postalCode", ""},
	"2.5.4.41":                   {"name", ""},
	"2.5.4.42":                   {"GN", "GIVENNAME"},
	"2.5.4.43":                   {"initials", "INITIALS"},
	"2.5.4.44":                   {"generationQualifier", "GENERATION"},
	"2.5.4.46":                   {"dnQualifier", "DNQ"},
	"2.5.4.65":                   {"pseudonym", ""},
	"2.5.4.97":                   {"organizationIdentifier", ""},
	"1.2.840.113549.1.9.1":       {"emailAddress", "EMAILADDRESS"},
	"0.9.2342.19200300.100.1.1":  {"UID", "UID"},
	"0.9.2342.19200300.100.1.25": {"DC", "DC"},
}

// RFC2253 spells a DER name as `openssl x509 -nameopt RFC2253`, mosquitto and RabbitMQ do: last RDN first, no blanks,
// everything outside ASCII as escaped UTF-8 bytes. It fails as [ParseName] does.
func RFC2253(der []byte) (string, error) {
	name, err := ParseName(der)
	if err != nil {
		return "", err
	}
	return name.String(), nil
}

// String spells the name as [RFC2253] does.
func (n Name) String() string {
	var b strings.Builder
	for i := len(n) - 1; i >= 0; i-- {
		if i < len(n)-1 {
			b.WriteByte(',')
		}
		for j := len(n[i]) - 1; j >= 0; j-- { // OpenSSL reverses the attributes within an RDN too
			if j < len(n[i])-1 {
				b.WriteByte('+')
			}
			n[i][j].writeRFC2253(&b)
		}
	}
	return b.String()
}

func (a Attribute) writeRFC2253(b *strings.Builder) {
	known, ok := attributeNames[a.Type.String()]
	text, isText := a.Text()
	if !ok {
		b.WriteString(a.Type.String() + "=#" + a.hexDER())
		return
	}
	b.WriteString(known.openssl + "=")
	if !isText {
		b.WriteString("#" + a.hexDER())
		return
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c < ' ', c >= 0x7f:
			fmt.Fprintf(b, `\%02X`, c)
		case strings.IndexByte(`,+"\<>;`, c) >= 0, c == '#' && i == 0, c == ' ' && (i == 0 || i == len(text)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
}

// encoded returns the value's DER.
func (a Attribute) encoded() []byte {
	if len(a.Value.FullBytes) > 0 {
		return a.Value.FullBytes
	}
	der, _ := asn1.Marshal(a.Value) // fails only for values that came neither from ParseName nor from TextAttribute
	return der
}

// hexDER returns the value's encoding in capital hex digits.
func (a Attribute) hexDER() string { return strings.ToUpper(hex.EncodeToString(a.encoded())) }

// JavaString spells the name as Java's X509Certificate.getSubjectDN does, which ActiveMQ compares and keytool prints:
// last RDN first, a blank behind each comma, quotes where RFC 2253 has escapes.
func (n Name) JavaString() string {
	var b strings.Builder
	for i := len(n) - 1; i >= 0; i-- {
		if i < len(n)-1 {
			b.WriteString(", ")
		}
		for j, a := range n[i] {
			if j > 0 {
				b.WriteString(" + ")
			}
			a.writeJava(&b)
		}
	}
	return b.String()
}

func (a Attribute) writeJava(b *strings.Builder) {
	keyword := attributeNames[a.Type.String()].java
	text, isText := a.Text()
	if keyword == "" {
		keyword = "OID." + a.Type.String()
	}
	b.WriteString(keyword + "=")
	if !isText {
		b.WriteString("#" + a.hexDER())
		return
	}
	quoted := javaEscaper.Replace(text)
	if needsQuotes(text) {
		quoted = `"` + quoted + `"`
	}
	b.WriteString(quoted)
}

var javaEscaper = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// needsQuotes follows sun.security.x509.AVA.toKeywordValueString.
func needsQuotes(text string) bool {
	return strings.HasPrefix(text, " ") || strings.HasSuffix(text, " ") || strings.HasPrefix(text, "\n") ||
		strings.Contains(text, "  ") || strings.ContainsAny(text, ",+=\n<>#;\\\"")
}

// GoOrder spells a DER name as NATS logs it: in Go's own fixed order of attribute types, whatever the encoded one. It is
// for comparing with such logs; everything else takes the encoded order.
func GoOrder(der []byte) (string, error) {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &sequence); err != nil || len(rest) > 0 {
		return "", fmt.Errorf("parsing a distinguished name: %w", ErrFormat)
	}
	var name pkix.Name
	name.FillFromRDNSequence(&sequence)
	return name.String(), nil
}
