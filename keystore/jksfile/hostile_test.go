package jksfile

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// raw builds the bytes of a file: numbers have four bytes, strings their length before them, bytes are as they are.
func raw(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		switch v := p.(type) {
		case int:
			out = binary.BigEndian.AppendUint32(out, uint32(v))
		case int64:
			out = binary.BigEndian.AppendUint64(out, uint64(v))
		case string:
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(v))), v...)
		case []byte:
			out = append(out, v...)
		}
	}
	return out
}

// The inputs that break readers which trust a length, and the errors they deserve.
func TestHostileInput(t *testing.T) {
	date := int64(1700000000000)
	certificate := mint.CA(t, "x", "ec").DER
	trusted := raw(tagTrusted, "a", date, "X.509", len(certificate), certificate)
	padding := bytes.Repeat([]byte{0}, 100)
	nested := bytes.Repeat([]byte{tcObject, tcClassDesc, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 'L', 0, 1, 'f'}, 1000)
	classX := []byte{tcObject, tcClassDesc, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 0, scSerializable, 0, 0} // its annotation follows
	itself := append(bytes.Clone(classX), tcEndBlockData, tcReference, 0, 0x7E, 0, 0)
	strings257 := append(bytes.Clone(classX), bytes.Repeat([]byte{tcString, 0, 0}, 257)...)
	for _, tc := range []struct {
		name string
		body []byte
		want error
	}{
		{"a secret key whose class is its own superclass", raw(magicJCEKS, 2, 1, tagSecret, "a", date, streamHeader, itself), keystore.ErrFormat},
		{"a secret key of 257 parts", raw(magicJCEKS, 2, 1, tagSecret, "a", date, streamHeader, strings257), keystore.ErrTooLarge},
		{"a count beyond the file", raw(magicJKS, 2, 0x7FFFFFFF, trusted), keystore.ErrFormat},
		{"chain count 0xFFFFFFFF", raw(magicJKS, 2, 1, tagKey, "a", date, 2, []byte{0x30, 0}, 0xFFFFFFFF, padding), keystore.ErrTooLarge},
		{"chain count of 101", raw(magicJKS, 2, 1, tagKey, "a", date, 2, []byte{0x30, 0}, 101, padding), keystore.ErrTooLarge},
		{"chain longer than the file", raw(magicJKS, 2, 1, tagKey, "a", date, 2, []byte{0x30, 0}, 50, padding), keystore.ErrFormat},
		{"key length 0x40000000", raw(magicJKS, 2, 1, tagKey, "a", date, 0x40000000, padding), keystore.ErrFormat},
		{"key length 0xFFFFFFFF", raw(magicJKS, 2, 1, tagKey, "a", date, 0xFFFFFFFF, padding), keystore.ErrFormat},
		{"certificate length 0x40000000", raw(magicJKS, 2, 1, tagTrusted, "a", date, "X.509", 0x40000000, padding), keystore.ErrFormat},
		{"an encrypted key of 2 bytes", raw(magicJKS, 2, 1, tagKey, "a", date, 2, []byte{0x30, 0}, 0), keystore.ErrFormat},
		{"an encrypted key with 2 bytes in it", raw(magicJKS, 2, 1, tagKey, "a", date, 22, sunKey(2), 0), keystore.ErrFormat},
		{"an encrypted key with 40 bytes in it", raw(magicJKS, 2, 1, tagKey, "a", date, 60, sunKey(40), 0), keystore.ErrFormat},
		{"an unknown tag", raw(magicJKS, 2, 1, 9, "a", date, padding), keystore.ErrFormat},
		{"a secret key outside JCEKS", raw(magicJKS, 2, 1, tagSecret, "a", date, padding), keystore.ErrFormat},
		{"version 3", raw(magicJKS, 3, 0), keystore.ErrFormat},
		{"an alias that is no text", raw(magicJKS, 2, 1, tagTrusted, "\xFF", date, padding), keystore.ErrFormat},
		{"an alias of 5000 bytes", raw(magicJKS, 2, 1, tagTrusted, strings.Repeat("x", 5000), date, padding), keystore.ErrTooLarge},
		{"a certificate of another type", raw(magicJKS, 2, 1, tagTrusted, "a", date, "PGP", len(certificate), certificate), keystore.ErrUnsupported},
		{"a certificate that is none", raw(magicJKS, 2, 1, tagTrusted, "a", date, "X.509", 3, []byte("abc")), keystore.ErrFormat},
		{"a secret key that is no object", raw(magicJCEKS, 2, 1, tagSecret, "a", date, padding), keystore.ErrFormat},
		{"a secret key nested 1000 deep", raw(magicJCEKS, 2, 1, tagSecret, "a", date, streamHeader, nested), keystore.ErrTooLarge},
		{"a secret key of another kind", raw(magicJCEKS, 2, 1, tagSecret, "a", date, streamHeader, []byte{0x76}, padding), keystore.ErrUnsupported},
		{"JCEKS with 2,000,000,000 iterations", raw(magicJCEKS, 2, 1, tagKey, "a", date, 47, jceksKeyInfo(2_000_000_000), 0), keystore.ErrTooLarge},
		{"JCEKS with a count of nine bytes", raw(magicJCEKS, 2, 1, tagKey, "a", date, 52, jceksKeyInfo(0x7FFFFFFF, 0, 0, 0, 0, 0), 0), keystore.ErrTooLarge},
		{"JCEKS with a negative count", raw(magicJCEKS, 2, 1, tagKey, "a", date, 47, jceksKeyInfo(-1), 0), keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := withDigest(t, tc.body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
			runtime.ReadMemStats(&after)
			assert.Nil(t, store)
			assert.ErrorIs(t, err, tc.want)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), "memory reserved for %d bytes", len(data))
		})
	}
}

// sunKey is an EncryptedPrivateKeyInfo of the JDK's own protector with n bytes in it.
func sunKey(n int) []byte {
	out := []byte{0x30, byte(18 + n), 0x30, 0x0E, 0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01, 0x05, 0x00, 0x04, byte(n)}
	return append(out, make([]byte, n)...)
}

// otherKey is an EncryptedPrivateKeyInfo of an algorithm that no Java store has.
func otherKey() []byte {
	return []byte{0x30, 0x13, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D, 0x05, 0x00, 0x04, 0x02, 0, 0}
}

// jceksKeyInfo is an EncryptedPrivateKeyInfo of JCEKS's protector, with further bytes of the count.
func jceksKeyInfo(iterations int, more ...byte) []byte {
	n := byte(len(more))
	out := []byte{
		0x30, 0x2D + n, 0x30, 0x1D + n, 0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01,
		0x30, 0x10 + n, 0x04, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x02, 0x04 + n,
	}
	out = append(binary.BigEndian.AppendUint32(out, uint32(iterations)), more...)
	return append(append(out, 0x04, 0x0C), make([]byte, 12)...)
}
