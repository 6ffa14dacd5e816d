package cli

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"

	"github.com/mqttpki/mqttpki/keystore"
)

const (
	// ringSize is how many passwords are remembered to be tried on a command's other files.
	ringSize = 4
	// guessRounds is what all guesses of one command that turn out wrong may cost together, in rounds of key derivation:
	// four of the longest derivations that are done at all.
	guessRounds = 4 * 5_000_000
)

// keyring is what one command knows of passwords, shared by all that opens files for it: so a password that opened one
// file is tried on the next, and nobody is asked twice for the same. The zero value is empty. It is safe for use by
// several goroutines.
type keyring struct {
	mu      sync.Mutex
	known   []keystore.Secret                  // given by flags, or fitted a file; the newest first
	answers map[[sha256.Size]byte]*fileAnswers // what a person said of files, by their content
	forAll  *answer                            // what a person said of all of many files
	guessed int64                              // rounds spent on wrong guesses
}

// answer is what a person typed; a nil secret is just the Enter key.
type answer struct {
	secret keystore.Secret
	err    error // nothing was typed: interrupted, say
}

// fileAnswers are the answers for one file.
type fileAnswers struct {
	store *answer
	keys  map[int]*answer // by the key's place in the file
}

// remember keeps a password to be tried on other files. The empty one is always tried, and no password is none.
func (k *keyring) remember(secret keystore.Secret) {
	if len(secret) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	same := func(s keystore.Secret) bool { return bytes.Equal(s, secret) }
	if i := slices.IndexFunc(k.known, same); i == 0 {
		return
	} else if i > 0 {
		k.known = slices.Delete(k.known, i, i+1)
	}
	k.known = slices.Insert(k.known, 0, secret)
	k.known = k.known[:min(len(k.known), ringSize)]
}

// candidates are the passwords to try, likeliest first.
func (k *keyring) candidates() []keystore.Secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.known)
}

// of returns the answers for a file. Only the one goroutine that asks a person uses them.
func (k *keyring) of(data []byte) *fileAnswers {
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := sha256.Sum256(data)
	if k.answers[sum] == nil {
		if k.answers == nil {
			k.answers = map[[sha256.Size]byte]*fileAnswers{}
		}
		k.answers[sum] = &fileAnswers{keys: map[int]*answer{}}
	}
	return k.answers[sum]
}

// askForAll asks once for all of many files; the others wait for the answer.
func (k *keyring) askForAll(ask func() (keystore.Secret, error)) (keystore.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forAll == nil {
		secret, err := ask()
		k.forAll = &answer{secret, err}
	}
	return k.forAll.secret, k.forAll.err
}

// guess tries something that costs that many rounds when it is wrong, if the command can afford it still.
func (k *keyring) guess(rounds int64, fits func() bool) bool {
	k.mu.Lock()
	affordable := k.guessed+rounds <= guessRounds
	if affordable {
		k.guessed += rounds
	}
	k.mu.Unlock()
	if !affordable || !fits() {
		return false
	}
	k.mu.Lock()
	k.guessed -= rounds // it was no waste
	k.mu.Unlock()
	return true
}

// bytesPerRound is how much of a file is hashed at the cost of a round of key derivation.
const bytesPerRound = 64

// rounds is about what one derivation costs.
func rounds(p keystore.Protection) int64 {
	cost := int64(p.Iterations)
	if strings.Contains(p.Algorithm, "scrypt") {
		const blocks = 16 // of 64 bytes, in what scrypt mixes N times with its usual r of 8
		cost *= blocks
	}
	return cost
}

// guessCost is about what a wrong password for a file costs, in rounds of key derivation. A MAC settles it; without one
// each key is tried.
func guessCost(s *keystore.Store, size int) int64 {
	cost := int64(size) / bytesPerRound
	for _, p := range s.Protection {
		if p.Part == "mac" {
			return int64(size)/bytesPerRound + rounds(p)
		}
		cost += rounds(p)
	}
	return cost
}
