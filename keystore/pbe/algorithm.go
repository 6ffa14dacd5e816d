package pbe

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"github.com/mqttpki/mqttpki/keystore"
)

// rareIterations is where RFC 8018 section 4.2 sets the minimum.
const rareIterations = 1000

// algorithm is an AlgorithmIdentifier read, checked, and turned into the way from a password to a cipher.
type algorithm struct {
	name       string // "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"
	oid        string // the outermost one
	iterations int
	cost       int64  // of one derivation, for the budget
	wide       bool   // the password goes in as PKCS12 spells it, not as its bytes
	id         string // equal ids and spellings give equal secrets
	derive     func(password []byte) (secret []byte, err error)
	cipher     bulk
	iv         []byte // nil where it is derived with the key
}

// ivOf returns the IV: the one in the parameters, or what the derivation gave beyond the key.
func (a *algorithm) ivOf(secret []byte) []byte {
	if a.iv != nil {
		return a.iv
	}
	return secret[a.cipher.keyLen:]
}

// protection describes the algorithm; the zero algorithm gives an empty description.
func (a *algorithm) protection() keystore.Protection {
	p := keystore.Protection{Algorithm: a.name, OID: a.oid, Iterations: a.iterations, Weak: a.cipher.weak}
	if p.Weak == "" && a.iterations > 0 {
		p.Weak = weakCount(a.iterations)
	}
	return p
}

// weakCount says why an iteration count is weak, if it is.
func weakCount(iterations int) string {
	if iterations >= rareIterations {
		return ""
	}
	return fmt.Sprintf("only %d iterations: passwords can be guessed fast", iterations)
}

// parseAlgorithm reads an AlgorithmIdentifier and checks every bound. With an error the algorithm has at least the
// OID where that could be read.
func parseAlgorithm(der []byte, lim keystore.Limits) (algorithm, error) {
	in := cryptobyte.String(der)
	oid, params, ok := readAlgorithm(&in)
	if !ok || !in.Empty() {
		return algorithm{}, fmt.Errorf("reading an encryption algorithm: %w", keystore.ErrFormat)
	}
	if oid == oidPBES2 {
		return parsePBES2(params, lim)
	}
	if kind, ok := oldKinds[oid]; ok {
		return parsePBES1(oid, kind, params, lim)
	}
	return algorithm{oid: oid, name: strangers[oid]}, unsupported("encryption", oid)
}
