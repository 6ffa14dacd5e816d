package jksfile

import (
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxWitnesses is how many keys are asked about a checksum that does not fit. A password that is simply wrong must not
// cost a derivation for each key of a large store.
const maxWitnesses = 4

// judge says what is wrong with a file whose checksum does not fit. The checksum cannot tell a wrong password from a
// change to the file, but its parts can: a key that is none when the password opens it or is not that of its certificate,
// and a certificate that nobody signed, show that the file was changed. Where a key opens and nothing contradicts, the key
// most likely has another password than the store, which is what its users mix up; that it was changed is said, too.
func (d *decoder) judge(mismatch error) error {
	owner, err := d.ownerOfPassword()
	if err != nil {
		return err
	}
	if alias, found := d.contradicted(); found {
		return malformed("neither the checksum nor the signature of a certificate of %q fits: the file was changed", alias)
	}
	if owner != nil {
		return fmt.Errorf("the password opens the key %q, but is the %w", owner.Alias, keystore.ErrKeyPassword)
	}
	return mismatch
}

// ownerOfPassword returns one of the keys that the store's password opens, nil when it opens none of those that are asked.
func (d *decoder) ownerOfPassword() (*keystore.Identity, error) {
	for _, l := range d.locked[:min(len(d.locked), maxWitnesses)] {
		identity := &d.store.Identities[l.index]
		key, err := l.encrypted.open(d.opts.Password, d.budget)
		switch {
		case err == nil:
			if leaf := identity.Leaf(); leaf != nil {
				if matches, known := key.Matches(*leaf); known && !matches {
					return nil, malformed("neither the checksum nor the certificate of the key %q fits: the file was changed", identity.Alias)
				}
			}
			return identity, nil
		case !errors.Is(err, keystore.ErrPassword) && !errors.Is(err, keystore.ErrUnsupported):
			return nil, fmt.Errorf("alias %q: %w", identity.Alias, err)
		}
	}
	return nil, nil
}

// contradicted returns the alias of an entry that has a certificate which nobody can have signed.
func (d *decoder) contradicted() (alias string, found bool) {
	var certs []keystore.Certificate
	var aliases []string
	for _, a := range d.store.Anchors {
		certs, aliases = append(certs, a.Certificate), append(aliases, a.Alias)
	}
	for _, id := range d.store.Identities {
		for _, c := range id.Chain {
			certs, aliases = append(certs, c), append(aliases, id.Alias)
		}
	}
	if i := keystore.Contradicted(certs); i >= 0 {
		return aliases[i], true
	}
	return "", false
}
