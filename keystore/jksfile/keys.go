package jksfile

import (
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// openKeys decrypts the keys of the file, each with the first password that fits: its own by alias (in whatever case,
// as Java compares them), the store's, the one given for keys. A key that none opens, or whose protection is unknown,
// stays locked; a damaged one fails the file.
func (d *decoder) openKeys() error {
	for i := range d.locked {
		l := &d.locked[i]
		identity := &d.store.Identities[l.index]
		if err := d.openKey(identity, &l.encrypted); err != nil {
			return fmt.Errorf("alias %q: %w", identity.Alias, err)
		}
	}
	return nil
}

// errNoPassword is why a key is locked when there was nothing to try on it.
var errNoPassword = fmt.Errorf("no password was given: %w", keystore.ErrPassword)

// openKey sets the Key of one identity, or its Locked.
func (d *decoder) openKey(identity *keystore.Identity, encrypted *encryptedKey) error {
	d.store.Protection = append(d.store.Protection, encrypted.protection(identity.Alias))
	if identity.Locked = encrypted.unsupported(); identity.Locked != nil {
		return nil
	}
	identity.Locked = errNoPassword
	for _, password := range d.passwords.OfKey(identity.Alias) {
		key, err := encrypted.open(password, d.budget)
		if err == nil {
			identity.Key, identity.Locked = key, nil
			d.passwords.Fits(password)
			d.checkLeaf(identity)
			return nil
		}
		if !errors.Is(err, keystore.ErrPassword) {
			return err
		}
		identity.Locked = err
	}
	return nil
}

// foresee fails where opening each key and secret key once would take more than the budget has, before any work is done.
func (d *decoder) foresee() error {
	if d.passwords.Count() == 0 {
		return nil
	}
	rounds := int64(0)
	for i := range d.locked {
		if e := &d.locked[i].encrypted; e.protector == oidJCEKS {
			if p, err := e.jceksParams(); err == nil {
				rounds += p.rounds(d.limits)
			}
		}
	}
	for _, s := range d.sealed {
		if p, ok := parseJCEKSParams(s.params); ok {
			rounds += p.rounds(d.limits)
		}
	}
	return d.budget.Covers(rounds)
}

// checkLeaf notes a certificate that is for another key: Java hands out both, and the handshake fails much later.
func (d *decoder) checkLeaf(identity *keystore.Identity) {
	leaf := identity.Leaf()
	if leaf == nil {
		return
	}
	if matches, known := identity.Key.Matches(*leaf); known && !matches {
		d.problem("key-leaf-mismatch", "error", identity.Alias, "The first certificate of the entry is not for its private key.")
	}
}
