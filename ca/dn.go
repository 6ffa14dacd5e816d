package ca

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// Bounds of a typed name. The upper bounds of single attributes stand in attributeTypes.
const (
	maxDNBytes      = 4096
	maxDNAttributes = 64
)

// attributeType is a keyword that may be typed, with the upper bound of RFC 5280 appendix A.1 in characters.
type attributeType struct {
	oid     asn1.ObjectIdentifier
	max     int
	unnamed bool // any other type, given by number
}

// attributeTypes are keytool's and openssl's keywords, in lower case. S is a state, as keytool reads it.
var attributeTypes = map[string]attributeType{
	"cn": {oid: keystore.OIDCommonName, max: 64}, "commonname": {oid: keystore.OIDCommonName, max: 64},
	"o": {oid: keystore.OIDOrganization, max: 64}, "organizationname": {oid: keystore.OIDOrganization, max: 64},
	"ou": {oid: keystore.OIDUnit, max: 64}, "organizationalunitname": {oid: keystore.OIDUnit, max: 64},
	"l": {oid: keystore.OIDLocality, max: 128}, "localityname": {oid: keystore.OIDLocality, max: 128},
	"st": {oid: keystore.OIDState, max: 128}, "s": {oid: keystore.OIDState, max: 128}, "stateorprovincename": {oid: keystore.OIDState, max: 128},
	"c": {oid: keystore.OIDCountry, max: 2}, "countryname": {oid: keystore.OIDCountry, max: 2},
	"dc": {oid: keystore.OIDDomain, max: 63}, "domaincomponent": {oid: keystore.OIDDomain, max: 63},
	"uid": {oid: keystore.OIDUserID, max: 256}, "userid": {oid: keystore.OIDUserID, max: 256},
	"email": {oid: keystore.OIDEmail, max: 255}, "emailaddress": {oid: keystore.OIDEmail, max: 255}, "e": {oid: keystore.OIDEmail, max: 255},
	"serialnumber": {oid: keystore.OIDSerialNumber, max: 64},
	"street":       {oid: asn1.ObjectIdentifier{2, 5, 4, 9}, max: 128}, "streetaddress": {oid: asn1.ObjectIdentifier{2, 5, 4, 9}, max: 128},
	"postalcode": {oid: asn1.ObjectIdentifier{2, 5, 4, 17}, max: 16},
	"t":          {oid: asn1.ObjectIdentifier{2, 5, 4, 12}, max: 64}, "title": {oid: asn1.ObjectIdentifier{2, 5, 4, 12}, max: 64},
	"sn": {oid: asn1.ObjectIdentifier{2, 5, 4, 4}, max: 64}, "surname": {oid: asn1.ObjectIdentifier{2, 5, 4, 4}, max: 64},
	"gn": {oid: asn1.ObjectIdentifier{2, 5, 4, 42}, max: 64}, "givenname": {oid: asn1.ObjectIdentifier{2, 5, 4, 42}, max: 64},
	"initials":   {oid: asn1.ObjectIdentifier{2, 5, 4, 43}, max: 64},
	"generation": {oid: asn1.ObjectIdentifier{2, 5, 4, 44}, max: 64}, "generationqualifier": {oid: asn1.ObjectIdentifier{2, 5, 4, 44}, max: 64},
	"dnq": {oid: asn1.ObjectIdentifier{2, 5, 4, 46}, max: 64}, "dnqualifier": {oid: asn1.ObjectIdentifier{2, 5, 4, 46}, max: 64},
	"pseudonym":              {oid: asn1.ObjectIdentifier{2, 5, 4, 65}, max: 128},
	"name":                   {oid: asn1.ObjectIdentifier{2, 5, 4, 41}, max: 64},
	"description":            {oid: asn1.ObjectIdentifier{2, 5, 4, 13}, max: 1024},
	"businesscategory":       {oid: asn1.ObjectIdentifier{2, 5, 4, 15}, max: 128},
	"organizationidentifier": {oid: asn1.ObjectIdentifier{2, 5, 4, 97}, max: 256},
}

