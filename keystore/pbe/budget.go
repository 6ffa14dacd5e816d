package pbe

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

const (
	// roundsPerByte is what each byte of a file may cost in rounds of key derivation beyond the fixed allowance, under each
	// password. A key with its certificate takes some 700 bytes, so 600,000 rounds for every key of a large store pass.
	roundsPerByte = 1000
	// fullDerivations is how many derivations at the limit any file may ask for: the MAC, the certificates and
	// a key, each with two blocks of output, and one retry.
	fullDerivations = 8
	// maxSalt bounds a salt in bytes. Writers use 8 to 64.
	maxSalt = 1024
)

// Budget bounds the key derivation that the parts of one file may cost together, so that a small file with many keys,
// each within the limits, cannot keep a reader busy for hours. It is not safe for concurrent use.
type Budget struct {
	limits keystore.Limits
	left   int64 // rounds
}

// NewBudget returns the budget of a file of that many bytes, and of the passwords that somebody has for it, since each key
// may have to be tried under all of them: time stays proportional to the size of what was given.
func NewBudget(lim keystore.Limits, fileBytes, passwords int) *Budget {
	lim = lim.OrDefault()
	allowance := roundsPerByte * int64(fileBytes) * int64(max(1, passwords))
	return &Budget{limits: lim, left: fullDerivations*int64(lim.Iterations) + allowance}
}

// Limits returns the limits the budget was made of, without zero fields.
func (b *Budget) Limits() keystore.Limits { return b.limits }

// Spend takes rounds from what is left, or reports keystore.ErrTooLarge. Whoever derives keys without an [Opener] calls
// it first.
func (b *Budget) Spend(rounds int64) error {
	if err := b.Covers(rounds); err != nil {
		return err
	}
	b.left -= rounds
	return nil
}

// Covers reports keystore.ErrTooLarge when there are not so many rounds left.
func (b *Budget) Covers(rounds int64) error {
	if rounds > b.left {
		return fmt.Errorf("deriving keys: the file asks for too many of them: %w", keystore.ErrTooLarge)
	}
	return nil
}

// Foresee reports keystore.ErrTooLarge when decrypting all of these algorithms once, each under one password, would take
// more than is left. So a file that asks for hours of work is refused before any is done. An algorithm that cannot be
// read costs nothing; whoever opens it says why.
func (b *Budget) Foresee(algs [][]byte) error {
	seen := make(map[string]bool, len(algs))
	var total int64
	for _, alg := range algs {
		a, err := parseAlgorithm(alg, b.limits)
		if err != nil || seen[a.id] {
			continue
		}
		seen[a.id] = true
		total += a.cost
	}
	return b.Covers(total)
}

// checkIterations bounds the iteration count of one derivation.
func checkIterations(n int64, lim keystore.Limits) error {
	if n < 1 {
		return fmt.Errorf("deriving a key: %d iterations: %w", n, keystore.ErrFormat)
	}
	if n > int64(lim.Iterations) {
		return fmt.Errorf("deriving a key: %d iterations, at most %d: %w", n, lim.Iterations, keystore.ErrTooLarge)
	}
	return nil
}

// checkSalt bounds the length of a salt.
func checkSalt(salt []byte) error {
	if len(salt) > maxSalt {
		return fmt.Errorf("deriving a key: salt of %d bytes, at most %d: %w", len(salt), maxSalt, keystore.ErrTooLarge)
	}
	return nil
}
