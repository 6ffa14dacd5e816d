package keystore

import (
	"encoding/asn1"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Name is a distinguished name in the order of its encoding (RFC 5280 section 4.1.2.4), which [crypto/x509/pkix.Name]
// does not keep: brokers compare names spelled from that order.
type Name []RDN

// RDN is one relative distinguished name; nearly always a single attribute.
type RDN []Attribute

// Attribute is one type and value of a name.
type Attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue // as encoded
}

// Attribute types of X.520, RFC 4519 and PKCS#9 that names are made of.
var (
	OIDCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	OIDSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	OIDCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	OIDLocality     = asn1.ObjectIdentifier{2, 5, 4, 7}
	OIDState        = asn1.ObjectIdentifier{2, 5, 4, 8}
	OIDOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	OIDUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	OIDEmail        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	OIDDomain       = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	OIDUserID       = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
)

// maxAttributes bounds one name: real ones have under ten, and every printer is linear in it.
const maxAttributes = 256

// rdnSET tells encoding/asn1, by its name, to expect a SET OF.
type rdnSET []Attribute

// ParseName reads a DER Name, such as x509.Certificate.RawSubject. It fails with [ErrFormat] or [ErrTooLarge].
func ParseName(der []byte) (Name, error) {
	var sets []rdnSET
	rest, err := asn1.Unmarshal(der, &sets)
	if err != nil {
		return nil, fmt.Errorf("parsing a distinguished name: %w: %v", ErrFormat, err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("parsing a distinguished name: %w: %d bytes follow it", ErrFormat, len(rest))
	}
	name, count := make(Name, 0, len(sets)), 0
	for _, set := range sets {
		if count += len(set); count > maxAttributes {
			return nil, fmt.Errorf("parsing a distinguished name: more than %d attributes: %w", maxAttributes, ErrTooLarge)
		}
		name = append(name, RDN(set))
	}
	return name, nil
}

// DER returns the encoding of the name. Attributes of one RDN are sorted as DER wants them.
func (n Name) DER() ([]byte, error) {
	sets := make([]rdnSET, len(n))
	for i, rdn := range n {
		sets[i] = rdnSET(rdn)
	}
	der, err := asn1.Marshal(sets)
	if err != nil {
		return nil, fmt.Errorf("encoding a distinguished name: %w", err)
	}
	return der, nil
}

// Values returns the text of every attribute of a type, in order of encoding. A value that is no text is left out.
func (n Name) Values(oid asn1.ObjectIdentifier) []string {
	var values []string
	for _, rdn := range n {
		for _, a := range rdn {
			if a.Type.Equal(oid) {
				if text, ok := a.Text(); ok {
					values = append(values, text)
				}
			}
		}
	}
	return values
}

// Has reports whether the name has an attribute of the type, text or not.
func (n Name) Has(oid asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(n, func(rdn RDN) bool {
		return slices.ContainsFunc(rdn, func(a Attribute) bool { return a.Type.Equal(oid) })
	})
}

// TextAttribute makes an attribute: PrintableString for what RFC 5280 wants so (country, serial number), IA5String
// for e-mail addresses and domain components, else PrintableString where the text allows it and UTF8String otherwise,
// as keytool and crypto/x509 do.
func TextAttribute(oid asn1.ObjectIdentifier, text string) Attribute {
	value := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagUTF8String, Bytes: []byte(text)}
	switch {
	case oid.Equal(OIDEmail), oid.Equal(OIDDomain):
		if isASCII(text) {
			value.Tag = asn1.TagIA5String
		}
	case isPrintableString(text):
		value.Tag = asn1.TagPrintableString
	}
	return Attribute{Type: oid, Value: value}
}

// Universal tags of string types that encoding/asn1 has no names for.
const (
	tagVisibleString   = 26
	tagUniversalString = 28
)

// Text returns the value as UTF-8, and whether it is a character string at all.
func (a Attribute) Text() (string, bool) {
	v := a.Value
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString, tagVisibleString, asn1.TagT61String:
		return latin1(v.Bytes), true // T.61 is read as ISO 8859-1, as everybody does; the others are ASCII
	case asn1.TagBMPString:
		return utf16BE(v.Bytes)
	case tagUniversalString:
		return utf32BE(v.Bytes)
	}
	return "", false
}

func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func utf16BE(b []byte) (string, bool) {
	if len(b)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units)), true
}

func utf32BE(b []byte) (string, bool) {
	if len(b)%4 != 0 {
		return "", false
	}
	runes := make([]rune, len(b)/4)
	for i := range runes {
		r := uint32(b[4*i])<<24 | uint32(b[4*i+1])<<16 | uint32(b[4*i+2])<<8 | uint32(b[4*i+3])
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return "", false
		}
		runes[i] = rune(r)
	}
	return string(runes), true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isPrintableString reports whether s has only characters of X.680 table 10. Like the standard and unlike
// crypto/x509 it has no place for * and &.
func isPrintableString(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == ' ', c == '\'', c == '(', c == ')', c == '+', c == ',', c == '-', c == '.', c == '/', c == ':', c == '=', c == '?':
		default:
			return false
		}
	}
	return true
}
