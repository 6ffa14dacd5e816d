package pbe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rc4"
	"fmt"
)

// bulk is a cipher that encrypts data under a derived key.
type bulk struct {
	name   string
	keyLen int // bytes
	block  int // bytes; 1 for a stream cipher, which has neither IV nor padding
	weak   string
	new    func(key []byte) (cipher.Block, error) // nil for RC4
}

// The reasons why old ciphers are weak.
const (
	weakDES  = "DES: its key is searched in hours"
	weak3DES = "3DES: withdrawn by NIST (SP 800-131A), kept for old readers"
	weakRC2  = "RC2: obsolete, refused by current software"
	weakRC4  = "RC4: broken (RFC 7465)"
	weak40   = "40-bit key: searched in minutes"
)

var (
	aes128    = bulk{"AES-128-CBC", 16, aes.BlockSize, "", aes.NewCipher}
	aes192    = bulk{"AES-192-CBC", 24, aes.BlockSize, "", aes.NewCipher}
	aes256    = bulk{"AES-256-CBC", 32, aes.BlockSize, "", aes.NewCipher}
	desCBC    = bulk{"DES-CBC", 8, des.BlockSize, weakDES, des.NewCipher}
	tripleDES = bulk{"3DES-CBC", 24, des.BlockSize, weak3DES, des.NewTripleDESCipher}
	doubleDES = bulk{"2DES-CBC", 16, des.BlockSize, weak3DES, newDoubleDES}
	rc4Long   = bulk{"RC4-128", 16, 1, weakRC4, nil}
	rc4Short  = bulk{"RC4-40", 5, 1, weak40, nil}
)

// rc2Bulk returns RC2 with keys of that many bytes and effective bits.
func rc2Bulk(keyLen, bits int) bulk {
	weak := weakRC2
	if bits <= 40 {
		weak = weak40
	}
	return bulk{fmt.Sprintf("RC2-%d-CBC", bits), keyLen, rc2BlockSize, weak, func(key []byte) (cipher.Block, error) {
		return newRC2(key, bits), nil
	}}
}

// newDoubleDES is 3DES with the first key used again as the third.
func newDoubleDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
}

// keyOf cuts the key from a derived secret.
func (b bulk) keyOf(secret []byte) []byte { return secret[:b.keyLen] }

// decrypt writes the plaintext of src, padding included, to dst; both have the same length, whole blocks.
func (b bulk) decrypt(key, iv, dst, src []byte) error {
	if b.new == nil {
		stream, err := rc4.NewCipher(key)
		if err == nil {
			stream.XORKeyStream(dst, src)
		}
		return err
	}
	c, err := b.new(key)
	if err == nil {
		cipher.NewCBCDecrypter(c, iv).CryptBlocks(dst, src)
	}
	return err
}

// encrypt pads plain and returns its ciphertext. Only block ciphers are ever written.
func (b bulk) encrypt(key, iv, plain []byte) ([]byte, error) {
	c, err := b.new(key)
	if err != nil {
		return nil, err
	}
	n := b.block - len(plain)%b.block
	out := make([]byte, len(plain), len(plain)+n)
	copy(out, plain)
	for range n {
		out = append(out, byte(n))
	}
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(out, out)
	return out, nil
}
