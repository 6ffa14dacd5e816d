package jksfile

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"fmt"
	"io"
	"math"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// The key protectors of the JDK, by the OIDs that stand in an EncryptedPrivateKeyInfo.
const (
	oidSun   = "1.3.6.1.4.1.42.2.17.1.1" // sun.security.provider.KeyProtector
	oidJCEKS = "1.3.6.1.4.1.42.2.19.1"   // com.sun.crypto.provider.KeyProtector
)

// protectors are both as they are encoded.
var protectors = []struct {
	oid string
	der []byte
}{
	{oidSun, []byte{0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01}},
	{oidJCEKS, []byte{0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01}},
}

// What they are called, and what is wrong with them, for [keystore.Protection].
const (
	sunName   = "Sun JKS key protector (SHA-1 key stream)"
	jceksName = "JCEKS PBEWithMD5AndTripleDES"
	weakSun   = "one SHA-1 a guess: passwords can be tried by the hundred million a second"
	weakJCEKS = "MD5 and triple DES"
)

// sunSaltSize is the length of the salt before a key protected the Sun way; a SHA-1 check of the same length follows it.
const sunSaltSize = sha1.Size

// encryptedKey is a private key in its protected form, EncryptedPrivateKeyInfo of RFC 5208 section 6.
type encryptedKey struct {
	protector string // its OID, dotted
	params    []byte // DER of its parameters, with what may follow them
	data      []byte
}

// jceksParams are the parameters of the JCEKS protector.
type jceksParams struct {
	Salt       []byte
	Iterations int64 // the largest there is for what takes more than 64 bits
}

// rounds is what one derivation costs a budget: that many for each half of the salt. Beyond the limit none is made.
func (p jceksParams) rounds(limits keystore.Limits) int64 {
	return 2 * min(p.Iterations, int64(limits.Iterations))
}

// shown is the count for a report.
func (p jceksParams) shown() int { return int(min(p.Iterations, math.MaxInt)) }

// parseEncrypted reads the protected form of a key, which it keeps without copying. Bytes behind it are refused.
func parseEncrypted(der []byte) (encryptedKey, error) {
	var body, algorithm, oid, data cryptobyte.String
	in := cryptobyte.String(der)
	ok := in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() && body.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1Element(&oid, cbasn1.OBJECT_IDENTIFIER) && body.ReadASN1(&data, cbasn1.OCTET_STRING)
	e := encryptedKey{params: algorithm, data: data}
	for _, known := range protectors {
		if bytes.Equal(oid, known.der) {
			e.protector = known.oid
		}
	}
	if ok && e.protector == "" {
		var other asn1.ObjectIdentifier
		ok = oid.ReadASN1ObjectIdentifier(&other)
		e.protector = other.String()
	}
	if !ok {
		return e, malformed("reading an encrypted key: not an EncryptedPrivateKeyInfo")
	}
	if e.protector == oidSun && len(data) <= 2*sunSaltSize {
		return e, malformed("reading an encrypted key: %d bytes are too few", len(data))
	}
	return e, nil
}

// protection describes how the key is protected.
func (e *encryptedKey) protection(alias string) keystore.Protection {
	p := keystore.Protection{Part: "key", Alias: alias, OID: e.protector, Algorithm: "unknown"}
	switch e.protector {
	case oidSun:
		return sunProtection(alias)
	case oidJCEKS:
		p.Algorithm, p.Weak = jceksName, weakJCEKS
		if params, err := e.jceksParams(); err == nil {
			p.Iterations = params.shown()
		}
	}
	return p
}

// sunProtection describes a key protected the Sun way.
func sunProtection(alias string) keystore.Protection {
	return keystore.Protection{Part: "key", Alias: alias, OID: oidSun, Algorithm: sunName, Weak: weakSun}
}

// open decrypts the key. It fails with [keystore.ErrPassword] when the password is wrong, which damage to the beginning of
// the key looks like as well.
func (e *encryptedKey) open(password keystore.Secret, budget *pbe.Budget) (*keystore.PrivateKey, error) {
	switch e.protector {
	case oidSun:
		return e.openSun(password)
	case oidJCEKS:
		return e.openJCEKS(password, budget)
	}
	return nil, e.unsupported()
}

// unsupported returns the error for a protector that this package does not know, nil for the others.
func (e *encryptedKey) unsupported() error {
	if e.protector == oidSun || e.protector == oidJCEKS {
		return nil
	}
	return fmt.Errorf("decrypting a key: algorithm %s: %w", e.protector, keystore.ErrUnsupported)
}

// openSun undoes [sealSun].
func (e *encryptedKey) openSun(password keystore.Secret) (*keystore.PrivateKey, error) {
	password16, err := utf16Password(password)
	if err != nil {
		return nil, err
	}
	salt, rest := e.data[:sunSaltSize], e.data[sunSaltSize:]
	sealed, check := rest[:len(rest)-sha1.Size], rest[len(rest)-sha1.Size:]
	plain := sunKeyStream(sealed, salt, password16)
	if subtle.ConstantTimeCompare(sunCheck(plain, password16), check) != 1 {
		if _, err := pbe.Judge(plain, 1, sunName); err == nil { // under a wrong password it would be noise
			return nil, malformed("decrypting a key: the password is right, but the key was changed")
		}
		return nil, fmt.Errorf("decrypting a key: %w", keystore.ErrPassword)
	}
	return keystore.NewPrivateKey(plain)
}

