package pbe

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

const oidSHA1TripleDES = "1.2.840.113549.1.12.1.3"

// oldKind is an encryption whose parameters are a salt and an iteration count, key and IV both being derived.
type oldKind struct {
	name   string
	cipher bulk
	hash   hashFunc // of PBKDF1; the PKCS12 kinds all use SHA-1
	pkcs12 bool
}

// oldKinds are those of RFC 7292 appendix C and of RFC 8018 appendix A.3, under OpenSSL's names.
var oldKinds = map[string]oldKind{
	"1.2.840.113549.1.12.1.1": {"PBE-SHA1-RC4-128", rc4Long, hashSHA1, true},
	"1.2.840.113549.1.12.1.2": {"PBE-SHA1-RC4-40", rc4Short, hashSHA1, true},
	oidSHA1TripleDES:          {"PBE-SHA1-3DES", tripleDES, hashSHA1, true},
	"1.2.840.113549.1.12.1.4": {"PBE-SHA1-2DES", doubleDES, hashSHA1, true},
	"1.2.840.113549.1.12.1.5": {"PBE-SHA1-RC2-128", rc2Bulk(16, 128), hashSHA1, true},
	"1.2.840.113549.1.12.1.6": {"PBE-SHA1-RC2-40", rc2Bulk(5, 40), hashSHA1, true},
	"1.2.840.113549.1.5.3":    {"PBE-MD5-DES", desCBC, hashMD5, false},
	"1.2.840.113549.1.5.6":    {"PBE-MD5-RC2-64", rc2Bulk(8, 64), hashMD5, false},
	"1.2.840.113549.1.5.10":   {"PBE-SHA1-DES", desCBC, hashSHA1, false},
	"1.2.840.113549.1.5.11":   {"PBE-SHA1-RC2-64", rc2Bulk(8, 64), hashSHA1, false},
}

// parsePBES1 reads the parameters of one of oldKinds.
func parsePBES1(oid string, kind oldKind, params cryptobyte.String, lim keystore.Limits) (algorithm, error) {
	a := algorithm{name: kind.name, oid: oid, wide: kind.pkcs12, cipher: kind.cipher, id: oid + string(params)}
	var body, salt cryptobyte.String
	var iterations int64
	if !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() ||
		!body.ReadASN1(&salt, cbasn1.OCTET_STRING) || !ReadCount(&body, &iterations) || !body.Empty() {
		return a, fmt.Errorf("reading the parameters of %s: %w", kind.name, keystore.ErrFormat)
	}
	if err := checkSalt(salt); err != nil {
		return a, err
	}
	if err := checkIterations(iterations, lim); err != nil {
		return a, err
	}
	a.iterations = int(iterations)
	if !kind.pkcs12 {
		a.cost = iterations
		a.derive = func(pw []byte) ([]byte, error) { return pbkdf1(kind.hash, pw, salt, a.iterations), nil }
		return a, nil
	}
	keyLen, ivLen := kind.cipher.keyLen, kind.cipher.ivLen()
	a.cost = costPKCS12(a.iterations, keyLen, kind.hash.Size) + costPKCS12(a.iterations, ivLen, kind.hash.Size)
	a.derive = func(pw []byte) ([]byte, error) {
		secret := derivePKCS12(kind.hash.New, purposeKey, pw, salt, a.iterations, keyLen)
		if ivLen == 0 {
			return secret, nil
		}
		return append(secret, derivePKCS12(kind.hash.New, purposeIV, pw, salt, a.iterations, ivLen)...), nil
	}
	return a, nil
}

// ivLen is how many bytes of IV the cipher takes.
func (b bulk) ivLen() int {
	if b.new == nil {
		return 0
	}
	return b.block
}

// pbkdf1 is RFC 8018 section 5.1; the result holds key and IV, 8 bytes each.
func pbkdf1(hash hashFunc, pw, salt []byte, iterations int) []byte {
	h := hash.New()
	h.Write(pw)
	h.Write(salt)
	t := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(t)
		t = h.Sum(t[:0])
	}
	return t[:16]
}

// ReadCount reads an INTEGER that should be a small count. One too large for 64 bits is read as the largest, so that
// it fails as too large and not as malformed.
func ReadCount(in *cryptobyte.String, out *int64) bool {
	var der cryptobyte.String
	peek := *in
	if !peek.ReadASN1(&der, cbasn1.INTEGER) || len(der) == 0 {
		return false
	}
	if len(der) > 8 && der[0] < 0x80 {
		*in, *out = peek, int64(^uint64(0)>>1)
		return true
	}
	return in.ReadASN1Integer(out)
}
