package p12file

import (
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxProbes is how many parts of a file are tried to tell a right password from a wrong one, and maxSafes how many of them
// are safes: a key may have the password where the safes have another. One of each would do, were it not for damage in that
// very part.
const (
	maxProbes = 3
	maxSafes  = 2
)

// judgeMAC finds out what it means that a MAC fits no password. Where the file is malformed, be it in what the password
// opens, it is not what it was when it was written, and the password may be right. So it is where safes open and a key does
// not: the safes' password is the MAC's for all that write such keys. Where nothing contradicts, what opens most likely has
// another password than the MAC, as a key has that Java was given one for, and all that openssl pkcs12 -twopass wrote; that
// the file was changed is said, too.
func (d *decoder) judgeMAC(safe []byte, wrong error) error {
	t := &trial{by: d, parts: newDecoder(len(safe), keystore.DecodeOptions{Limits: d.opts.Limits}), password: d.opts.Password}
	if !t.password.Given() {
		t.password = d.opts.KeyPassword
	}
	if err := t.parts.readAuthenticatedSafe(safe); err != nil { // without a password nothing is opened
		return fmt.Errorf("the MAC is wrong: %w", err)
	}
	if !t.opensAny() {
		return wrong
	}
	if err := t.openAll(); err != nil {
		return fmt.Errorf("neither the MAC nor what the password opens is right, so the file was changed: %w", err)
	}
	switch {
	case t.safes > 0 && t.locked > 0:
		return fmt.Errorf("the MAC is wrong, though the password opens what is encrypted: the file was changed: %w", keystore.ErrFormat)
	case t.closed > 0 || t.locked > 0:
		return fmt.Errorf("the password opens the key %q, but is the %w", t.key, keystore.ErrKeyPassword)
	}
	return fmt.Errorf("the password opens what is encrypted, but is the %w", keystore.ErrKeyPassword)
}

// trial opens the parts of a file whose MAC does not fit with one password, to see what that is good for.
type trial struct {
	by       *decoder // whose derived keys and budget are used
	parts    *decoder // what could be read of the file
	password keystore.Secret

	safes, closed int    // safes that the password opens, and those that it does not
	locked        int    // keys that it does not open
	key           string // the name of one that it does
}

// open decrypts one part.
func (t *trial) open(part sealedEntry) ([]byte, error) {
	plain, _, err := t.by.open(part.alg, part.ciphertext, []keystore.Secret{t.password})
	return plain, err
}

// opensAny reports whether the password opens any of the first parts.
func (t *trial) opensAny() bool {
	safes := t.parts.sealed[:min(len(t.parts.sealed), maxSafes)]
	parts := append(safes[:len(safes):len(safes)], t.parts.pending...)
	for _, part := range parts[:min(len(parts), maxProbes)] {
		if _, err := t.open(part); err == nil {
			return true
		}
	}
	return false
}

// openAll opens all that the password opens. It fails when there is something in it that nobody wrote so.
func (t *trial) openAll() error {
	for _, part := range t.parts.sealed {
		plain, err := t.open(part)
		if err != nil {
			t.closed++
			continue
		}
		t.safes++
		if err := t.parts.readSafe(plain); err != nil {
			return err
		}
	}
	certs := make([]keystore.Certificate, len(t.parts.certs))
	publics := map[string]bool{}
	for i, c := range t.parts.certs {
		certs[i] = c.cert
		publics[c.cert.PublicID()] = true
	}
	for _, part := range t.parts.pending {
		plain, err := t.open(part)
		switch {
		case part.secret:
		case errors.Is(err, keystore.ErrPassword):
			t.locked++
		case err == nil:
			t.key = part.name
			key, err := newPrivateKey(plain, t.parts.limits.Depth, nil)
			if err != nil {
				return err
			}
			if id := key.PublicID(); t.closed == 0 && len(certs) > 0 && id != "" && !publics[""] && !publics[id] {
				return fmt.Errorf("entry %q: no certificate is for the key: %w", part.name, keystore.ErrFormat)
			}
		}
	}
	if i := keystore.Contradicted(certs); i >= 0 {
		return fmt.Errorf("entry %q: nobody signed the certificate as it is: %w", t.parts.certs[i].name, keystore.ErrFormat)
	}
	return nil
}
