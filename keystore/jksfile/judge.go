package jksfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxWitnesses is how many keys, and how many certificates, are asked about a checksum that does not fit. A password
// that is simply wrong must not cost a derivation for each key of a large store.
const maxWitnesses = 4

// judge says what is wrong with a file whose checksum does not fit. The checksum cannot tell a wrong password from a
// change to the file, but its parts can: a key that the password opens shows that the password is right, and a root
// whose own signature does not fit shows that the file was changed. Without either both are possible, and said.
func (d *decoder) judge(mismatch error) error {
	for _, l := range d.locked[:min(len(d.locked), maxWitnesses)] {
		alias := d.store.Identities[l.index].Alias
		switch _, err := l.encrypted.open(d.opts.Password, d.budget); {
		case err == nil:
			return malformed("the password is right, as it opens the key %q, but the checksum is not: the file was changed", alias)
		case !errors.Is(err, keystore.ErrPassword) && !errors.Is(err, keystore.ErrUnsupported):
			return fmt.Errorf("alias %q: %w", alias, err)
		}
	}
	asked := 0
	for _, a := range d.store.Anchors {
		if !selfSigned(a.Certificate) {
			continue
		}
		if !keystore.Issued(a.Certificate, a.Certificate) {
			return malformed("neither the checksum nor the signature of the certificate %q fits: the file was changed", a.Alias)
		}
		if asked++; asked == maxWitnesses {
			break
		}
	}
	return mismatch
}

// selfSigned reports whether a certificate says that its own key signed it: it names itself as its issuer, and its key
// identifiers, which tell apart the keys of a CA that changed its key, do not speak against it.
func selfSigned(c keystore.Certificate) bool {
	if c.X509 == nil || !keystore.SelfIssued(c.X509) {
		return false
	}
	own, issuers := c.X509.SubjectKeyId, c.X509.AuthorityKeyId
	return len(own) == 0 || len(issuers) == 0 || bytes.Equal(own, issuers)
}
