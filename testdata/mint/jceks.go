package mint

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// JCEKSKey is one key of a JCEKS file.
type JCEKSKey struct {
	Alias string
	PKCS8 []byte
	Chain [][]byte // certificates in DER, the leaf first
}

// JCEKS makes a file as Java's JCEKS does, with its keys encrypted by PBEWithMD5AndTripleDES under an ASCII password of
// their own. The layout is that of JKS, see com.sun.crypto.provider.JceKeyStore and KeyProtector of the JDK.
func JCEKS(t testing.TB, keys []JCEKSKey, storePassword, keyPassword string, iterations int) []byte {
	t.Helper()
	var out []byte
	number := func(v int) { out = binary.BigEndian.AppendUint32(out, uint32(v)) }
	text := func(s string) { out = append(binary.BigEndian.AppendUint16(out, uint16(len(s))), s...) }
	block := func(b []byte) { number(len(b)); out = append(out, b...) }
	const magic, version, tagKey = 0xCECECECE, 2, 1
	number(magic)
	number(version)
	number(len(keys))
	for _, k := range keys {
		number(tagKey)
		text(k.Alias)
		out = binary.BigEndian.AppendUint64(out, uint64(Day.UnixMilli()))
		block(sealJCEKS(t, k.PKCS8, []byte(keyPassword), iterations))
		number(len(k.Chain))
		for _, certificate := range k.Chain {
			text("X.509")
			block(certificate)
		}
	}
	h := sha1.New()
	for _, unit := range utf16.Encode([]rune(storePassword)) {
		h.Write([]byte{byte(unit >> 8), byte(unit)})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(out)
	return h.Sum(out)
}

// sealJCEKS encrypts a PrivateKeyInfo: each half of the salt, hashed with the password over and over, gives a half of key and IV.
func sealJCEKS(t testing.TB, pkcs8, password []byte, iterations int) []byte {
	t.Helper()
	salt := make([]byte, 8)
	_, err := rand.Read(salt)
	require.NoError(t, err)
	var derived []byte
	for _, half := range [][]byte{salt[:4], salt[4:]} {
		x := half
		for range iterations {
			sum := md5.Sum(append(bytes.Clone(x), password...))
			x = sum[:]
		}
		derived = append(derived, x...)
	}
	block, err := des.NewTripleDESCipher(derived[:24])
	require.NoError(t, err)
	pad := des.BlockSize - len(pkcs8)%des.BlockSize
	data := append(bytes.Clone(pkcs8), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, derived[24:]).CryptBlocks(data, data)
	type parameters struct {
		Salt       []byte
		Iterations int
	}
	type algorithm struct {
		ID     asn1.ObjectIdentifier
		Params parameters
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Data      []byte
	}{algorithm{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 19, 1}, parameters{salt, iterations}}, data})
	require.NoError(t, err)
	return der
}
