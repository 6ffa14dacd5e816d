package pemfile

import (
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// privateKey adds a key, decrypted with the first password that fits. A key that none opens, or whose encryption is not
// supported, is locked; a damaged one fails the file.
func (d *decoder) privateKey(it item, b *block, kind string, curve []byte) error {
	it.isKey = true
	encrypted := kind == labelEncrypted || b.header("DEK-Info") != ""
	der := b.der
	if encrypted {
		var err error
		if der, err = d.decrypt(&it, b, kind); err != nil {
			return err
		}
	}
	if der != nil {
		key, err := d.plainKey(kind, der, curve)
		if err != nil {
			return err
		}
		it.key = key
	}
	d.items = append(d.items, it)
	return nil
}

// decrypt returns the decrypted key, or nil with it.locked set.
func (d *decoder) decrypt(it *item, b *block, kind string) ([]byte, error) {
	der, protection, err := d.open(b, kind, nil) // which tells how the key is protected
	it.locked = fmt.Errorf("%w: %w", errLocked, keystore.ErrPassword)
	for _, password := range d.passwords.OfKey(it.alias) {
		if !errors.Is(err, keystore.ErrPassword) {
			break
		}
		if der, protection, err = d.open(b, kind, password); err == nil {
			d.passwords.Fits(password)
		}
		it.locked = fmt.Errorf("%w, or the file was changed", err) // nothing but the padding tells the two apart
	}
	protection.Part, protection.Alias = "key", it.alias
	d.protection = append(d.protection, protection)
	switch {
	case err == nil:
		it.locked = nil
		d.opened++
		return der, nil
	case errors.Is(err, keystore.ErrUnsupported):
		it.locked = err
		return nil, nil
	case !errors.Is(err, keystore.ErrPassword):
		return nil, err
	}
	d.refused = it.locked
	if it.line > 0 {
		d.refused = fmt.Errorf("line %d: %w", it.line, it.locked)
	}
	return nil, nil
}

// open decrypts a key with one password.
func (d *decoder) open(b *block, kind string, password keystore.Secret) ([]byte, keystore.Protection, error) {
	if kind != labelEncrypted {
		return openTraditional(b, password)
	}
	if !password.Given() {
		return pbe.NewOpener(nil, d.budget).OpenInfo(b.der)
	}
	opener := d.openers[string(password)]
	if opener == nil {
		opener = pbe.NewOpener(password, d.budget)
		d.openers[string(password)] = opener
	}
	return opener.OpenInfo(b.der)
}
