package pbe

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestDerivePKCS12 runs vectors that several libraries share (they were published with RSA's BSAFE).
func TestDerivePKCS12(t *testing.T) {
	for _, tc := range []struct {
		password   string
		purpose    byte
		iterations int
		salt, want string
	}{
		{"smeg", purposeKey, 1, "0a58cf64530d823f", "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"},
		{"smeg", purposeIV, 1, "0a58cf64530d823f", "79993dfe048d3b76"},
		{"smeg", purposeMAC, 1, "3d83c0e4546ac140", "8d967d88f6caa9d714800ab3d48051d63f73a312"},
		{"queeg", purposeKey, 1000, "05dec959acff72f7", "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4"},
		{"queeg", purposeIV, 1000, "05dec959acff72f7", "11dedad7758d4860"},
	} {
		pw := spellings(keystore.Secret(tc.password))[0]
		got := derivePKCS12(sha1.New, tc.purpose, pw, unhex(tc.salt), tc.iterations, len(tc.want)/2)
		assert.Equal(t, tc.want, hex.EncodeToString(got))
	}
}

func TestSpellings(t *testing.T) {
	for _, tc := range []struct {
		password string
		want     []string
	}{
		{"", []string{"0000", ""}},
		{"ab", []string{"006100620000"}},
		{"é", []string{"00e90000", "00c300a90000"}},
		{"😀", []string{"d83dde000000", "00f0009f009800800000"}},
		{"\xe9", []string{"00e90000"}},
	} {
		var got []string
		for _, s := range spellings(keystore.Secret(tc.password)) {
			got = append(got, hex.EncodeToString(s))
		}
		assert.Equal(t, tc.want, got, "%q", tc.password)
	}
}
