package pbe

import (
	"crypto/hmac"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// oidPBMAC1 is the OID of PBMAC1, RFC 8018 section 7.1.
const oidPBMAC1 = "1.2.840.113549.1.5.14"

// minMACKey is the shortest key in bytes that RFC 9579 section 9 lets a reader accept: a shorter one would let a
// forger find it without the password.
const minMACKey = 20

// checkPBMAC1 reports whether mac is right for data: nil, or keystore.ErrPassword when it is not (a MAC cannot tell a
// wrong password from damage). alg is the AlgorithmIdentifier of PBMAC1 (DER). It fails like [Decrypt] otherwise, and
// fills in the protection likewise; a nil password is ErrPassword.
func (o *Opener) checkPBMAC1(alg, data, mac []byte) (keystore.Protection, error) {
	k, hash, err := parsePBMAC1(alg, o.budget.limits)
	p := keystore.Protection{Part: "mac", OID: oidPBMAC1, Iterations: k.iterations, Algorithm: "PBMAC1", Weak: weakCount(k.iterations)}
	if err != nil {
		return p, err
	}
	p.Algorithm = fmt.Sprintf("PBMAC1 %s HMAC-%s", k.name, hash.Name)
	if len(mac) != hash.Size {
		return p, fmt.Errorf("checking the MAC: %d bytes, not %d: %w", len(mac), hash.Size, keystore.ErrFormat)
	}
	if !o.password.Given() {
		return p, fmt.Errorf("checking the MAC: no password given: %w", keystore.ErrPassword)
	}
	key, err := o.secret(k.secretID(k.keyLen)+string(o.password), k.costOf(k.keyLen), func() ([]byte, error) {
		return k.derive(o.password, k.keyLen)
	})
	if err != nil {
		return p, fmt.Errorf("deriving the MAC key: %w", err)
	}
	if !hmac.Equal(authenticate(hash, key, data), mac) {
		return p, fmt.Errorf("checking the MAC: %w, or the file was changed", keystore.ErrPassword)
	}
	return p, nil
}

// parsePBMAC1 reads PBMAC1-params: a key derivation with a stated key length, and an HMAC.
func parsePBMAC1(alg []byte, lim keystore.Limits) (kdf, hashFunc, error) {
	malformed := fmt.Errorf("reading the parameters of PBMAC1: %w", keystore.ErrFormat)
	in := cryptobyte.String(alg)
	oid, params, ok := readAlgorithm(&in)
	var body cryptobyte.String
	if !ok || oid != oidPBMAC1 || !in.Empty() || !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() {
		return kdf{}, hashFunc{}, malformed
	}
	k, err := parseKDF(&body, lim)
	if err != nil {
		return k, hashFunc{}, err
	}
	hash, err := readHMAC(&body)
	if err != nil {
		return k, hashFunc{}, err
	}
	if !body.Empty() {
		return k, hashFunc{}, malformed
	}
	if k.keyLen == 0 {
		return k, hashFunc{}, fmt.Errorf("reading the parameters of PBMAC1: no key length, which RFC 9579 demands: %w", keystore.ErrFormat)
	}
	if k.keyLen < minMACKey {
		return k, hashFunc{}, fmt.Errorf("reading the parameters of PBMAC1: key of %d bytes, at least %d: %w", k.keyLen, minMACKey, keystore.ErrFormat)
	}
	return k, hash, nil
}

// PBMAC1 returns the PBMAC1 of data with PBKDF2-HMAC-SHA256 and HMAC-SHA256, and its AlgorithmIdentifier (DER).
func (s *Sealer) PBMAC1(data []byte) (alg, mac []byte, err error) {
	salt, err := s.read(saltLen)
	if err != nil {
		return nil, nil, err
	}
	var b cryptobyte.Builder
	addAlgorithm(&b, oidPBMAC1, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addPBKDF2(b, salt, s.params.Iterations, hashSHA256.Size)
			addAlgorithm(b, oidHMACSHA256, addNull)
		})
	})
	if alg, err = b.Bytes(); err != nil {
		return nil, nil, err
	}
	k, hash, err := parsePBMAC1(alg, keystore.DefaultLimits)
	if err != nil {
		return nil, nil, err
	}
	key, err := k.derive(s.password, k.keyLen)
	if err != nil {
		return nil, nil, fmt.Errorf("deriving the MAC key: %w", err)
	}
	s.derived[k.secretID(k.keyLen)+string(s.password)] = key
	return alg, authenticate(hash, key, data), nil
}