// ParseDN reads a distinguished name in either spelling, and returns it in the order it is to be encoded in:
//
//   - "CN=a, OU=b, O=c" (keytool, RFC 2253, RFC 4514): typed with the last part first, so the order is reversed;
//     commas or semicolons, quotes, \, and \C3\BC escapes, + for several attributes in one part;
//   - "/O=c/OU=b/CN=a" (openssl -subj): the order as typed; \ escapes, + as above.
//
// Keywords are case-insensitive, S is ST, and OID.1.2.3 or 1.2.3 names any other type. It fails with ErrPolicy.
func ParseDN(text string) (keystore.Name, error) {
	name, err := parseDN(text)
	if err != nil {
		return nil, fmt.Errorf("reading distinguished name %s: %w", shortQuote(text), err)
	}
	return name, nil
}

func parseDN(text string) (keystore.Name, error) {
	switch {
	case len(text) > maxDNBytes:
		return nil, policy("longer than %d bytes", maxDNBytes)
	case !utf8.ValidString(text):
		return nil, policy("not UTF-8")
	}
	text = strings.TrimSpace(text)
	slashes := strings.HasPrefix(text, "/")
	separators := ",;"
	if slashes {
		separators, text = "/", text[1:]
	}
	if text == "" {
		return nil, policy("empty")
	}
	p := &dnParser{text: text, separators: separators, quotes: !slashes}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if !slashes {
		slices.Reverse(name)
	}
	return name, nil
}

// dnParser reads one name from left to right.
type dnParser struct {
	text       string
	at         int
	separators string // between parts
	quotes     bool   // values may stand in quotes
	count      int
}

func (p *dnParser) name() (keystore.Name, error) {
	var name keystore.Name
	for {
		rdn, err := p.rdn()
		if err != nil {
			return nil, err
		}
		name = append(name, rdn)
		if p.at >= len(p.text) {
			return name, nil
		}
		p.at++ // a separator
	}
}

func (p *dnParser) rdn() (keystore.RDN, error) {
	var rdn keystore.RDN
	for {
		attribute, err := p.attribute()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rdn, func(a keystore.Attribute) bool { return a.Type.Equal(attribute.Type) }) {
			return nil, policy("one part has the same attribute twice")
		}
		rdn = append(rdn, attribute)
		if p.at >= len(p.text) || p.text[p.at] != '+' {
			return rdn, nil
		}
		p.at++
	}
}

func (p *dnParser) attribute() (keystore.Attribute, error) {
	var none keystore.Attribute
	if p.count++; p.count > maxDNAttributes {
		return none, policy("more than %d attributes", maxDNAttributes)
	}
	equals := strings.IndexByte(p.text[p.at:], '=')
	if equals < 0 {
		return none, policy("%s lacks KEYWORD=", shortQuote(p.text[p.at:]))
	}
	keyword := strings.TrimSpace(p.text[p.at : p.at+equals])
	kind, err := lookUpType(keyword)
	if err != nil {
		return none, err
	}
	p.at += equals + 1
	value, isDER, err := p.value()
	if err != nil {
		return none, fmt.Errorf("%s: %w", keyword, err)
	}
	if isDER {
		return derAttribute(keyword, kind, value)
	}
	if err := checkValue(keyword, kind, value); err != nil {
		return none, err
	}
	return keystore.TextAttribute(kind.oid, value), nil
}

// lookUpType finds a keyword or dotted number.
func lookUpType(keyword string) (attributeType, error) {
	lower := strings.ToLower(keyword)
	if kind, ok := attributeTypes[lower]; ok {
		return kind, nil
	}
	dotted := strings.TrimPrefix(lower, "oid.")
	oid, err := parseOID(dotted)
	if err != nil {
		return attributeType{}, policy("%s is no attribute keyword (CN, OU, O, L, ST, C, DC, UID, EMAILADDRESS or a dotted number are)", shortQuote(keyword))
	}
	for _, kind := range attributeTypes {
		if kind.oid.Equal(oid) {
			return kind, nil
		}
	}
	return attributeType{oid, 1024, true}, nil
}

func parseOID(dotted string) (asn1.ObjectIdentifier, error) {
	parts := strings.Split(dotted, ".")
	if len(parts) < 2 || len(parts) > 32 {
		return nil, policy("not a dotted number")
	}
	oid := make(asn1.ObjectIdentifier, len(parts))
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || (len(part) > 1 && part[0] == '0') {
			return nil, policy("not a dotted number")
		}
		oid[i] = int(n)
	}
	if oid[0] > 2 || (oid[0] < 2 && oid[1] > 39) {
		return nil, policy("not a dotted number")
	}
	return oid, nil
}

