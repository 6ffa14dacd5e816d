package pbe

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Opener decrypts parts of one file under one password. It derives a key once for all parts that share a salt.
// It is not safe for concurrent use.
type Opener struct {
	password keystore.Secret
	proved   bool     // a MAC fitted the password
	wide     [][]byte // the password as PKCS12 spells it, likeliest first
	budget   *Budget
	derived  map[string][]byte // by algorithm.id and spelling
}

// NewOpener returns an Opener that draws on budget. The password is UTF-8; nil means none, and then every part is
// keystore.ErrPassword (an empty one is a password like any other).
func NewOpener(pw keystore.Secret, budget *Budget) *Opener {
	o := &Opener{password: pw, budget: budget, derived: map[string][]byte{}}
	if pw.Given() {
		o.wide = spellings(pw)
	}
	return o
}

// OpenInfo decrypts an EncryptedPrivateKeyInfo; see [Decrypt].
func (o *Opener) OpenInfo(info []byte) ([]byte, keystore.Protection, error) {
	alg, ciphertext, err := SplitInfo(info)
	if err != nil {
		return nil, keystore.Protection{}, err
	}
	return o.Open(alg, ciphertext)
}

// Open decrypts a ciphertext that stands apart from its AlgorithmIdentifier; see [Decrypt].
func (o *Opener) Open(alg, ciphertext []byte) ([]byte, keystore.Protection, error) {
	a, err := parseAlgorithm(alg, o.budget.limits)
	p := a.protection()
	if err != nil {
		return nil, p, err
	}
	if len(ciphertext) == 0 || len(ciphertext)%a.cipher.block != 0 {
		return nil, p, fmt.Errorf("decrypting %s: %d bytes are no whole blocks: %w", p.Algorithm, len(ciphertext), keystore.ErrFormat)
	}
	if !o.password.Given() {
		return nil, p, fmt.Errorf("decrypting %s: no password given: %w", p.Algorithm, keystore.ErrPassword)
	}
	candidates := o.wide
	if !a.wide {
		candidates = o.narrow()
	}
	var plain []byte
	for _, spelling := range candidates {
		plain, err = o.try(a, spelling, ciphertext)
		if !errors.Is(err, keystore.ErrPassword) {
			break
		}
	}
	return plain, p, err
}

// narrow returns the spellings of the password where it goes in as bytes: as it was given, and once a MAC has proved it in
// the ways of programs that did otherwise.
func (o *Opener) narrow() [][]byte {
	list := [][]byte{o.password}
	if o.proved {
		if latin := latin1(o.password); latin != nil {
			list = append(list, latin) // OpenSSL on a terminal that was not UTF-8
		}
		list = append(list, o.wide...) // NSS before 2017 put PKCS12's spelling into PBES2
	}
	return list
}

// try decrypts under one spelling of the password.
func (o *Opener) try(a algorithm, spelling, ciphertext []byte) ([]byte, error) {
	secret, err := o.secret(a.id+string(spelling), a.cost, func() ([]byte, error) { return a.derive(spelling) })
	if err != nil {
		return nil, fmt.Errorf("deriving a key for %s: %w", a.name, err)
	}
	plain := make([]byte, len(ciphertext))
	if err := a.cipher.decrypt(a.cipher.keyOf(secret), a.ivOf(secret), plain, ciphertext); err != nil {
		return nil, fmt.Errorf("decrypting %s: %w: %w", a.name, err, keystore.ErrFormat)
	}
	return Judge(plain, a.cipher.block, a.name)
}

// secret returns what derive gives, from memory where it was asked for before; id tells it from everything else.
func (o *Opener) secret(id string, cost int64, derive func() ([]byte, error)) ([]byte, error) {
	if known, ok := o.derived[id]; ok {
		return known, nil
	}
	if err := o.budget.Spend(cost); err != nil {
		return nil, err
	}
	secret, err := derive()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, keystore.ErrFormat)
	}
	o.derived[id] = secret
	return secret, nil
}

// Judge takes the padding off what a cipher of that block size gave (1: a stream, which has none) and decides, by it and
// by the SEQUENCE that every plaintext is, between success, a wrong password and damage. Right padding before a SEQUENCE
// of some fitting length comes about once in a hundred thousand wrong passwords, which is too often; a SEQUENCE of just
// the right length, or one that begins as it should, once in millions at most. With a sound beginning the password is
// right whatever the padding says.
//
// Errors: keystore.ErrPassword or ErrFormat, with the name of the algorithm.
func Judge(plain []byte, block int, name string) ([]byte, error) {
	unpadded, padded := unpad(plain, block)
	header, length := sequence(plain)
	switch {
	case padded && header > 0 && (length == len(unpadded) || length < len(unpadded) && soundBeginning(unpadded[header:]) || bytes.Equal(unpadded, emptyBER)):
		return unpadded, nil
	case !padded && header > 0 && length < len(plain) && length >= len(plain)-block && soundBeginning(plain[header:]):
		return nil, fmt.Errorf("decrypting %s: wrong padding after sound data: %w", name, keystore.ErrFormat)
	default:
		return nil, fmt.Errorf("decrypting %s: %w", name, keystore.ErrPassword)
	}
}

// emptyBER is a SEQUENCE of nothing in BER, which a safe without bags may be.
var emptyBER = []byte{0x30, 0x80, 0, 0}

// soundBeginning reports whether the content of a SEQUENCE begins as a PrivateKeyInfo does, with version 0 or 1, or as
// SafeContents do, with another SEQUENCE.
func soundBeginning(content []byte) bool {
	return len(content) > 2 && (content[0] == 0x30 || content[0] == 2 && content[1] == 1 && content[2] <= 1)
}

// unpad removes the padding of RFC 8018 section 6.1.1; stream ciphers (block 1) have none.
func unpad(plain []byte, block int) ([]byte, bool) {
	if block == 1 {
		return plain, true
	}
	n := int(plain[len(plain)-1])
	if n < 1 || n > block {
		return nil, false
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return plain[:len(plain)-n], true
}

// sequence returns the length of the header and of the whole of the SEQUENCE that data begins with, or zeros. An
// indefinite length (BER) counts as the shortest there is, since only its reader can tell.
func sequence(data []byte) (header, whole int) {
	if len(data) < 2 || data[0] != 0x30 {
		return 0, 0
	}
	if data[1] <= 0x80 {
		return 2, 2 + int(data[1]&0x7f)
	}
	n := int(data[1] & 0x7f)
	if n > 8 || len(data) < 2+n {
		return 0, 0
	}
	length := uint64(0)
	for _, b := range data[2 : 2+n] {
		length = length<<8 | uint64(b)
	}
	if length > uint64(len(data)) {
		return 0, 0 // longer than all there is, with any password
	}
	return 2 + n, 2 + n + int(length)
}
