package pbe

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"

	"github.com/mqttpki/mqttpki/keystore"
)

// macUnder returns a MAC of data as a writer that spells the password so would make it.
func macUnder(spelling, data []byte) MACData {
	alg := der(func(b *cryptobyte.Builder) { addAlgorithm(b, oidSHA1, addNull) })
	salt := []byte("salt")
	key := derivePKCS12(hashSHA1.New, purposeMAC, spelling, salt, 2, hashSHA1.Size)
	return MACData{alg, authenticate(hashSHA1, key, data), salt, 2}
}

// TestMACSpellings opens files of every writer there has been, and what the same spelling encrypted.
func TestMACSpellings(t *testing.T) {
	data := []byte("data")
	plain := testKey(t)
	for _, tc := range []struct {
		name, password string
		spelling       []byte
	}{
		{"empty as OpenSSL and Java have it", "", []byte{0, 0}},
		{"empty as no bytes", "", nil},
		{"UTF-16", "ü", []byte{0, 0xfc, 0, 0}},
		{"bytes of UTF-8 widened, OpenSSL before 1.1.0", "ü", []byte{0, 0xc3, 0, 0xbc, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := NewOpener(keystore.Secret(tc.password), NewBudget(keystore.Limits{}, 0, 1))
			p, err := o.CheckMAC(macUnder(tc.spelling, data), data)
			require.NoError(t, err)
			assert.Equal(t, "PKCS12 HMAC-SHA1", p.Algorithm)

			a, err := parseAlgorithm(oldParams(oidSHA1TripleDES), keystore.DefaultLimits)
			require.NoError(t, err)
			secret, err := a.derive(tc.spelling)
			require.NoError(t, err)
			ciphertext, err := a.cipher.encrypt(a.cipher.keyOf(secret), a.ivOf(secret), plain)
			require.NoError(t, err)
			got, _, err := o.Open(oldParams(oidSHA1TripleDES), ciphertext)
			require.NoError(t, err)
			assert.Equal(t, plain, got)
		})
	}
}

// TestWidePBES2 opens PBES2 under PKCS12's spelling once a MAC has proved the password, and not before.
func TestWidePBES2(t *testing.T) {
	plain, data := testKey(t), []byte("data")
	wide := spellings(keystore.Secret("pw"))[0]
	info, err := Encrypt(plain, keystore.Secret(wide), Params{Iterations: 2}, seeded())
	require.NoError(t, err)
	o := NewOpener(keystore.Secret("pw"), NewBudget(keystore.Limits{}, 0, 1))
	_, _, err = o.OpenInfo(info)
	require.ErrorIs(t, err, keystore.ErrPassword)
	_, err = o.CheckMAC(macUnder(wide, data), data)
	require.NoError(t, err)
	got, _, err := o.OpenInfo(info)
	require.NoError(t, err)
	assert.Equal(t, plain, got)
}

// TestCheckMACFails tells a wrong password from all that is not one.
func TestCheckMACFails(t *testing.T) {
	data := []byte("data")
	good := macUnder(spellings(keystore.Secret("pw"))[0], data)
	for _, tc := range []struct {
		name     string
		change   func(*MACData)
		password keystore.Secret
		want     error
	}{
		{"another password", func(*MACData) {}, keystore.Secret("x"), keystore.ErrPassword},
		{"none", func(*MACData) {}, nil, keystore.ErrPassword},
		{"another file", func(m *MACData) { m.Digest = make([]byte, 20) }, keystore.Secret("pw"), keystore.ErrPassword},
		{"a short digest", func(m *MACData) { m.Digest = m.Digest[:19] }, keystore.Secret("pw"), keystore.ErrFormat},
		{"no iterations", func(m *MACData) { m.Iterations = 0 }, keystore.Secret("pw"), keystore.ErrFormat},
		{"too many iterations", func(m *MACData) { m.Iterations = 1 << 40 }, keystore.Secret("pw"), keystore.ErrTooLarge},
		{"a huge salt", func(m *MACData) { m.Salt = make([]byte, maxSalt+1) }, keystore.Secret("pw"), keystore.ErrTooLarge},
		{"no algorithm", func(m *MACData) { m.Algorithm = nil }, keystore.Secret("pw"), keystore.ErrFormat},
		{"the MAC that Java 25 writes and can't read", func(m *MACData) {
			m.Algorithm = der(func(b *cryptobyte.Builder) { addAlgorithm(b, oidHMACSHA256, addNull) })
		}, keystore.Secret("pw"), keystore.ErrUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := good
			tc.change(&m)
			_, err := NewOpener(tc.password, NewBudget(keystore.Limits{}, 0, 1)).CheckMAC(m, data)
			require.ErrorIs(t, err, tc.want)
		})
	}
}
