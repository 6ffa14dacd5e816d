package ber

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// TestWriter compares it with cryptobyte around every size at which a length takes an octet more, and where it grows.
func TestWriter(t *testing.T) {
	for _, size := range []int{0, 1, 125, 127, 128, 129, 253, 255, 256, 257, 65533, 65535, 65536, 65537, 1<<24 - 1, 1 << 24} {
		content := bytes.Repeat([]byte{0xA5}, size)
		var want cryptobyte.Builder
		want.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
			b.AddASN1(cbasn1.NULL, func(*cryptobyte.Builder) {})
		})
		for _, room := range []int{0, 1, size, size + 64} {
			w := NewWriter(room)
			w.Element(byte(cbasn1.NULL), nil)
			set := w.Len()
			w.Element(byte(cbasn1.OCTET_STRING), content)
			w.Wrap(byte(cbasn1.SET), set)
			w.Put(2, 1, 3)
			w.Wrap(byte(cbasn1.SEQUENCE), 0)
			assert.True(t, bytes.Equal(want.BytesOrPanic(), w.Bytes()), "%d bytes in room for %d", size, room)
		}
	}
}
