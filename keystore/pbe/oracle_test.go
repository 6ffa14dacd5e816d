package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// The structures of RFC 8018 for encoding/asn1, which has other code than cryptobyte.
type (
	oracleInfo struct {
		Algorithm  pkix.AlgorithmIdentifier
		Ciphertext []byte
	}
	oraclePBES2  struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	oraclePBKDF2 struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oraclePRFs = map[string]func() hash.Hash{
		"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.8": sha256.New224, "1.2.840.113549.2.9": sha256.New,
		"1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
		"1.2.840.113549.2.12": sha512.New512_224, "1.2.840.113549.2.13": sha512.New512_256,
	}
	oracleCiphers = map[string]struct {
		keyLen int
		block  func([]byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2": {16, aes.NewCipher}, "2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher}, "1.2.840.113549.3.7": {24, des.NewTripleDESCipher},
	}
)

// exactly reads der into a structure, and reports whether that is all there is: written anew it is the same.
func exactly[T any](der []byte, into *T) bool {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil || len(rest) > 0 {
		return false
	}
	again, err := asn1.Marshal(*into)
	return err == nil && bytes.Equal(again, der)
}

// oracle decrypts PBES2 with PBKDF2 by the standard library alone. It returns nothing
// where it knows no better: another algorithm, more than limit iterations, or what is not DER in every part.
func oracle(der []byte, password string, limit int) []byte {
	var info oracleInfo
	var scheme oraclePBES2
	var kdf oraclePBKDF2
	var iv []byte
	if !exactly(der, &info) || info.Algorithm.Algorithm.String() != oidPBES2 ||
		!exactly(info.Algorithm.Parameters.FullBytes, &scheme) || scheme.KDF.Algorithm.String() != oidPBKDF2 ||
		!exactly(scheme.KDF.Parameters.FullBytes, &kdf) || !exactly(scheme.Cipher.Parameters.FullBytes, &iv) {
		return nil
	}
	null := kdf.PRF.Parameters
	prf, known := oraclePRFs[kdf.PRF.Algorithm.String()]
	c, ok := oracleCiphers[scheme.Cipher.Algorithm.String()]
	if !known || !ok || kdf.Iterations < 1 || kdf.Iterations > limit || len(kdf.Salt) > maxSalt ||
		kdf.KeyLength != 0 && kdf.KeyLength != c.keyLen || null.FullBytes != nil && !bytes.Equal(null.FullBytes, asn1.NullBytes) {
		return nil
	}
	key, err := pbkdf2.Key(prf, password, kdf.Salt, kdf.Iterations, c.keyLen)
	if err != nil {
		return nil
	}
	block, err := c.block(key)
	if err != nil || len(iv) != block.BlockSize() || len(info.Ciphertext) == 0 || len(info.Ciphertext)%block.BlockSize() != 0 {
		return nil
	}
	plain := make([]byte, len(info.Ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.Ciphertext)
	return plain
}

// checkOracle compares what we made of an EncryptedPrivateKeyInfo with what the oracle does.
func checkOracle(t *testing.T, info []byte, password string, plain []byte, err error, limit int) {
	t.Helper()
	padded := oracle(info, password, limit)
	if padded == nil {
		return
	}
	if err == nil {
		require.True(t, bytes.HasPrefix(padded, plain), "another plaintext than the oracle's")
		require.LessOrEqual(t, len(padded)-len(plain), aes.BlockSize)
		return
	}
	require.NotErrorIs(t, err, keystore.ErrUnsupported, "the oracle reads it")
	require.NotErrorIs(t, err, keystore.ErrTooLarge, "the oracle reads it")
	n := int(padded[len(padded)-1])
	if n < 1 || n > len(padded) || !bytes.Equal(padded[len(padded)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return
	}
	var key pkix.AlgorithmIdentifier
	var whole struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if exactly(padded[:len(padded)-n], &whole) && whole.Version == 0 {
		key = whole.Algorithm
	}
	require.Nil(t, key.Algorithm, "the oracle finds a PrivateKeyInfo where we find %v", err)
}

// TestOracle makes sure that the oracle sees what it is asked about.
func TestOracle(t *testing.T) {
	plain := testKey(t)
	info, err := Encrypt(plain, keystore.Secret("pw"), Params{AES256, 3}, seeded())
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(oracle(info, "pw", 3), plain))
	assert.False(t, bytes.HasPrefix(oracle(info, "pW", 3), plain))
	assert.Nil(t, oracle(info, "pw", 2), "too many iterations")
	old, err := Encrypt(plain, keystore.Secret("pw"), Params{TripleDES, 3}, seeded())
	require.NoError(t, err)
	assert.Nil(t, oracle(old, "pw", 3))
}