// value reads up to the next separator or plus. isDER says that it was written as #hex.
func (p *dnParser) value() (value string, isDER bool, err error) {
	p.skipBlanks()
	if p.quotes && p.at < len(p.text) && p.text[p.at] == '"' {
		value, err = p.quoted()
		return value, false, err
	}
	if p.quotes && p.at < len(p.text) && p.text[p.at] == '#' {
		rest := p.text[p.at+1:]
		if end := strings.IndexAny(rest, p.separators+"+"); end >= 0 {
			rest = rest[:end]
		}
		p.at += 1 + len(rest)
		der, err := hex.DecodeString(strings.TrimSpace(rest))
		if err != nil {
			return "", false, policy("%s is not #hex; write \\# for a value that begins with #", shortQuote("#"+rest))
		}
		return string(der), true, nil
	}
	var b strings.Builder
	kept := 0 // length without blanks at the end that nobody escaped
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case strings.IndexByte(p.separators, c) >= 0, c == '+':
			return b.String()[:kept], false, nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", false, err
			}
			kept = b.Len()
			continue
		case c == '"' && p.quotes:
			return "", false, policy("a quote inside a value; write \\\"")
		}
		b.WriteByte(c)
		p.at++
		if c != ' ' && c != '\t' {
			kept = b.Len()
		}
	}
	return b.String()[:kept], false, nil
}

func (p *dnParser) skipBlanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// quoted reads "..." and the blanks behind it.
func (p *dnParser) quoted() (string, error) {
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '"':
			p.at++
			p.skipBlanks()
			if p.at < len(p.text) && strings.IndexByte(p.separators+"+", p.text[p.at]) < 0 {
				return "", policy("%s follows a quoted value", shortQuote(p.text[p.at:]))
			}
			return b.String(), nil
		case '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", policy("a quote is not closed")
}

// escape reads \c or \XX, two hex digits that stand for one byte.
func (p *dnParser) escape(b *strings.Builder) error {
	rest := p.text[p.at+1:]
	if rest == "" {
		return policy("it ends in a backslash")
	}
	if len(rest) >= 2 {
		if c, err := hex.DecodeString(rest[:2]); err == nil {
			b.WriteByte(c[0])
			p.at += 3
			return nil
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	b.WriteString(rest[:size])
	p.at += 1 + size
	return nil
}

// checkValue holds a typed value to RFC 5280's bounds and keeps out what no name should have.
func checkValue(keyword string, kind attributeType, value string) error {
	switch {
	case value == "":
		return policy("%s is empty", keyword)
	case !utf8.ValidString(value):
		return policy("%s is not UTF-8", keyword)
	case strings.ContainsFunc(value, unicode.IsControl):
		return policy("%s has a control character", keyword)
	case utf8.RuneCountInString(value) > kind.max:
		return policy("%s is longer than %d characters (RFC 5280 appendix A.1)", keyword, kind.max)
	}
	country := kind.oid.Equal(keystore.OIDCountry)
	if country && (len(value) != 2 || !isLetter(value[0]) || !isLetter(value[1])) {
		return policy("%s is not a country code of two letters (ISO 3166)", keyword)
	}
	ascii := country || kind.oid.Equal(keystore.OIDEmail) || kind.oid.Equal(keystore.OIDDomain) || kind.oid.Equal(keystore.OIDSerialNumber)
	if ascii && strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return policy("%s has to be ASCII (RFC 5280 appendix A.1)", keyword)
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// derAttribute makes an attribute of a value that was typed as #hex. Only text is taken: nothing else is compared.
func derAttribute(keyword string, kind attributeType, der string) (keystore.Attribute, error) {
	a := keystore.Attribute{Type: kind.oid}
	rest, err := asn1.Unmarshal([]byte(der), &a.Value)
	if err != nil || len(rest) > 0 {
		return a, policy("%s: the #hex value is not one DER value", keyword)
	}
	text, ok := a.Text()
	if !ok {
		return a, policy("%s: the #hex value is no text", keyword)
	}
	if err := checkValue(keyword, kind, text); err != nil {
		return a, err
	}
	if kind.unnamed {
		return a, nil
	}
	return keystore.TextAttribute(kind.oid, text), nil // one spelling, one encoding
}

// shortQuote quotes what somebody typed, cut to a length that fits a line.
func shortQuote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "..."
	}
	return strconv.Quote(text)
}
