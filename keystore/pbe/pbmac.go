package pbe

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// OIDPBMAC1 is the OID of PBMAC1, RFC 8018 section 7.1.
const OIDPBMAC1 = "1.2.840.113549.1.5.14"

// minMACKey is the shortest key in bytes that RFC 9579 section 9 lets a reader accept: a shorter one would let a
// forger find it without the password.
const minMACKey = 20

// CheckPBMAC1 reports whether mac is right for data: nil, or keystore.ErrPassword when it is not (a MAC cannot tell a
// wrong password from damage). alg is the AlgorithmIdentifier of PBMAC1 (DER). It fails like [Decrypt] otherwise, and
// fills in the protection likewise; a nil password is ErrPassword.
func CheckPBMAC1(alg, data, mac []byte, pw keystore.Secret, budget *Budget) (keystore.Protection, error) {
	k, hash, err := parsePBMAC1(alg, budget.limits)
	p := keystore.Protection{Part: "mac", OID: OIDPBMAC1, Iterations: k.iterations, Algorithm: "PBMAC1"}
	if err != nil {
		return p, err
	}
	p.Algorithm = fmt.Sprintf("PBMAC1 %s HMAC-%s", k.name, hash.Name)
	if len(mac) != hash.Size {
		return p, fmt.Errorf("checking the MAC: %d bytes, not %d: %w", len(mac), hash.Size, keystore.ErrFormat)
	}
	if !pw.Given() {
		return p, fmt.Errorf("checking the MAC: no password given: %w", keystore.ErrPassword)
	}
	if err := budget.Spend(k.costOf(k.keyLen)); err != nil {
		return p, err
	}
	key, err := k.derive(pw, k.keyLen)
	if err != nil {
		return p, fmt.Errorf("deriving the MAC key: %w: %w", err, keystore.ErrFormat)
	}
	h := hmac.New(hash.New, key)
	h.Write(data)
	if !hmac.Equal(h.Sum(nil), mac) {
		return p, fmt.Errorf("checking the MAC: %w", keystore.ErrPassword)
	}
	return p, nil
}

// parsePBMAC1 reads PBMAC1-params: a key derivation with a stated key length, and an HMAC.
func parsePBMAC1(alg []byte, lim keystore.Limits) (kdf, Hash, error) {
	malformed := fmt.Errorf("reading the parameters of PBMAC1: %w", keystore.ErrFormat)
	in := cryptobyte.String(alg)
	oid, params, ok := readAlgorithm(&in)
	var body cryptobyte.String
	if !ok || oid != OIDPBMAC1 || !in.Empty() || !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() {
		return kdf{}, Hash{}, malformed
	}
	k, err := parseKDF(&body, lim)
	if err != nil {
		return k, Hash{}, err
	}
	hash, err := readHMAC(&body)
	if err != nil {
		return k, Hash{}, err
	}
	if !body.Empty() {
		return k, Hash{}, malformed
	}
	if k.keyLen < minMACKey {
		return k, Hash{}, fmt.Errorf("reading the parameters of PBMAC1: key of %d bytes, at least %d: %w", k.keyLen, minMACKey, keystore.ErrFormat)
	}
	return k, hash, nil
}

// MakePBMAC1 returns the PBMAC1 of data with PBKDF2-HMAC-SHA256 and HMAC-SHA256, and its AlgorithmIdentifier (DER).
// Iterations are 1 to keystore.DefaultLimits.Iterations; the salt is read from random.
func MakePBMAC1(data []byte, pw keystore.Secret, iterations int, random io.Reader) (alg, mac []byte, err error) {
	if err := checkIterations(int64(iterations), keystore.DefaultLimits); err != nil {
		return nil, nil, err
	}
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, nil, fmt.Errorf("reading random bytes: %w", err)
	}
	key, err := pbkdf2.Key(hashSHA256.New, string(pw), salt, iterations, hashSHA256.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving the MAC key: %w", err)
	}
	var b cryptobyte.Builder
	addAlgorithm(&b, OIDPBMAC1, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addPBKDF2(b, salt, iterations, hashSHA256.Size)
			addAlgorithm(b, oidHMACSHA256, addNull)
		})
	})
	if alg, err = b.Bytes(); err != nil {
		return nil, nil, err
	}
	h := hmac.New(hashSHA256.New, key)
	h.Write(data)
	return alg, h.Sum(nil), nil
}
