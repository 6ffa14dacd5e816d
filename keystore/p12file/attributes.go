package p12file

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// attributes are what the attributes of a bag say.
type attributes struct {
	name       string // friendlyName
	id         string // localKeyID, its bytes
	trusted    bool   // Java's mark of a trusted certificate
	named      bool   // there is a friendlyName, if only an empty one
	identified bool   // the same of the localKeyID
	java       uint8  // how Java takes the bag, of the constants in java.go
	number     int32  // which Java gives as a name where there is none; 0: it does not
}

var errAttributes = fmt.Errorf("reading the attributes of a bag: %w", keystore.ErrFormat)

// readAttributes reads the SET of attributes of a bag, which may be missing. Those that are unknown or odd are reported.
func (d *decoder) readAttributes(in cryptobyte.String) (attributes, error) {
	var a attributes
	if in.Empty() {
		return a, nil
	}
	var set cryptobyte.String
	if !in.ReadASN1(&set, cbasn1.SET) || !in.Empty() {
		return a, errAttributes
	}
	for !set.Empty() {
		var attribute, values cryptobyte.String
		if !set.ReadASN1(&attribute, cbasn1.SEQUENCE) {
			return a, errAttributes
		}
		oid, ok := readOID(&attribute)
		if !ok || !attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return a, errAttributes
		}
		if err := d.readAttribute(&a, oid, values); err != nil {
			return a, err
		}
	}
	return a, nil
}

// readAttribute reads the values of one attribute into a.
func (d *decoder) readAttribute(a *attributes, oid string, values cryptobyte.String) error {
	switch oid {
	case oidFriendlyName:
		var text cryptobyte.String
		var tag cbasn1.Tag
		if !values.ReadAnyASN1(&text, &tag) {
			return nil // no value: no name
		}
		if len(text) > 2*d.limits.NameBytes {
			return fmt.Errorf("reading a friendlyName of %d bytes: %w", len(text), keystore.ErrTooLarge)
		}
		a.name, a.named = d.readName(text, tag), true
	case oidLocalKeyID:
		var id cryptobyte.String
		if values.Empty() || !values.ReadASN1(&id, cbasn1.OCTET_STRING) {
			d.report.add("notice", "odd-key-id", "", "a localKeyID is no OCTET STRING and was passed over")
			return nil
		}
		a.id, a.identified = string(id), true
	case oidTrustedUsage:
		a.trusted = true
	default:
		d.unknown(oid)
	}
	return nil
}

// Tags of strings that writers put a friendlyName in; RFC 2985 says BMPString.
const (
	tagBMPString  = cbasn1.Tag(30)
	tagUTF8String = cbasn1.UTF8String
)

// readName decodes a friendlyName. UTF-16 surrogates are accepted, as Java and OpenSSL do, and a final NUL
// is not part of the name.
func (d *decoder) readName(text []byte, tag cbasn1.Tag) string {
	var name string
	switch {
	case tag == tagBMPString && len(text)%2 == 0:
		units := make([]uint16, len(text)/2)
		for i := range units {
			units[i] = uint16(text[2*i])<<8 | uint16(text[2*i+1])
		}
		name = string(utf16.Decode(units))
	case tag == tagUTF8String || tag == cbasn1.PrintableString || tag == cbasn1.IA5String:
		name = strings.ToValidUTF8(string(text), "\ufffd")
	default:
		d.report.add("notice", "odd-name", "", "a friendlyName is no BMPString and was passed over")
	}
	return strings.TrimRight(name, "\x00")
}

// otherKinds stands for the attributes beyond those that are told apart.
const otherKinds = "of several other kinds"

// unknown counts an attribute that is not kept; only as many are told apart as are reported.
func (d *decoder) unknown(oid string) {
	if d.dropped[oid] == 0 && len(d.droppedOrder) >= problemsPerCode-1 {
		oid = otherKinds
	}
	if d.dropped[oid]++; d.dropped[oid] == 1 {
		d.droppedOrder = append(d.droppedOrder, oid)
	}
}

// reportUnknown turns the counts of unknown into one problem for each attribute.
func (d *decoder) reportUnknown() {
	for _, oid := range d.droppedOrder {
		what := oid
		if name, ok := attributeNames[oid]; ok {
			what = name + ", " + oid
		}
		d.report.add("notice", "unknown-attribute", "", "%d entries carry an attribute that a converted file will not have (%s)", d.dropped[oid], what)
	}
}

// timePrefix is how Java begins a localKeyID that is a date.
const timePrefix = "Time "

// dateOf returns the date in a localKeyID of Java's form, or the zero time.
func dateOf(id string) time.Time {
	digits, ok := strings.CutPrefix(id, timePrefix)
	if !ok {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || ms > maxMillis || ms < -maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// maxMillis is the year 9999, the last that a certificate can name.
const maxMillis = 253402300799999

// keyID returns the localKeyID for a date, as Java writes it.
func keyID(created time.Time) string {
	return timePrefix + strconv.FormatInt(created.UnixMilli(), 10)
}
