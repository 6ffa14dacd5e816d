package jksfile

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// digestSalt stands between password and content in the checksum of the file; the JDK has it as a joke of its authors.
const digestSalt = "Mighty Aphrodite"

// utf16Password returns the password as Java's char[] has it, big-endian and without a terminator. It fails when the
// bytes are not UTF-8: no Java program could be given such a password.
func utf16Password(password keystore.Secret) (keystore.Secret, error) {
	if !utf8.Valid(password) {
		return nil, fmt.Errorf("the password is not UTF-8 text: %w", keystore.ErrPassword)
	}
	units := utf16.Encode([]rune(string(password)))
	out := make(keystore.Secret, 0, 2*len(units))
	for _, u := range units {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out, nil
}

// newDigest returns the hash whose sum ends a file, ready for the file's own bytes.
func newDigest(password16 keystore.Secret) hash.Hash {
	h := sha1.New()
	h.Write(password16)
	h.Write([]byte(digestSalt))
	return h
}

// checkDigest compares the checksum at the end of a file with the one that password gives. It alone cannot tell a wrong
// password from a damaged file, and says so; see judge.
func checkDigest(body, sum []byte, password keystore.Secret) error {
	password16, err := utf16Password(password)
	if err != nil {
		return err
	}
	h := newDigest(password16)
	h.Write(body)
	if subtle.ConstantTimeCompare(h.Sum(nil), sum) != 1 {
		return fmt.Errorf("checking the store's checksum: %w, or the file was changed", keystore.ErrPassword)
	}
	return nil
}
