package keystore_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// pkcs8 is a key as a PrivateKeyInfo.
func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

// smallRSA is a whole RSA key with 512 bits, which Go refuses to work with, or with numbers of another.
func smallRSA(t *testing.T, change func(numbers []*big.Int)) []byte {
	t.Helper()
	e, one := big.NewInt(65537), big.NewInt(1)
	for {
		p, err := rand.Prime(rand.Reader, 256)
		require.NoError(t, err)
		q, err := rand.Prime(rand.Reader, 256)
		require.NoError(t, err)
		p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		d := new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		numbers := []*big.Int{new(big.Int).Mul(p, q), e, d, p, q, new(big.Int).Mod(d, p1), new(big.Int).Mod(d, q1), new(big.Int).ModInverse(q, p)}
		if change != nil {
			change(numbers)
		}
		key, err := asn1.Marshal(append([]any{0}, anys(numbers)...))
		require.NoError(t, err)
		der, err := asn1.Marshal(struct {
			Version   int
			Algorithm pkix.AlgorithmIdentifier
			Key       []byte
		}{0, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}, key})
		require.NoError(t, err)
		return der
	}
}

func anys(numbers []*big.Int) (list []any) {
	for _, n := range numbers {
		list = append(list, n)
	}
	return list
}

// damage is what is said of a PrivateKeyInfo, which has to look like one from the outside.
func damage(t *testing.T, der []byte) string {
	t.Helper()
	key, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	return key.Damage()
}

func TestDamageOfWholeKeys(t *testing.T) {
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	for name, der := range map[string][]byte{
		"RSA": pkcs8(t, mint.Key(t, "rsa")), "EC": pkcs8(t, mint.Key(t, "ec")), "Ed25519": pkcs8(t, mint.Key(t, "ed25519")),
		"X25519": pkcs8(t, x25519), "RSA with 512 bits": smallRSA(t, nil),
	} {
		assert.Empty(t, damage(t, der), name)
	}
}

// TestDamageOfRSA flips each bit of the numbers of a key in turn; one whose outline stays whole is damaged.
func TestDamageOfRSA(t *testing.T) {
	whole := mint.Key(t, "rsa").(*rsa.PrivateKey)
	der := pkcs8(t, whole)
	begin := bytes.Index(der, whole.N.Bytes())
	require.Positive(t, begin)
	tried := 0
	for at := begin; at < len(der); at += 7 {
		changed := bytes.Clone(der)
		changed[at] ^= 1 << (at % 8)
		key, err := keystore.NewPrivateKey(changed)
		if err != nil {
			continue // a length was hit
		}
		tried++
		assert.NotEmpty(t, key.Damage(), "a change at %d of %d is not seen", at, len(der))
	}
	require.Greater(t, tried, 100)
	for i := range 8 {
		assert.NotEmpty(t, damage(t, smallRSA(t, func(n []*big.Int) { n[i] = new(big.Int).Add(n[i], big.NewInt(2)) })), "number %d", i)
	}
}

func TestDamageOfOtherKeys(t *testing.T) {
	ec := pkcs8(t, mint.Key(t, "ec"))
	private := bytes.Clone(ec)
	private[len(private)-80] ^= 1 // of the scalar: the public key behind it is of another one now
	assert.Equal(t, "the public key in it is not its own", damage(t, private))
	over := bytes.Clone(ec)
	i := bytes.Index(over, []byte{0x04, 0x20})
	copy(over[i+2:], bytes.Repeat([]byte{0xFF}, 32))
	assert.Equal(t, "it is no EC key of its curve", damage(t, over))
	short := pkcs8(t, mint.Key(t, "ed25519"))
	short[len(short)-33]--
	short = short[:len(short)-1]
	for _, length := range []int{1, len(short) - 34} { // of the whole, of the OCTET STRING around
		short[length]--
	}
	assert.Equal(t, "it is no Ed25519 key, which has 32 bytes", damage(t, short))
}
