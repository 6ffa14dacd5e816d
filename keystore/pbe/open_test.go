package pbe

import (
	"encoding/asn1"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// der builds nested ASN.1 for hostile parameters.
func der(f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

// pbes2 returns an AlgorithmIdentifier with the given derivation and AES-256.
func pbes2(kdfOID string, kdfParams cryptobyte.BuilderContinuation) []byte {
	return der(func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidPBES2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, kdfOID, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, kdfParams) })
				addAlgorithm(b, oidAES256, func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 16)) })
			})
		})
	})
}

// pbkdf2Params returns parameters with HMAC-SHA1 unless prf names another.
func pbkdf2Params(salt int, iterations uint64, keyLen int64, prf string) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(make([]byte, salt))
		b.AddASN1Uint64(iterations)
		if keyLen != 0 {
			b.AddASN1Int64(keyLen)
		}
		if prf != "" {
			addAlgorithm(b, prf, addNull)
		}
	}
}

func scryptParams(n, r, p int64) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(make([]byte, 8))
		b.AddASN1Int64(n)
		b.AddASN1Int64(r)
		b.AddASN1Int64(p)
	}
}

// TestBounds refuses each absurd parameter before any work is done for it.
func TestBounds(t *testing.T) {
	for _, tc := range []struct {
		name string
		alg  []byte
		want error
	}{
		{"two billion iterations", pbes2(oidPBKDF2, pbkdf2Params(8, 2_000_000_000, 0, "")), keystore.ErrTooLarge},
		{"two billion iterations of old", der(func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidSHA1TripleDES, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, pbkdf2Params(8, 2_000_000_000, 0, "")) })
		}), keystore.ErrTooLarge},
		{"more iterations than 64 bits", pbes2(oidPBKDF2, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(make([]byte, 8))
			b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x7f123456789")) })
		}), keystore.ErrTooLarge},
		{"no iterations", pbes2(oidPBKDF2, pbkdf2Params(8, 0, 0, "")), keystore.ErrFormat},
		{"a huge salt", pbes2(oidPBKDF2, pbkdf2Params(maxSalt+1, 1, 0, "")), keystore.ErrTooLarge},
		{"a huge key", pbes2(oidPBKDF2, pbkdf2Params(8, 1, 1<<40, "")), keystore.ErrTooLarge},
		{"a key of no length", pbes2(oidPBKDF2, pbkdf2Params(8, 1, -1, "")), keystore.ErrFormat},
		{"another key length than the cipher's", pbes2(oidPBKDF2, pbkdf2Params(8, 1, 16, "")), keystore.ErrFormat},
		{"an unknown PRF", pbes2(oidPBKDF2, pbkdf2Params(8, 1, 0, "1.2.3")), keystore.ErrUnsupported},
		{"an unknown key derivation", pbes2("1.2.3.4", pbkdf2Params(8, 1, 0, "")), keystore.ErrUnsupported},
		{"scrypt of a terabyte", pbes2(oidScrypt, scryptParams(1<<33, 8, 1)), keystore.ErrTooLarge},
		{"scrypt with r that overflows", pbes2(oidScrypt, scryptParams(2, 1<<62, 1)), keystore.ErrTooLarge},
		{"scrypt that takes for ever", pbes2(oidScrypt, scryptParams(1<<14, 8, 1<<30)), keystore.ErrTooLarge},
		{"scrypt whose first step alone has no bound", pbes2(oidScrypt, scryptParams(2, 1, 624_999)), keystore.ErrTooLarge},
		{"scrypt with N no power of two", pbes2(oidScrypt, scryptParams(1000, 8, 1)), keystore.ErrFormat},
		{"an unknown scheme", der(func(b *cryptobyte.Builder) { addAlgorithm(b, "1.2.840.113549.1.5.1", addNull) }), keystore.ErrUnsupported},
		{"no algorithm", []byte{0x30, 0}, keystore.ErrFormat},
		{"nothing", nil, keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := NewOpener(keystore.Secret("x"), NewBudget(keystore.Limits{}, 32, 1)).Open(tc.alg, make([]byte, 32))
			assert.ErrorIs(t, err, tc.want)
			_, err = Describe(tc.alg, keystore.Limits{})
			assert.ErrorIs(t, err, tc.want)
		})
	}
}

func TestUnsupportedNamesTheOID(t *testing.T) {
	alg := der(func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidPBES2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addPBKDF2(b, make([]byte, 8), 1, 0)
				addAlgorithm(b, "1.2.392.200011.61.1.1.1.4", func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 16)) })
			})
		})
	})
	_, err := Describe(alg, keystore.Limits{})
	require.ErrorIs(t, err, keystore.ErrUnsupported)
	assert.Contains(t, err.Error(), "Camellia-256-CBC (1.2.392.200011.61.1.1.1.4)")
}

// TestBudget lets many parts of one file cost no more than its size allows, and one derivation serve equal salts.
func TestBudget(t *testing.T) {
	lim := keystore.Limits{Iterations: 1000}
	budget := NewBudget(lim, 0, 1)
	o := NewOpener(keystore.Secret("x"), budget)
	part := func(i int) []byte {
		return pbes2(oidPBKDF2, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString([]byte{byte(i)})
			b.AddASN1Int64(1000)
		})
	}
	for i := range 100 {
		_, _, err := o.Open(part(0), make([]byte, 32))
		require.ErrorIs(t, err, keystore.ErrPassword, "the same salt is derived once: %d", i)
	}
	var err error
	n := 1
	for ; keystore.KindOf(err) != keystore.ErrTooLarge && n < 100; n++ {
		_, _, err = o.Open(part(n), make([]byte, 32))
	}
	assert.Equal(t, fullDerivations/2+1, n, "each SHA-1 key of 32 bytes takes two blocks")
}

