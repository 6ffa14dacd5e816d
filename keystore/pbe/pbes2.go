package pbe

import (
	"cmp"
	"crypto/pbkdf2"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"

	"github.com/mqttpki/mqttpki/keystore"
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
	oidScrypt = "1.3.6.1.4.1.11591.4.11"
	oidAES256 = "2.16.840.1.101.3.4.1.42"
	oidRC2    = "1.2.840.113549.3.2"
)

// ciphers are the encryption schemes of PBES2 whose parameters are the IV alone.
var ciphers = map[string]bulk{
	"2.16.840.1.101.3.4.1.2":  aes128,
	"2.16.840.1.101.3.4.1.22": aes192,
	oidAES256:                 aes256,
	"1.2.840.113549.3.7":      tripleDES,
	"1.3.14.3.2.7":            desCBC,
}

// kdf is a key derivation with its parameters, read and checked.
type kdf struct {
	name       string
	id         string
	iterations int   // scrypt: N
	keyLen     int   // as the parameters fix it; 0: the cipher's
	cost       int64 // of each block of output
	block      int   // bytes of output that cost gives
	derive     func(password []byte, n int) ([]byte, error)
}

// parsePBES2 reads PBES2-params, RFC 8018 appendix A.4.
func parsePBES2(params cryptobyte.String, lim keystore.Limits) (algorithm, error) {
	a := algorithm{name: "PBES2", oid: oidPBES2}
	var body cryptobyte.String
	if !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() {
		return a, fmt.Errorf("reading the parameters of PBES2: %w", keystore.ErrFormat)
	}
	k, err := parseKDF(&body, lim)
	a.iterations = k.iterations
	if err != nil {
		return a, err
	}
	a.name += " " + k.name
	if a.cipher, a.iv, err = parseCipher(&body, k.keyLen); a.cipher.name != "" {
		a.name += " " + a.cipher.name
	}
	if err != nil {
		return a, err
	}
	if !body.Empty() || k.keyLen != 0 && k.keyLen != a.cipher.keyLen {
		return a, fmt.Errorf("reading the parameters of %s: %w", a.name, keystore.ErrFormat)
	}
	n := a.cipher.keyLen
	a.id = k.secretID(n)
	a.cost = k.costOf(n)
	a.derive = func(pw []byte) ([]byte, error) { return k.derive(pw, n) }
	return a, nil
}

// secretID tells the n bytes derived with these parameters from all others.
func (k kdf) secretID(n int) string { return fmt.Sprintf("%d %s", n, k.id) }

// costOf is what deriving n bytes costs a budget.
func (k kdf) costOf(n int) int64 { return k.cost * int64((n+k.block-1)/k.block) }

// parseKDF reads the AlgorithmIdentifier of a key derivation.
func parseKDF(in *cryptobyte.String, lim keystore.Limits) (kdf, error) {
	whole := *in
	oid, params, ok := readAlgorithm(in)
	if !ok {
		return kdf{}, fmt.Errorf("reading a key derivation: %w", keystore.ErrFormat)
	}
	var k kdf
	var err error
	switch oid {
	case oidPBKDF2:
		k, err = parsePBKDF2(params, lim)
	case oidScrypt:
		k, err = parseScrypt(params, lim)
	default:
		err = unsupported("key derivation", oid)
	}
	k.id = string(whole[:len(whole)-len(*in)])
	return k, err
}

// parsePBKDF2 reads PBKDF2-params, RFC 8018 appendix A.2. The salt's other choice, an algorithm, was never used.
func parsePBKDF2(params cryptobyte.String, lim keystore.Limits) (kdf, error) {
	malformed := fmt.Errorf("reading the parameters of PBKDF2: %w", keystore.ErrFormat)
	var body, salt cryptobyte.String
	var iterations, keyLen int64
	if !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() ||
		!body.ReadASN1(&salt, cbasn1.OCTET_STRING) || !ReadCount(&body, &iterations) {
		return kdf{}, malformed
	}
	if body.PeekASN1Tag(cbasn1.INTEGER) && (!ReadCount(&body, &keyLen) || keyLen < 1) {
		return kdf{}, malformed
	}
	hash := hashSHA1
	if !body.Empty() {
		var err error
		if hash, err = readHMAC(&body); err != nil {
			return kdf{}, err
		}
	}
	if !body.Empty() {
		return kdf{}, malformed
	}
	if err := checkParameters(salt, iterations, keyLen, lim); err != nil {
		return kdf{}, err
	}
	return kdf{
		name:       "PBKDF2-HMAC-" + hash.Name,
		iterations: int(iterations),
		keyLen:     int(keyLen),
		cost:       iterations,
		block:      hash.Size,
		derive: func(pw []byte, n int) ([]byte, error) {
			return pbkdf2.Key(hash.New, string(pw), salt, int(iterations), n)
		},
	}, nil
}

