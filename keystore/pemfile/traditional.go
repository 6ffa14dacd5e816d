package pemfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// traditional is the encryption of keys before PKCS#8, that OpenSSL calls traditional: RFC 1421 headers say which cipher
// and IV, and the key is one MD5 of the password and half of the IV.
type traditional struct {
	name    string
	keySize int
	block   func(key []byte) (cipher.Block, error)
}

// traditionalCiphers are those that OpenSSL 3 still writes or that are found in old files, by their name in DEK-Info.
var traditionalCiphers = map[string]traditional{
	"DES-CBC":      {"DES-CBC", 8, des.NewCipher},
	"DES-EDE3-CBC": {"3DES-CBC", 24, des.NewTripleDESCipher},
	"AES-128-CBC":  {"AES-128-CBC", 16, aes.NewCipher},
	"AES-192-CBC":  {"AES-192-CBC", 24, aes.NewCipher},
	"AES-256-CBC":  {"AES-256-CBC", 32, aes.NewCipher},
}

// weakTraditional is what is wrong with all of them.
const weakTraditional = "the password goes through MD5 once: it can be guessed very fast"

// openTraditional decrypts a block that has a DEK-Info header. The protection is filled in with an error too. Errors:
// ErrPassword when password is wrong or nil, ErrFormat, ErrUnsupported.
func openTraditional(b *block, password keystore.Secret) ([]byte, keystore.Protection, error) {
	name, encoded, _ := strings.Cut(b.header("DEK-Info"), ",")
	c, known := traditionalCiphers[strings.ToUpper(strings.TrimSpace(name))]
	if !known {
		p := keystore.Protection{Algorithm: "traditional PEM MD5 " + name, Iterations: 1, Weak: weakTraditional}
		return nil, p, fmt.Errorf("decrypting a key: cipher %q: %w", name, keystore.ErrUnsupported)
	}
	p := keystore.Protection{Algorithm: "traditional PEM MD5 " + c.name, Iterations: 1, Weak: weakTraditional}
	iv, err := hex.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, p, malformed("decrypting a key: the IV in DEK-Info is not hex")
	}
	if !password.Given() {
		return nil, p, fmt.Errorf("decrypting a key: no password given: %w", keystore.ErrPassword)
	}
	if len(iv) < 8 {
		return nil, p, malformed("decrypting a key: the IV in DEK-Info has %d bytes", len(iv))
	}
	block, err := c.block(traditionalKey(password, iv[:8], c.keySize))
	if err != nil {
		return nil, p, fmt.Errorf("decrypting a key: %w", err)
	}
	size := block.BlockSize()
	if len(iv) != size || len(b.der) == 0 || len(b.der)%size != 0 {
		return nil, p, malformed("decrypting a key: IV of %d bytes, %d bytes of data, where blocks have %d", len(iv), len(b.der), size)
	}
	plain := make([]byte, len(b.der))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, b.der)
	plain, err = pbe.Judge(plain, size, p.Algorithm)
	return plain, p, err
}

// traditionalKey is OpenSSL's EVP_BytesToKey with MD5 and one round.
func traditionalKey(password keystore.Secret, salt []byte, size int) []byte {
	var key, last []byte
	for len(key) < size {
		h := md5.New()
		h.Write(last)
		h.Write(password)
		h.Write(salt)
		last = h.Sum(nil)
		key = append(key, last...)
	}
	return key[:size]
}