// TestForesee refuses the sum before anything is spent on it, and counts equal salts once.
func TestForesee(t *testing.T) {
	lim := keystore.Limits{Iterations: 1000}
	part := func(salt int) []byte { return pbes2(oidPBKDF2, pbkdf2Params(salt, 1000, 0, oidHMACSHA256)) }
	var same, other [][]byte
	for i := range fullDerivations + 1 {
		same, other = append(same, part(8)), append(other, part(8+i))
	}
	budget := NewBudget(lim, 0, 1)
	require.NoError(t, budget.Foresee(same))
	require.NoError(t, budget.Foresee(append(other[1:], []byte("noise"))))
	require.ErrorIs(t, budget.Foresee(other), keystore.ErrTooLarge)
	require.NoError(t, budget.Spend(fullDerivations*1000), "nothing was spent")
}

// TestDamageIsNotAWrongPassword flips bits under the right password.
func TestDamageIsNotAWrongPassword(t *testing.T) {
	plain := testKey(t)
	pw := keystore.Secret("right")
	info, err := Encrypt(plain, pw, Params{Iterations: 1}, seeded())
	require.NoError(t, err)
	last := append([]byte(nil), info...)
	last[len(last)-1] ^= 0x55
	_, _, err = Decrypt(last, pw, keystore.Limits{})
	assert.ErrorIs(t, err, keystore.ErrFormat, "bad padding, sound beginning")
	short := append([]byte(nil), info...)
	_, _, err = Decrypt(short[:len(short)-1], pw, keystore.Limits{})
	assert.ErrorIs(t, err, keystore.ErrFormat, "cut off")
	for i := range info {
		_, _, err := Decrypt(info[:i], pw, keystore.Limits{})
		assert.ErrorIs(t, err, keystore.ErrFormat, "cut off at %d", i)
	}
}

// TestWrongPasswords tries enough that some give sound padding by chance.
func TestWrongPasswords(t *testing.T) {
	info, err := Encrypt(testKey(t), keystore.Secret("right"), Params{Iterations: 1}, seeded())
	require.NoError(t, err)
	for i := range 3000 {
		_, _, err := Decrypt(info, keystore.Secret(fmt.Sprint(i)), keystore.Limits{})
		require.ErrorIs(t, err, keystore.ErrPassword)
	}
}

func TestPBMAC1(t *testing.T) {
	data, pw := []byte("data"), keystore.Secret("pw")
	s, err := NewSealer(pw, Params{Iterations: 2}, seeded())
	require.NoError(t, err)
	alg, mac, err := s.PBMAC1(data)
	require.NoError(t, err)
	o := NewOpener(pw, NewBudget(keystore.Limits{}, 0, 1))
	p, err := o.checkPBMAC1(alg, data, mac)
	require.NoError(t, err)
	assert.Equal(t, "PBMAC1 PBKDF2-HMAC-SHA256 HMAC-SHA256", p.Algorithm)
	_, err = o.checkPBMAC1(alg, []byte("Data"), mac)
	assert.ErrorIs(t, err, keystore.ErrPassword)
	_, err = NewOpener(nil, NewBudget(keystore.Limits{}, 0, 1)).checkPBMAC1(alg, data, mac)
	assert.ErrorIs(t, err, keystore.ErrPassword)
	_, err = o.checkPBMAC1(alg, data, mac[:31])
	assert.ErrorIs(t, err, keystore.ErrFormat)
	for _, keyLen := range []int64{0, 19, 65} {
		short := der(func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidPBMAC1, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.SEQUENCE, pbkdf2Params(8, 1, keyLen, oidHMACSHA256))
					})
					addAlgorithm(b, oidHMACSHA256, addNull)
				})
			})
		})
		_, err = o.checkPBMAC1(short, data, mac)
		assert.Error(t, err, "a key of %d bytes", keyLen)
	}
}

func TestParseOID(t *testing.T) {
	assert.Equal(t, asn1.ObjectIdentifier{1, 2, 840, 113549}, parseOID("1.2.840.113549"))
}

// oldParams returns the AlgorithmIdentifier of one of oldKinds.
func oldParams(oid string) []byte {
	return der(func(b *cryptobyte.Builder) {
		addAlgorithm(b, oid, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(make([]byte, 8))
				b.AddASN1Int64(2)
			})
		})
	})
}

// What a cipher gives is judged by all of it: what only begins as a SEQUENCE, and ends as if it were padded, is a wrong
// password's.
func TestJudge(t *testing.T) {
	const block = 8
	for _, tc := range []struct {
		name  string
		plain string
		want  error // nil: the plaintext without its last byte of padding
	}{
		{"a SEQUENCE and padding", "\x30\x05\x02\x01\x00ab\x01", nil},
		{"with bytes behind it, as some write", "\x30\x03\x02\x01\x00ab\x01", nil},
		{"with bytes behind it, and nothing in it that is known", "\x30\x03\x55\x01\x00ab\x01", keystore.ErrPassword},
		{"longer than all there is", "\x30\x55\x02\x01\x00ab\x01", keystore.ErrPassword},
		{"no SEQUENCE", "\x31\x05\x02\x01\x00ab\x01", keystore.ErrPassword},
		{"sound, and wrongly padded", "\x30\x05\x02\x01\x00ab\x00", keystore.ErrFormat},
		{"of no sound beginning, and wrongly padded", "\x30\x05\x55\x01\x00ab\x00", keystore.ErrPassword},
	} {
		got, err := Judge([]byte(tc.plain), block, "x")
		if tc.want != nil {
			assert.ErrorIs(t, err, tc.want, tc.name)
			continue
		}
		assert.NoError(t, err, tc.name)
		assert.Equal(t, tc.plain[:block-1], string(got), tc.name)
	}
}
