package jksfile

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The bytes are those that Java's writeUTF makes; the one with the emoji was read out of a file of keytool's.
func TestModifiedUTF8(t *testing.T) {
	for text, want := range map[string]string{
		"":           "",
		"plain":      "706c61696e",
		"kä😀x":       "6bc3a4eda0bdedb88078",
		"a\x00b":     "61c08062",
		"€":          "e282ac",
		"\U0010FFFF": "edafbfedbfbf",
	} {
		got := appendModifiedUTF8(nil, text)
		assert.Equal(t, want, hex.EncodeToString(got))
		back, ok := decodeModifiedUTF8(got)
		assert.True(t, ok)
		assert.Equal(t, text, back)
	}
}

func TestModifiedUTF8Decoding(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00b":               "a\x00b", // a plain NUL, as Java takes it
		"\xF0\x9F\x98\x80":     "😀",      // proper UTF-8, as keystore-go writes it and Java refuses
		"\xE0\x81\x81":         "A",      // longer than needed, as Java takes it
		"\xEF\xBF\xBD\xC2\xA0": "\uFFFD\u00A0",
	} {
		got, ok := decodeModifiedUTF8([]byte(in))
		assert.True(t, ok, "%x", in)
		assert.Equal(t, want, got)
	}
	for _, in := range []string{"\x80", "\xC3", "\xE2\x82", "\xFF", "\xED\xA0\xBD", "\xED\xA0\xBDx", "\xED\xB8\x80\xED\xA0\xBD", "\xF8\x80\x80\x80"} {
		_, ok := decodeModifiedUTF8([]byte(in))
		assert.False(t, ok, "%x", in)
	}
}

func TestStringsThatAreTooLong(t *testing.T) {
	_, ok := appendString(nil, strings.Repeat("x", maxString))
	assert.True(t, ok)
	out, ok := appendString([]byte("before"), strings.Repeat("x", maxString+1))
	assert.False(t, ok)
	assert.Equal(t, "before", string(out))
}

func FuzzModifiedUTF8(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte("\xED\xA0\xBD\xED\xB8\x80"))
	f.Add([]byte("\xC0\x80\xF0\x9F\x98\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, ok := decodeModifiedUTF8(data)
		if !ok {
			return
		}
		if back, ok := decodeModifiedUTF8(appendModifiedUTF8(nil, text)); !ok || back != text {
			t.Fatalf("%x became %q, and that %q", data, text, back)
		}
	})
}
