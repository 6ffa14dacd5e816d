package p12file

import (
	"bytes"
	"slices"
	"unicode/utf16"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore/ber"
)

const (
	tagSequence = byte(cbasn1.SEQUENCE)
	tagSet      = byte(cbasn1.SET)
)

// putCertBag writes the bag of a certificate.
func putCertBag(w *ber.Writer, c certEntry) {
	putBag(w, derCertBag, c.attributes, func() {
		end := w.Len()
		w.Element(byte(cbasn1.OCTET_STRING), c.cert.Raw)
		w.Wrap(byte(tagExplicit0), end)
		w.Put(derX509Cert...)
		w.Wrap(tagSequence, end)
	})
}

// putBag writes a SafeBag, whose value the function writes.
func putBag(w *ber.Writer, kind []byte, a attributes, value func()) {
	end := w.Len()
	putAttributes(w, a)
	begin := w.Len()
	value()
	w.Wrap(byte(tagExplicit0), begin)
	w.Put(kind...)
	w.Wrap(tagSequence, end)
}

// trustedAttribute is Java's mark of a trusted certificate.
var trustedAttribute = attributeOf(derTrustedUsage, derAnyUsage)

// putAttributes writes the attributes, if there are any, in the order that DER wants of a SET OF: by their encoding.
func putAttributes(w *ber.Writer, a attributes) {
	var encoded [][]byte
	if a.name != "" {
		name := ber.NewWriter(2*len(a.name) + 4)
		name.Element(byte(tagBMPString), utf16Of(a.name))
		encoded = append(encoded, attributeOf(derFriendlyName, name.Bytes()))
	}
	if a.id != "" {
		id := ber.NewWriter(len(a.id) + 4)
		id.Element(byte(cbasn1.OCTET_STRING), []byte(a.id))
		encoded = append(encoded, attributeOf(derLocalKeyID, id.Bytes()))
	}
	if a.trusted {
		encoded = append(encoded, trustedAttribute)
	}
	if len(encoded) == 0 {
		return
	}
	slices.SortFunc(encoded, bytes.Compare)
	end := w.Len()
	for _, one := range slices.Backward(encoded) {
		w.Put(one...)
	}
	w.Wrap(tagSet, end)
}

// attributeOf returns an attribute with one value.
func attributeOf(id, value []byte) []byte {
	w := ber.NewWriter(len(id) + len(value) + 16)
	w.Put(value...)
	w.Wrap(tagSet, 0)
	w.Put(id...)
	w.Wrap(tagSequence, 0)
	return w.Bytes()
}

// utf16Of returns a text in big-endian UTF-16, as a BMPString has it.
func utf16Of(text string) []byte {
	out := make([]byte, 0, 2*len(text))
	var units [2]uint16
	for _, r := range text {
		for _, unit := range utf16.AppendRune(units[:0], r) {
			out = append(out, byte(unit>>8), byte(unit))
		}
	}
	return out
}
