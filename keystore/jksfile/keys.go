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
	for _, password := range d.passwords(identity.Alias) {
		key, err := encrypted.open(password, d.budget)
		if err == nil {
			identity.Key, identity.Locked = key, nil
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

// passwords returns what to try on the key of an alias, in order.
func (d *decoder) passwords(alias string) []keystore.Secret {
	var out []keystore.Secret
	for _, p := range []keystore.Secret{d.opts.KeyPasswords[alias], d.own[keystore.FoldAlias(alias)], d.opts.Password, d.opts.KeyPassword} {
		if p.Given() {
			out = append(out, p)
		}
	}
	return out
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

// byFolded returns the passwords of keys by aliases as Java compares them.
func byFolded(given map[string]keystore.Secret) map[string]keystore.Secret {
	folded := make(map[string]keystore.Secret, len(given))
	for alias, password := range given {
		folded[keystore.FoldAlias(alias)] = password
	}
	return folded
}
