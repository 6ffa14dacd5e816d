package safefile

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/mint"
)

// Whatever may be a private key is kept when something takes its place, in whichever format: also in those that nothing
// here reads. Only what is known to be public is not.
func TestLooksPrivate(t *testing.T) {
	ca := mint.CA(t, "x", "ec")
	block := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	key, certificate := block("PRIVATE KEY", ca.PKCS8), block("CERTIFICATE", ca.DER)
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + key)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for _, tc := range []struct {
		name string
		head string
		want bool
	}{
		{"PEM key after a certificate", certificate + key, true},
		{"PEM key in UTF-16", string(wide), true},
		{"PKCS12 as text", block("PKCS12", make([]byte, 500)), true},
		{"OpenSSH key", block("OPENSSH PRIVATE KEY", ca.PKCS8), true},
		{"JKS", "\xFE\xED\xFE\xED\x00\x00\x00\x02", true},
		{"JCEKS", "\xCE\xCE\xCE\xCE\x00\x00\x00\x02", true},
		{"BKS", "\x00\x00\x00\x02\x00\x00\x00\x14", true},
		{"KDB", "\x00\x00\x00\x08\x00\x00\x00\x00X509KEY", true},
		{"PVK", "\x1E\xF1\xB5\xB0\x00\x00\x00\x00", true},
		{"PKCS12 in DER", "\x30\x82\x0A\x00\x02\x01\x03\x30", true},
		{"PKCS12 in BER", "\x30\x80\x02\x01\x03\x30\x80", true},
		{"encrypted PKCS#8 in DER", "\x30\x81\xEC\x30\x57\x06\x09", true},
		{"PKCS#8 in DER", string(ca.PKCS8), true},
		{"JWK", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`, true},
		{"JWK of a short key", `{"kty":"oct","k":"AAAA"}`, true},
		{"PuTTY key", "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAAIAkmF6SRo4rCUy0OnE3QzBPxiE2zTKCuYqpe0xaxS4Bu\n", true},
		{"pre-shared keys", "sensor-17:8f2b6c1d0e9a7f3b5c4d2e1f0a9b8c7d\n", true},
		{"a folder's worth of noise", strings.Repeat("\xFF", 100), true},
		{"a SEQUENCE's first byte", "\x30", false},
		{"certificate in DER", string(ca.DER), false},
		{"certificate in DER with a key behind it", string(ca.DER) + string(ca.PKCS8), true},
		{"certificate in PEM", certificate, false},
		{"certificates with remarks", "# CN = x\r\n" + strings.ReplaceAll(certificate+certificate, "\n", "\r\n") + "\nBag Attributes\n    localKeyID: 54 69 6D 65\n", false},
		{"bundle in DER", "\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80", false},
		{"text", "listener 8883\ncafile /etc/mosquitto/certificates/server2/chain.crt\n", false},
		{"nothing", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, looksPrivate([]byte(tc.head))) })
	}
	for _, tc := range []struct {
		old  string
		kept int
	}{{string(wide), 1}, {certificate, 0}} {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, []byte(tc.old), 0o600))
		result, err := Commit([]File{{Path: path, Data: []byte("new"), Mode: ModePublic}}, Options{Force: true, Now: noon})
		require.NoError(t, err)
		assert.Len(t, result.Backups, tc.kept)
	}
}
