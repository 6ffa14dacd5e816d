package cli

import (
	"crypto/sha256"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// openedKeys are the CA's keys that one process has opened, for a command that runs others: a key's password is made to
// take long to check, and they all use the same.
type openedKeys map[[sha256.Size]byte]*ca.Authority

// open opens the key in a file, or finds it opened: the same bytes under the same password. A nil map remembers nothing.
func (o openedKeys) open(file string, password keystore.Secret, unlock func(keystore.Secret) (*ca.Authority, error)) (*ca.Authority, error) {
	if o == nil {
		return unlock(password)
	}
	data, err := safefile.Read(file, maxPEMFile)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	id := sha256.Sum256(append(sum[:], password...))
	if a := o[id]; a != nil {
		return a, nil
	}
	a, err := unlock(password)
	if err == nil {
		o[id] = a
	}
	return a, err
}
