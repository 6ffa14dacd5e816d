package p12file

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// layout builds files of any shape, under testPassword.
type layout struct {
	t      *testing.T
	sealer *pbe.Sealer
	ber    bool // every layer is BER, the decrypted ones too
}

func newLayout(t *testing.T, inBER bool) layout {
	sealer, err := pbe.NewSealer(testPassword, pbe.Params{Iterations: 2}, seeded())
	require.NoError(t, err)
	return layout{t, sealer, inBER}
}

// coded returns DER as this layout has it.
func (l layout) coded(data []byte) []byte {
	if l.ber {
		return toBER(data)
	}
	return data
}

// contents returns SafeContents of some bags.
func (l layout) contents(bags ...cryptobyte.BuilderContinuation) []byte {
	return l.coded(der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, add := range bags {
				add(b)
			}
		})
	}))
}

// open is a safe that is not encrypted.
func (l layout) open(bags ...cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { addData(b, l.contents(bags...)) }
}

// sealed is a safe that is.
func (l layout) sealed(bags ...cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	alg, ciphertext, err := l.sealer.Seal(l.contents(bags...))
	require.NoError(l.t, err)
	return func(b *cryptobyte.Builder) { addEncrypted(b, alg, ciphertext) }
}

// nested is a safe in a safe.
func (l layout) nested(bags ...cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	inner := layout{l.t, l.sealer, false}.contents(bags...)
	return func(b *cryptobyte.Builder) {
		addBag(b, parseID(oidSafeBag), attributes{}, func(b *cryptobyte.Builder) { b.AddBytes(inner) })
	}
}

// key is a shrouded key.
func (l layout) key(h *holder, name string) cryptobyte.BuilderContinuation {
	info, err := l.sealer.SealInfo(l.coded(privateKey(l.t, h.key).PKCS8))
	require.NoError(l.t, err)
	return func(b *cryptobyte.Builder) {
		addBag(b, idShroudedBag, attributes{name: name, id: name}, func(b *cryptobyte.Builder) { b.AddBytes(info) })
	}
}

// plainKey is one that is not encrypted.
func (l layout) plainKey(h *holder, name string) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { addPlainKey(l.t, b, h, attributes{name: name, id: name}) }
}

// cert is a certificate; trusted ones have Java's mark.
func (l layout) cert(h *holder, name string, trusted bool) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { addPlainCert(b, h, attributes{name: name, trusted: trusted}) }
}

// file puts safes together under a MAC.
func (l layout) file(safes ...cryptobyte.BuilderContinuation) []byte {
	list := l.contents(safes...) // the same shape: a SEQUENCE of what is given
	mac, err := l.sealer.MAC(list)
	require.NoError(l.t, err)
	return l.coded(der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			addData(b, list)
			addMacData(b, mac)
		})
	}))
}

// TestAnyLayout reads keys and certificates in any number and order of safes, nested and not, encrypted and not, in DER and
// with BER in every layer.
func TestAnyLayout(t *testing.T) {
	root := issue(t, "root", newKey(t), nil, true)
	a, b := issue(t, "a", newKey(t), root, false), issue(t, "b", newKey(t), root, false)
	other := issue(t, "other", newKey(t), nil, true)
	const both = "key a CN=a CN=root; key b CN=b CN=root; trusted other CN=other; "
	for _, inBER := range []bool{false, true} {
		l := newLayout(t, inBER)
		keyA, keyB, plainB := l.key(a, "a"), l.key(b, "b"), l.plainKey(b, "b")
		certA, certB, certRoot, trusted := l.cert(a, "a", false), l.cert(b, "b", false), l.cert(root, "", false), l.cert(other, "other", true)
		for name, tc := range map[string]struct {
			safes []cryptobyte.BuilderContinuation
			want  string
		}{
			"no safe":                            {nil, ""},
			"empty safes":                        {[]cryptobyte.BuilderContinuation{l.open(), l.sealed(), l.open()}, ""},
			"as OpenSSL":                         {[]cryptobyte.BuilderContinuation{l.sealed(certA, certB, certRoot, trusted), l.open(keyA, keyB)}, both},
			"as Java":                            {[]cryptobyte.BuilderContinuation{l.open(keyA, keyB), l.sealed(certA, certRoot, certB, trusted)}, both},
			"all in one":                         {[]cryptobyte.BuilderContinuation{l.sealed(trusted, certRoot, keyA, certB, keyB, certA)}, both},
			"all in one, open":                   {[]cryptobyte.BuilderContinuation{l.open(trusted, certRoot, keyA, certB, plainB, certA)}, both},
			"keys encrypted twice":               {[]cryptobyte.BuilderContinuation{l.sealed(keyA), l.sealed(plainB), l.open(certA, certB, certRoot, trusted)}, both},
			"a safe for each":                    {[]cryptobyte.BuilderContinuation{l.open(certRoot), l.open(keyA), l.sealed(certB), l.open(trusted), l.sealed(certA), l.open(keyB)}, both},
			"nested, open":                       {[]cryptobyte.BuilderContinuation{l.open(l.nested(keyA, l.nested(keyB, certB))), l.open(certA, certRoot, trusted)}, both},
			"nested, encrypted":                  {[]cryptobyte.BuilderContinuation{l.sealed(certA, l.nested(l.nested(l.nested(certRoot, keyA)), trusted)), l.open(keyB, certB)}, both},
			"the same certificate in many":       {[]cryptobyte.BuilderContinuation{l.sealed(certA, certRoot), l.open(certRoot, keyA), l.sealed(certRoot)}, "key a CN=a CN=root; "},
			"certificates without anything else": {[]cryptobyte.BuilderContinuation{l.sealed(certRoot, trusted)}, "trusted other CN=other; loose  CN=root; "},
		} {
			t.Run(fmt.Sprintf("%s, BER %t", name, inBER), func(t *testing.T) {
				data := l.file(tc.safes...)
				got, err := Codec{}.Decode(data, reading(string(testPassword)))
				require.NoError(t, err)
				assert.Equal(t, tc.want, outline(got))
				assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
				for _, id := range got.Identities {
					require.NoError(t, id.Locked)
					assert.Equal(t, id.Leaf().PublicID(), id.Key.PublicID())
				}
				_, err = Codec{}.Decode(data, reading("wrong"))
				require.ErrorIs(t, err, keystore.ErrPassword)
			})
		}
	}
}

