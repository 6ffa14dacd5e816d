package p12file

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// armoured is a store as certtool writes it.
func armoured(data []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: armourLabel, Bytes: data}))
}

// TestArmour: a store in text is the same store, and said to be text.
func TestArmour(t *testing.T) {
	data, fitted := write(t, bigStore(t, true), fast(""))
	text := armoured(data)
	for _, tc := range []struct {
		name, text string
		codes      []string
	}{
		{"as certtool writes it", text, []string{"armoured"}},
		{"with the line ends of Windows", strings.ReplaceAll(text, "\n", "\r\n"), []string{"armoured"}},
		{"with a byte order mark", "\xEF\xBB\xBF" + text, []string{"armoured"}},
		{"without an end of line", strings.TrimSuffix(text, "\n"), []string{"armoured"}},
		{"with text before and behind it", "The store:\n\n" + text + "\nas promised\n", []string{"armoured", "trailing-bytes"}},
		{"with white space in its lines", strings.ReplaceAll(text, "\n", " \n\t"), nil}, // the END line must be at the margin
		{"with blanks behind its lines", strings.ReplaceAll(text, "\n", " \n"), []string{"armoured"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.True(t, Codec{}.Sniff([]byte(tc.text)))
			got, err := Codec{}.Decode([]byte(tc.text), reading("changeit"))
			if tc.codes == nil {
				assert.ErrorIs(t, err, keystore.ErrFormat)
				return
			}
			require.NoError(t, err)
			requireSame(t, fitted, got)
			assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
			assert.Equal(t, tc.codes, codes(got))
			_, err = Codec{}.Decode([]byte(tc.text), reading("wrong"))
			assert.ErrorIs(t, err, keystore.ErrPassword)
		})
	}
}

// TestArmourOfOthers: what is not one sound block is refused, or is not taken for one at all.
func TestArmourOfOthers(t *testing.T) {
	data, _ := write(t, bigStore(t, false), fast(""))
	text := armoured(data)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: oddCertificate}))
	for _, tc := range []struct {
		name, text string
		sniffed    bool
		want       error
	}{
		{"no END", strings.TrimSuffix(text, "-----END PKCS12-----\n"), true, keystore.ErrFormat},
		{"the END of another", strings.ReplaceAll(text, "END PKCS12", "END PKCS7"), true, keystore.ErrFormat},
		{"no base64", strings.ReplaceAll(text, "A", "%"), true, keystore.ErrFormat},
		{"half of it", armoured(data[:len(data)/2]), true, keystore.ErrFormat},
		{"nothing in it", armoured(nil), true, keystore.ErrFormat},
		{"armour in armour", armoured([]byte(text)), true, keystore.ErrFormat},
		{"before a certificate", text + certificate, true, keystore.ErrUnsupported},
		{"before another store", text + text, true, keystore.ErrUnsupported},
		{"behind a certificate", certificate + text, false, keystore.ErrFormat},
		{"not at the margin", " " + text, false, keystore.ErrFormat},
		{"in something binary", "\xFE\xED\xFE\xED\x00\n" + text, false, keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.sniffed, Codec{}.Sniff([]byte(tc.text)))
			got, err := Codec{}.Decode([]byte(tc.text), reading("changeit"))
			assert.Nil(t, got)
			assert.ErrorIs(t, err, tc.want)
		})
	}
}

// TestReadsArmourOfGnuTLS reads what certtool writes when it is told nothing else; only certtool itself does, too.
func TestReadsArmourOfGnuTLS(t *testing.T) {
	t.Parallel()
	certtool := interop.Need(t, "certtool")
	p := newParty(t)
	interop.Run(t, p.dir, certtool, "--to-p12", "--load-privkey", "key.pem", "--load-certificate", "leaf.pem", "--load-ca-certificate", "root.pem",
		"--p12-name", "sensor", "--password", "changeit", "--outfile", "s.p12")
	data := get(t, p.dir, "s.p12")
	require.True(t, strings.HasPrefix(string(data), beginArmour), "certtool wrote %.40q", data)
	got, err := Codec{}.Decode(data, reading("changeit"))
	require.NoError(t, err)
	p.requireParty(t, got, "sensor")
	assert.Contains(t, codes(got), "armoured")
	interop.Run(t, p.dir, certtool, "--p12-info", "--infile", "s.p12", "--password", "changeit")
	_, err = interop.Try(t, p.dir, interop.Need(t, "openssl"), "pkcs12", "-in", "s.p12", "-passin", "pass:changeit", "-nodes")
	assert.Error(t, err)
}
