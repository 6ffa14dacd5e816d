package ber

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestNormalize(t *testing.T) {
	for _, tc := range []struct{ name, in, want, rest string }{
		{"DER stays", "3003020105", "3003020105", ""},
		{"indefinite length", "30800201050000", "3003020105", ""},
		{"nested, with something behind", "3080308002010500000000ff", "30053003020105", "ff"},
		{"length in a longer form than needed", "308103020105", "3003020105", ""},
		{"OCTET STRING in pieces", "24800401aa0402bbcc0000", "0403aabbcc", ""},
		{"pieces in pieces", "24802480040101000004010200 00", "04020102", ""},
		{"a changed child behind others", "300a020105 24030401aa 0500", "3008020105 0401aa 0500", ""},
		{"empty", "30800000", "3000", ""},
		{"the longest tag", "1f8fffffff7f00", "1f8fffffff7f00", ""},
		{"long tag", "bf8101 80 0500 0000", "bf8101 02 0500", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			der, rest, err := Normalize(unhex(t, tc.in), 8)
			require.NoError(t, err)
			assert.Equal(t, unhex(t, tc.want), der)
			assert.Equal(t, tc.rest, hex.EncodeToString(rest))
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, keystore.ErrFormat},
		{"a tag alone", unhex(t, "30"), keystore.ErrFormat},
		{"longer than the data", unhex(t, "308400ffffff00"), keystore.ErrFormat},
		{"a length beyond an int", unhex(t, "3088ffffffffffffffff00"), keystore.ErrFormat},
		{"no end of contents", unhex(t, "3080020105"), keystore.ErrFormat},
		{"primitive and indefinite", unhex(t, "04800000"), keystore.ErrFormat},
		{"a piece that is no OCTET STRING", unhex(t, "24030201050000"), keystore.ErrFormat},
		{"a child longer than its parent", unhex(t, "3003020505"), keystore.ErrFormat},
		{"a tag number beyond 31 bits", unhex(t, "1f8fffffffff7f00"), keystore.ErrFormat},
		{"10,000 levels", bytes.Repeat([]byte{0x30, 0x80}, 10_000), keystore.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Normalize(tc.in, 32)
			assert.ErrorIs(t, err, tc.want)
		})
	}
}

func TestOctets(t *testing.T) {
	for in, want := range map[string]string{
		"80020102":              "0102",
		"a0060401010401 02":     "0102",
		"a080040101040102 0000": "0102",
	} {
		der, _, err := Normalize(unhex(t, in), 8)
		require.NoError(t, err)
		got, err := Octets(der)
		require.NoError(t, err)
		assert.Equal(t, want, hex.EncodeToString(got))
	}
	_, err := Octets(unhex(t, "a003020105"))
	assert.ErrorIs(t, err, keystore.ErrFormat)
}
