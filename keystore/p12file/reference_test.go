package p12file

import (
	"bytes"
	"encoding/asn1"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

// What the codec writes from the end, written once more by cryptobyte: to build odd files of, and to compare.

var (
	idData         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	idEncrypted    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	idShroudedBag  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	idCertBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	idX509Cert     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	idFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	idLocalKeyID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	idTrustedUsage = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	idAnyUsage     = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// addData writes a ContentInfo of type data.
func addData(b *cryptobyte.Builder, content []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idData)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
	})
}

// addEncrypted writes a ContentInfo of type encryptedData.
func addEncrypted(b *cryptobyte.Builder, alg, ciphertext []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idEncrypted)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(idData)
					b.AddBytes(alg)
					b.AddASN1(tagImplicit0, func(b *cryptobyte.Builder) { b.AddBytes(ciphertext) })
				})
			})
		})
	})
}

// addCert writes the value of a certBag.
func addCert(b *cryptobyte.Builder, c keystore.Certificate) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idX509Cert)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.Raw) })
	})
}

// addBag writes a SafeBag.
func addBag(b *cryptobyte.Builder, kind asn1.ObjectIdentifier, a attributes, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(tagExplicit0, value)
		if a.name == "" && a.id == "" && !a.trusted {
			return
		}
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAttributes(b, a) })
	})
}

// addAttributes writes the attributes in the order that DER wants of a SET OF: by their encoding.
func addAttributes(b *cryptobyte.Builder, a attributes) {
	var encoded [][]byte
	add := func(id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
		one := cryptobyte.NewBuilder(make([]byte, 0, 64))
		addAttribute(one, id, value)
		encoded = append(encoded, one.BytesOrPanic()) // it fails for identifiers only, and those are constants
	}
	if a.name != "" {
		add(idFriendlyName, func(b *cryptobyte.Builder) {
			b.AddASN1(tagBMPString, func(b *cryptobyte.Builder) {
				for _, unit := range utf16.Encode([]rune(a.name)) {
					b.AddUint16(unit)
				}
			})
		})
	}
	if a.id != "" {
		add(idLocalKeyID, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(a.id)) })
	}
	if a.trusted {
		add(idTrustedUsage, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(idAnyUsage) })
	}
	slices.SortFunc(encoded, bytes.Compare)
	for _, one := range encoded {
		b.AddBytes(one)
	}
}

// addAttribute writes one attribute with one value.
func addAttribute(b *cryptobyte.Builder, id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.SET, value)
	})
}

// TestWritesAsReference compares the two at every size at which a length takes an octet more.
func TestWritesAsReference(t *testing.T) {
	for _, a := range []attributes{
		{},
		{name: "n"},
		{name: "Zoë 😀 \xff", trusted: true},
		{id: keyID(testTime)},
		{name: "sensor-17", id: keyID(testTime)},
		{name: strings.Repeat("long", 60), id: "\x00\xff", trusted: true},
	} {
		for _, edge := range []int{0, 127, 128, 255, 256, 65535, 65536} {
			for size := max(edge-64, 0); size <= edge+1; size++ {
				if edge > 256 && size%16 > 1 && size < edge-1 {
					continue // all of them would take seconds
				}
				compareWriters(t, a, bytes.Repeat([]byte{0x5A}, size))
			}
		}
	}
}

// compareWriters writes content as the certificate of a bag, as a key, and as a safe with and without encryption.
func compareWriters(t *testing.T, a attributes, content []byte) {
	t.Helper()
	cert := keystore.Certificate{Raw: content}
	alg := []byte{0x30, 0}
	for what, pair := range map[string]struct {
		put func(w *ber.Writer)
		add cryptobyte.BuilderContinuation
	}{
		"certificate bag": {
			func(w *ber.Writer) { putCertBag(w, certEntry{a, cert}) },
			func(b *cryptobyte.Builder) {
				addBag(b, idCertBag, a, func(b *cryptobyte.Builder) { addCert(b, cert) })
			},
		},
		"key bag": {
			func(w *ber.Writer) { putBag(w, derShroudedBag, a, func() { w.Put(content...) }) },
			func(b *cryptobyte.Builder) {
				addBag(b, idShroudedBag, a, func(b *cryptobyte.Builder) { b.AddBytes(content) })
			},
		},
		"safe": {
			func(w *ber.Writer) { contentInfo{content: content}.put(w) },
			func(b *cryptobyte.Builder) { addData(b, content) },
		},
		"encrypted safe": {
			func(w *ber.Writer) { contentInfo{alg, content}.put(w) },
			func(b *cryptobyte.Builder) { addEncrypted(b, alg, content) },
		},
	} {
		w := ber.NewWriter(0)
		pair.put(w)
		require.True(t, bytes.Equal(der(pair.add), w.Bytes()), "%s of %d bytes with %+v", what, len(content), a)
	}
}
