package pbe

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// Iteration counts for writing.
const (
	// KeyIterations is for keys at rest under a password that a person chose: what OWASP's Password Storage Cheat
	// Sheet (2023) asks of PBKDF2-HMAC-SHA256. It costs some 80 ms.
	KeyIterations = 600_000
	// StoreIterations is for stores that a service opens at each start: what Java has written since JDK 16 and every
	// reader takes. Store passwords are random by default, and against those more iterations
	// protect nothing; who picks a weak one asks for more.
	StoreIterations = 10_000
)

// Scheme is a way of encrypting that this package writes.
type Scheme string

// The schemes.
const (
	AES256    Scheme = "aes256" // PBES2, PBKDF2-HMAC-SHA256, AES-256-CBC; also the meaning of ""
	TripleDES Scheme = "3des"   // PBE-SHA1-3DES of PKCS12, for readers older than 2018
)

// Params says how to encrypt. The zero value is PBES2 with [KeyIterations].
type Params struct {
	Scheme     Scheme
	Iterations int // 1 to keystore.DefaultLimits.Iterations; 0: KeyIterations
}

// Sealer encrypts parts of one file under one password. It is not safe for concurrent use.
//
// Under AES256 all parts share one salt and so one derivation, each with an IV of its own. Under TripleDES the IV
// comes from the salt, so each part has its own.
type Sealer struct {
	params   Params
	password keystore.Secret
	random   io.Reader
	salt     []byte            // AES256
	derived  map[string][]byte // as in Opener
}

// Salt lengths in bytes: 128 bits (NIST SP 800-132), and the 8 that all old readers expect.
const (
	saltLen    = 16
	oldSaltLen = 8
)

// NewSealer returns a Sealer for a password that must be given, be it empty. Salts and IVs are read from random.
func NewSealer(pw keystore.Secret, params Params, random io.Reader) (*Sealer, error) {
	if !pw.Given() {
		return nil, errors.New("encrypting: no password given")
	}
	if params.Iterations == 0 {
		params.Iterations = KeyIterations
	}
	if err := checkIterations(int64(params.Iterations), keystore.DefaultLimits); err != nil {
		return nil, err
	}
	s := &Sealer{params: params, password: pw, random: random, derived: map[string][]byte{}}
	switch params.Scheme {
	case TripleDES:
		return s, nil
	case AES256, "":
		var err error
		s.salt, err = s.read(saltLen)
		return s, err
	}
	return nil, fmt.Errorf("encrypting: scheme %q: %w", params.Scheme, keystore.ErrUnsupported)
}

// Seal encrypts one part and returns its AlgorithmIdentifier (DER) and ciphertext.
func (s *Sealer) Seal(plain []byte) (alg, ciphertext []byte, err error) {
	if alg, err = s.algorithm(); err != nil {
		return nil, nil, err
	}
	a, err := parseAlgorithm(alg, keystore.DefaultLimits)
	if err != nil {
		return nil, nil, err
	}
	spelling := []byte(s.password)
	if a.wide {
		spelling = spellings(s.password)[0]
	}
	id := a.id + string(spelling)
	if s.derived[id] == nil {
		if s.derived[id], err = a.derive(spelling); err != nil {
			return nil, nil, fmt.Errorf("deriving a key: %w", err)
		}
	}
	secret := s.derived[id]
	if ciphertext, err = a.cipher.encrypt(a.cipher.keyOf(secret), a.ivOf(secret), plain); err != nil {
		return nil, nil, fmt.Errorf("encrypting: %w", err)
	}
	return alg, ciphertext, nil
}

// algorithm returns the AlgorithmIdentifier for the next part.
func (s *Sealer) algorithm() ([]byte, error) {
	if s.params.Scheme == TripleDES {
		return s.pbes1()
	}
	return s.pbes2()
}

// pbes2 returns the AlgorithmIdentifier of AES256 with a new IV.
func (s *Sealer) pbes2() ([]byte, error) {
	iv, err := s.read(aes256.block)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	addAlgorithm(&b, oidPBES2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addPBKDF2(b, s.salt, s.params.Iterations, 0)
			addAlgorithm(b, oidAES256, func(b *cryptobyte.Builder) { b.AddASN1OctetString(iv) })
		})
	})
	return b.Bytes()
}

// pbes1 returns the AlgorithmIdentifier of TripleDES with a new salt.
func (s *Sealer) pbes1() ([]byte, error) {
	salt, err := s.read(oldSaltLen)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	addAlgorithm(&b, oidSHA1TripleDES, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(salt)
			b.AddASN1Int64(int64(s.params.Iterations))
		})
	})
	return b.Bytes()
}

// addPBKDF2 writes PBKDF2 with HMAC-SHA256; keyLen is left out when 0.
func addPBKDF2(b *cryptobyte.Builder, salt []byte, iterations, keyLen int) {
	addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(salt)
			b.AddASN1Int64(int64(iterations))
			if keyLen > 0 {
				b.AddASN1Int64(int64(keyLen))
			}
			addAlgorithm(b, oidHMACSHA256, addNull)
		})
	})
}

// SealInfo encrypts a PrivateKeyInfo into an EncryptedPrivateKeyInfo (DER).
func (s *Sealer) SealInfo(plain []byte) ([]byte, error) {
	alg, ciphertext, err := s.Seal(plain)
	if err != nil {
		return nil, err
	}
	return joinInfo(alg, ciphertext)
}

// read takes n bytes from the given source of randomness.
func (s *Sealer) read(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	return b, nil
}
