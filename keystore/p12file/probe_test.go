package p12file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// TestPasswordOfAPart: a password that opens a key or all that is encrypted, and not the MAC, is most likely that of the
// part; where what it opens is not as anybody writes it, the file was changed.
func TestPasswordOfAPart(t *testing.T) {
	l := newLayout(t, false)
	other := l
	var err error
	other.sealer, err = pbe.NewSealer(keystore.Secret("other"), pbe.Params{Iterations: 2}, seeded())
	require.NoError(t, err)
	root := issue(t, "root", newKey(t), nil, true)
	a, b := issue(t, "a", newKey(t), root, false), issue(t, "b", newKey(t), root, false)
	// As Java writes a key that was given a password of its own, and as openssl pkcs12 -twopass writes everything.
	own := l.file(l.sealed(l.cert(a, "a", false), l.cert(root, "r", true)), l.open(other.key(a, "a")))
	two := l.file(other.sealed(l.cert(a, "a", false), l.cert(root, "r", true)), l.open(other.key(a, "a")))
	clear := l.file(l.open(l.cert(a, "a", false)), l.open(other.key(a, "a")))
	forged := &holder{a.key, keystore.NewCertificate(changedAtEnd(a.cert.Raw))}
	bad := l.file(other.sealed(l.cert(forged, "a", false), l.cert(root, "r", true)), l.open(other.key(a, "a")))
	strange := l.file(other.sealed(l.cert(b, "a", false), l.cert(root, "r", true)), l.open(other.key(a, "a")))
	garbled := l.file(other.sealed(func(b *cryptobyte.Builder) { b.AddBytes([]byte{0x30, 1, 0}) }), l.open(other.key(a, "a")))
	locked := l.file(other.sealed(l.cert(a, "a", false)), l.open(l.key(a, "a")))
	for _, tc := range []struct {
		name string
		data []byte
		pw   keystore.DecodeOptions
		want error
		text string
	}{
		{"the key's", own, reading("other"), keystore.ErrKeyPassword, `the password opens the key "a", but is the wrong password for the store as a whole, or the file was changed`},
		{"the key's, the certificates in the clear", clear, reading("other"), keystore.ErrKeyPassword, "opens what is encrypted"},
		{"that of all but the MAC", two, reading("other"), keystore.ErrKeyPassword, "opens what is encrypted"},
		{"given for keys, where the store's is missing", own, keystore.DecodeOptions{KeyPassword: keystore.Secret("other")}, keystore.ErrKeyPassword, `the key "a"`},
		{"the store's is wrong, the key's right", own, keystore.DecodeOptions{Password: keystore.Secret("x"), KeyPassword: keystore.Secret("other")}, keystore.ErrPassword, "checking the MAC: wrong password"},
		{"that of the MAC alone", two, reading(string(testPassword)), keystore.ErrPassword, "the MAC fits, but this part has another password"},
		{"both right", own, keystore.DecodeOptions{Password: testPassword, KeyPassword: keystore.Secret("other")}, nil, ""},
		{"a signature that nobody made", bad, reading("other"), keystore.ErrFormat, "the file was changed"},
		{"no certificate for the key", strange, reading("other"), keystore.ErrFormat, "the file was changed"},
		{"no bags in the safe", garbled, reading("other"), keystore.ErrFormat, "the file was changed"},
		{"a key that does not open where the certificates do", locked, reading("other"), keystore.ErrFormat, "the file was changed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Codec{}.Decode(tc.data, tc.pw)
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tc.want)
			assert.ErrorContains(t, err, tc.text)
			if tc.want == keystore.ErrPassword {
				assert.NotErrorIs(t, err, keystore.ErrKeyPassword)
			}
		})
	}
}

// changedAtEnd is a certificate with a bit turned in its signature.
func changedAtEnd(der []byte) []byte {
	changed := append([]byte(nil), der...)
	changed[len(changed)-1] ^= 1
	return changed
}
