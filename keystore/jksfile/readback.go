package jksfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	second "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/mqttpki/mqttpki/keystore"
)

// Confirm shows a file to keystore-go; see [keystore.Codec]. That library takes passwords of ASCII only, names of the BMP
// without NUL, and no name twice.
func (Codec) Confirm(data []byte, want *keystore.Store, opts keystore.EncodeOptions) error {
	if !ascii(opts.Password) || !plainNames(want) {
		return nil
	}
	store := second.New(second.WithCaseExactAliases())
	if err := store.Load(bytes.NewReader(data), opts.Password); err != nil {
		return otherwise("%w", err)
	}
	if n := len(store.Aliases()); n != len(want.Identities)+len(want.Anchors) {
		return otherwise("%d entries", n)
	}
	for i := range want.Identities {
		identity := &want.Identities[i]
		password := keyPassword(identity.Alias, opts)
		if !ascii(password) {
			continue
		}
		entry, err := store.GetPrivateKeyEntry(identity.Alias, password)
		if err != nil {
			return otherwise("alias %q: %w", identity.Alias, err)
		}
		if !bytes.Equal(entry.PrivateKey, identity.Key.PKCS8) || !sameChain(entry.CertificateChain, identity.Chain) {
			return otherwise("alias %q: another key or chain", identity.Alias)
		}
	}
	for _, a := range want.Anchors {
		entry, err := store.GetTrustedCertificateEntry(a.Alias)
		if err != nil || !bytes.Equal(entry.Certificate.Content, a.Certificate.Raw) {
			return otherwise("alias %q: another certificate (%v)", a.Alias, err)
		}
	}
	return nil
}

// otherwise says what keystore-go sees where it should see the store.
func otherwise(format string, args ...any) error {
	return fmt.Errorf("%w: keystore-go: %w", keystore.ErrReadBack, fmt.Errorf(format, args...))
}

// sameChain compares a chain as the library read it.
func sameChain(got []second.Certificate, want []keystore.Certificate) bool {
	return slices.EqualFunc(got, want, func(g second.Certificate, w keystore.Certificate) bool { return bytes.Equal(g.Content, w.Raw) })
}

// ascii reports whether the library and Java make the same of a password.
func ascii(password keystore.Secret) bool {
	for _, c := range password {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// plainNames reports whether no name of the store is beyond the library.
func plainNames(s *keystore.Store) bool {
	odd := func(r rune) bool { return r == 0 || r > 0xFFFF }
	for _, name := range names(s) {
		if strings.ContainsFunc(name, odd) {
			return false
		}
	}
	return true
}