// sealSun encrypts a PrivateKeyInfo as the JDK does in a JKS file, and returns an EncryptedPrivateKeyInfo.
func sealSun(pkcs8, password16 keystore.Secret, random io.Reader) ([]byte, error) {
	data := make([]byte, sunSaltSize, 2*sunSaltSize+len(pkcs8))
	if _, err := io.ReadFull(random, data); err != nil {
		return nil, fmt.Errorf("making a salt: %w", err)
	}
	data = append(data, sunKeyStream(pkcs8, data, password16)...)
	data = append(data, sunCheck(pkcs8, password16)...)
	return wrapKey(protectors[0].der, asn1.NullBytes, data)
}

// wrapKey builds an EncryptedPrivateKeyInfo of the encoded OID and parameters.
func wrapKey(oid, params, data []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(oid)
			b.AddBytes(params)
		})
		b.AddASN1OctetString(data)
	})
	return b.Bytes()
}

// sunKeyStream returns data XOR the SHA-1 chain of the salt: d1 = SHA1(password, salt), d2 = SHA1(password, d1), ...
func sunKeyStream(data, salt []byte, password16 keystore.Secret) []byte {
	out := make([]byte, len(data))
	block := salt
	for at := 0; at < len(data); at += sha1.Size {
		h := sha1.New()
		h.Write(password16)
		h.Write(block)
		block = h.Sum(nil)
		subtle.XORBytes(out[at:], data[at:], block)
	}
	return out
}

// sunCheck returns what tells a right password from a wrong one.
func sunCheck(plain []byte, password16 keystore.Secret) []byte {
	h := sha1.New()
	h.Write(password16)
	h.Write(plain)
	return h.Sum(nil)
}

// jceksParams reads the parameters of the JCEKS protector.
func (e *encryptedKey) jceksParams() (jceksParams, error) {
	p, ok := parseJCEKSParams(e.params)
	if !ok {
		return p, malformed("decrypting a key: bad parameters of %s", oidJCEKS)
	}
	return p, nil
}

// parseJCEKSParams reads the parameters of the JCEKS protector, and reports whether they are any.
func parseJCEKSParams(der []byte) (jceksParams, bool) {
	var p jceksParams
	var body, salt cryptobyte.String
	in := cryptobyte.String(der)
	ok := in.ReadASN1(&body, cbasn1.SEQUENCE) && in.Empty() && body.ReadASN1(&salt, cbasn1.OCTET_STRING) &&
		pbe.ReadCount(&body, &p.Iterations) && body.Empty()
	p.Salt = salt
	return p, ok && len(p.Salt) == 8 && p.Iterations > 0
}

// openJCEKS undoes the JDK's PBEWithMD5AndTripleDES.
func (e *encryptedKey) openJCEKS(password keystore.Secret, budget *pbe.Budget) (*keystore.PrivateKey, error) {
	p, err := e.jceksParams()
	if err != nil {
		return nil, err
	}
	plain, err := decryptJCEKS(e.data, p, password, budget)
	if err != nil {
		return nil, err
	}
	if plain, err = pbe.Judge(plain, des.BlockSize, jceksName); err != nil {
		return nil, err
	}
	return keystore.NewPrivateKey(plain)
}

// decryptJCEKS decrypts what the JDK's PBEWithMD5AndTripleDES made, and leaves the padding on it. The password is ASCII
// there; the JDK refuses any other, so another one is a wrong one.
func decryptJCEKS(data []byte, p jceksParams, password keystore.Secret, budget *pbe.Budget) ([]byte, error) {
	if p.Iterations > int64(budget.Limits().Iterations) {
		return nil, fmt.Errorf("decrypting a key: %d iterations: %w", p.Iterations, keystore.ErrTooLarge)
	}
	if err := budget.Spend(p.rounds(budget.Limits())); err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data)%des.BlockSize != 0 {
		return nil, malformed("decrypting a key: %d bytes are no whole number of blocks", len(data))
	}
	for _, c := range password {
		if c < 0x20 || c > 0x7E {
			return nil, fmt.Errorf("decrypting a key: JCEKS passwords are ASCII: %w", keystore.ErrPassword)
		}
	}
	derived := jceksKey(p, password)
	block, err := des.NewTripleDESCipher(derived[:24])
	if err != nil {
		return nil, fmt.Errorf("decrypting a key: %w", err)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, derived[24:]).CryptBlocks(plain, data)
	return plain, nil
}

// jceksKey derives 24 bytes of key and 8 of IV: each half of the salt is hashed with the password over and over.
func jceksKey(p jceksParams, password keystore.Secret) []byte {
	salt := [8]byte(p.Salt)
	if [4]byte(salt[:4]) == [4]byte(salt[4:]) {
		salt[0], salt[1], salt[2], salt[3] = salt[3], salt[2], salt[1], salt[0]
	}
	var derived []byte
	for _, half := range [][]byte{salt[:4], salt[4:]} {
		x := md5.Sum(append(half[:4:4], password...))
		input := append(x[:], password...)
		for range p.Iterations - 1 {
			x = md5.Sum(input)
			copy(input, x[:])
		}
		derived = append(derived, x[:]...)
	}
	return derived
}