// maxKey bounds a stated key length in bytes: the longest HMAC key that RFC 9579 section 9 allows.
const maxKey = 64

// checkParameters bounds what PBKDF2 is asked for.
func checkParameters(salt []byte, iterations, keyLen int64, lim keystore.Limits) error {
	if err := checkSalt(salt); err != nil {
		return err
	}
	if keyLen > maxKey {
		return fmt.Errorf("deriving a key of %d bytes, at most %d: %w", keyLen, maxKey, keystore.ErrTooLarge)
	}
	return checkIterations(iterations, lim)
}

// scryptRounds is what one block of scrypt's work costs in rounds of PBKDF2: both passes over its memory.
const scryptRounds = 4

// parseScrypt reads scrypt-params, RFC 7914 section 7.1.
func parseScrypt(params cryptobyte.String, lim keystore.Limits) (kdf, error) {
	malformed := fmt.Errorf("reading the parameters of scrypt: %w", keystore.ErrFormat)
	var body, salt cryptobyte.String
	var n, r, p, keyLen int64
	if !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() || !body.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!ReadCount(&body, &n) || !ReadCount(&body, &r) || !ReadCount(&body, &p) {
		return kdf{}, malformed
	}
	if !body.Empty() && (!ReadCount(&body, &keyLen) || keyLen < 1 || !body.Empty()) {
		return kdf{}, malformed
	}
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 {
		return kdf{}, malformed
	}
	if keyLen > maxKey {
		return kdf{}, fmt.Errorf("deriving a key of %d bytes: %w", keyLen, keystore.ErrTooLarge)
	}
	if err := checkSalt(salt); err != nil {
		return kdf{}, err
	}
	blocks := lim.ScryptMem / 128 // that fit the memory allowed: N*r of them, and p*r before and after
	if n > blocks || r > blocks/n || p > blocks/r || p > int64(lim.Iterations)/scryptRounds/(n*r) {
		return kdf{}, fmt.Errorf("deriving a key: scrypt N=%d r=%d p=%d needs too much memory or work: %w", n, r, p, keystore.ErrTooLarge)
	}
	return kdf{
		name:       "scrypt",
		iterations: int(n),
		keyLen:     int(keyLen),
		cost:       scryptRounds * n * r * p,
		block:      maxKey, // a longer key costs nothing more
		derive: func(pw []byte, size int) ([]byte, error) {
			return scrypt.Key(pw, salt, int(n), int(r), int(p), size)
		},
	}, nil
}

// parseCipher reads the encryption scheme of PBES2 and its IV. RC2 takes its key length from the key derivation.
func parseCipher(in *cryptobyte.String, keyLen int) (bulk, []byte, error) {
	oid, params, ok := readAlgorithm(in)
	if !ok {
		return bulk{}, nil, fmt.Errorf("reading a cipher: %w", keystore.ErrFormat)
	}
	var c bulk
	if oid == oidRC2 {
		var body cryptobyte.String
		var version int64
		if !params.ReadASN1(&body, cbasn1.SEQUENCE) || !params.Empty() || !body.ReadASN1Integer(&version) {
			return bulk{}, nil, fmt.Errorf("reading the parameters of RC2: %w", keystore.ErrFormat)
		}
		bits, ok := rc2Bits(version)
		if !ok {
			return bulk{}, nil, fmt.Errorf("reading the parameters of RC2: version %d: %w", version, keystore.ErrUnsupported)
		}
		if keyLen == 0 {
			keyLen = bits / 8
		}
		c, params = rc2Bulk(keyLen, bits), body
	} else if c, ok = ciphers[oid]; !ok {
		return bulk{name: cmp.Or(strangers[oid], oid)}, nil, unsupported("cipher", oid)
	}
	var iv cryptobyte.String
	if !params.ReadASN1(&iv, cbasn1.OCTET_STRING) || !params.Empty() || len(iv) != c.block {
		return bulk{}, nil, fmt.Errorf("reading the IV of %s: %w", c.name, keystore.ErrFormat)
	}
	return c, iv, nil
}
