package jksfile

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxString is the most bytes that Java's writeUTF can write: its length field has two bytes.
const maxString = 0xFFFF

// appendModifiedUTF8 appends the bytes that Java's DataOutput.writeUTF makes of s, without their length: UTF-8, but
// NUL has two bytes and what lies beyond the BMP is two surrogates of three bytes each.
func appendModifiedUTF8(out []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == 0:
			out = append(out, 0xC0, 0x80)
		case r < 0x10000:
			out = utf8.AppendRune(out, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = appendUnit(appendUnit(out, high), low)
		}
	}
	return out
}

// appendUnit appends a surrogate as three bytes, which utf8.AppendRune refuses to do.
func appendUnit(out []byte, unit rune) []byte {
	return append(out, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0x3F, 0x80|byte(unit)&0x3F)
}

// appendString appends s with its length. It reports false when s is too long for the field.
func appendString(out []byte, s string) ([]byte, bool) {
	at := len(out)
	out = appendModifiedUTF8(append(out, 0, 0), s)
	size := len(out) - at - 2
	if size > maxString {
		return out[:at], false
	}
	binary.BigEndian.PutUint16(out[at:], uint16(size))
	return out, true
}

// decodeModifiedUTF8 is the inverse of appendModifiedUTF8. Like Java's readUTF it takes overlong forms and also a
// plain NUL; unlike it, a surrogate without its other half is refused, since no Go string can hold one. Four-byte
// forms, which Java refuses but other writers leave in such files, are read.
func decodeModifiedUTF8(b []byte) (string, bool) {
	var out strings.Builder
	for len(b) > 0 {
		unit, size := decodeUnit(b)
		if size == 0 {
			r, n := utf8.DecodeRune(b)
			if n != 4 {
				return "", false
			}
			out.WriteRune(r)
			b = b[n:]
			continue
		}
		b = b[size:]
		if utf16.IsSurrogate(unit) {
			low, n := decodeUnit(b)
			pair := utf16.DecodeRune(unit, low)
			if n == 0 || pair == utf8.RuneError {
				return "", false
			}
			unit, b = pair, b[n:]
		}
		out.WriteRune(unit)
	}
	return out.String(), true
}

// decodeUnit reads one UTF-16 unit in one to three bytes; size is 0 when b does not begin with one.
func decodeUnit(b []byte) (unit rune, size int) {
	continued := func(i int) bool { return len(b) > i && b[i]&0xC0 == 0x80 }
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] < 0x80:
		return rune(b[0]), 1
	case b[0]&0xE0 == 0xC0 && continued(1):
		return rune(b[0]&0x1F)<<6 | rune(b[1]&0x3F), 2
	case b[0]&0xF0 == 0xE0 && continued(1) && continued(2):
		return rune(b[0]&0x0F)<<12 | rune(b[1]&0x3F)<<6 | rune(b[2]&0x3F), 3
	}
	return 0, 0
}
