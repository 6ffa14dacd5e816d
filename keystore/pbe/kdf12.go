package pbe

import (
	"bytes"
	"hash"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// The purposes of a PKCS12 derivation, RFC 7292 appendix B.3.
const (
	purposeKey = 1
	purposeIV  = 2
	purposeMAC = 3
)

// spellings returns the ways in which writers turn a UTF-8 password into the BMPString that the key derivation of
// PKCS12 takes, likeliest first; there is always one. An empty password is 00 00 (OpenSSL, Java) or no bytes
// at all. One that is not ASCII is UTF-16 with surrogates, or its bytes widened one by one, as OpenSSL wrote it
// before 1.1.0; bytes that are not UTF-8 have only that second spelling.
func spellings(pw keystore.Secret) [][]byte {
	if len(pw) == 0 {
		return [][]byte{{0, 0}, {}}
	}
	var spellings [][]byte
	if utf8.Valid(pw) {
		var wide []byte
		for _, unit := range utf16.Encode([]rune(string(pw))) {
			wide = append(wide, byte(unit>>8), byte(unit))
		}
		spellings = append(spellings, append(wide, 0, 0))
	}
	widened := make([]byte, 0, 2*len(pw)+2)
	for _, b := range pw {
		widened = append(widened, 0, b)
	}
	widened = append(widened, 0, 0)
	if len(spellings) == 0 || !bytes.Equal(spellings[0], widened) {
		spellings = append(spellings, widened)
	}
	return spellings
}

// latin1 returns a UTF-8 password as ISO 8859-1 has it, or nil where that is the same, or has no such characters.
func latin1(pw keystore.Secret) []byte {
	if !utf8.Valid(pw) {
		return nil
	}
	var out []byte
	for _, r := range string(pw) {
		if r > 0xff {
			return nil
		}
		out = append(out, byte(r))
	}
	if len(out) == len(pw) {
		return nil
	}
	return out
}

// derivePKCS12 is the key derivation of RFC 7292 appendix B.2: n bytes for a purpose from a password as [spellings]
// gives it. The caller bounds iterations, at least 1, and charges a [Budget] with [costPKCS12].
func derivePKCS12(newHash func() hash.Hash, purpose byte, password, salt []byte, iterations, n int) []byte {
	h := newHash()
	u, v := h.Size(), h.BlockSize()
	diversifier := bytes.Repeat([]byte{purpose}, v)
	input := append(fill(salt, v), fill(password, v)...)
	out := make([]byte, 0, n+u)
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		start := len(out)
		out = h.Sum(out)
		a := out[start:]
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			h.Sum(a[:0])
		}
		if len(out) >= n {
			return out[:n]
		}
		addBlock(input, fill(a, v)[:v])
	}
}

// costPKCS12 is what deriving n bytes with a hash of that many bytes costs a [Budget].
func costPKCS12(iterations, n, hashSize int) int64 {
	return int64(iterations) * int64((n+hashSize-1)/hashSize)
}

// fill repeats data to the next multiple of v bytes; nothing stays nothing.
func fill(data []byte, v int) []byte {
	size := (len(data) + v - 1) / v * v
	out := make([]byte, 0, size+len(data))
	for len(out) < size {
		out = append(out, data...)
	}
	return out[:size]
}

// addBlock adds b and one to each block of input, as numbers that wrap around.
func addBlock(input, b []byte) {
	for ; len(input) > 0; input = input[len(b):] {
		carry := 1
		for i := len(b) - 1; i >= 0; i-- {
			carry += int(input[i]) + int(b[i])
			input[i] = byte(carry)
			carry >>= 8
		}
	}
}
