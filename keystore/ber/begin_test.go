package ber

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBegin(t *testing.T) {
	for _, tc := range []struct {
		name, data, want string
		ok               bool
	}{
		{"a short one", "\x30\x02ab", "ab", true},
		{"the beginning of a long one", "\x30\x82\x01\x00ab", "ab", true},
		{"of indefinite length", "\x30\x80ab", "ab", true},
		{"nothing of it", "\x30\x00", "", true},
		{"another tag", "\x31\x02ab", "", false},
		{"one byte", "\x30", "", false},
		{"nothing", "", "", false},
		{"a length that is cut short", "\x30\x84\x01", "", false},
		{"a length of nine bytes", "\x30\x89\x00\x00\x00\x00\x00\x00\x00\x00\x02ab", "", false},
	} {
		content, ok := Begin([]byte(tc.data))
		assert.Equal(t, tc.ok, ok, tc.name)
		assert.Equal(t, tc.want, string(content), tc.name)
	}
}