// TestTruncatedBER cuts a file that is BER in every layer at every byte, with the password and without.
func TestTruncatedBER(t *testing.T) {
	l := newLayout(t, true)
	root := issue(t, "root", newKey(t), nil, true)
	a := issue(t, "a", newKey(t), root, false)
	data := l.file(l.sealed(l.cert(a, "a", false), l.cert(root, "r", true)), l.open(l.key(a, "a")))
	for i := range data {
		for _, pw := range []keystore.Secret{nil, testPassword} {
			got, err := Codec{}.Decode(data[:i], keystore.DecodeOptions{Password: pw})
			require.ErrorIs(t, err, keystore.ErrFormat, "cut at %d", i)
			require.Nil(t, got)
		}
	}
}

// TestPBMAC1Traps changes the parameters of a PBMAC1 in the ways that RFC 9579 and RFC 9879 warn of: with some of them
// anybody could make a MAC that fits. The MacData's own salt and count mean nothing, whatever they are.
func TestPBMAC1Traps(t *testing.T) {
	s := bigStore(t, false)
	s.Identities, s.Loose = s.Identities[1:2], nil
	data, fitted := write(t, s, fast(ProfilePBMAC1))
	// PBKDF2-params end with iterations 5, keyLength 32 and the PRF.
	at := bytes.LastIndex(data, []byte{2, 1, 5, 2, 1, 32, 0x30})
	require.Positive(t, at)
	changed := func(offset int, value byte) []byte {
		data := slices.Clone(data)
		data[at+offset] = value
		return data
	}
	for _, tc := range []struct {
		name string
		data []byte
		want error
		text string
	}{
		{"a key of no length", changed(5, 0), keystore.ErrFormat, ""},
		{"a key of one byte", changed(5, 1), keystore.ErrFormat, "key of 1 bytes, at least 20"},
		{"a key of 19 bytes", changed(5, 19), keystore.ErrFormat, "key of 19 bytes, at least 20"},
		{"a key of 65 bytes", changed(5, 65), keystore.ErrTooLarge, "key of 65 bytes, at most 64"},
		{"a key of negative length", changed(5, 0xff), keystore.ErrFormat, ""},
		{"another key length", changed(5, 20), keystore.ErrKeyPassword, "the file was changed"},
		{"no iterations", changed(2, 0), keystore.ErrFormat, "0 iterations"},
		{"negative iterations", changed(2, 0xff), keystore.ErrFormat, "-1 iterations"},
		{"fewer iterations", changed(2, 4), keystore.ErrKeyPassword, "the file was changed"},
		{"an unknown PRF", changed(6+2+2+7, 99), keystore.ErrUnsupported, "1.2.840.113549.2.99"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Codec{}.Decode(tc.data, reading(string(testPassword)))
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.text)
		})
	}
	// The MacData ends with a salt that is not used; the count after it was left out.
	unused := []byte("NOT USED")
	at = bytes.LastIndex(data, unused)
	require.Equal(t, len(data)-len(unused), at)
	odd := slices.Clone(data)
	copy(odd[at:], "ANYTHING")
	got, err := Codec{}.Decode(odd, reading(string(testPassword)))
	require.NoError(t, err)
	requireSame(t, fitted, got)
}
