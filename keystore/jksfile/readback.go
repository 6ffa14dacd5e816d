package jksfile

import (
	"bytes"
	"fmt"
	"strings"

	second "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/mqttpki/mqttpki/keystore"
)

// readBack reads a file that was just written, and fails unless the store is in it, whole.
func readBack(data []byte, want *keystore.Store, opts keystore.EncodeOptions) error {
	limits := keystore.Limits{Bytes: int64(len(data)), Entries: len(want.Identities) + len(want.Anchors) + 1}
	got, err := (Codec{}).Decode(data, keystore.DecodeOptions{
		Password: opts.Password, KeyPassword: opts.KeyPassword, Limits: limits,
	})
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if difference := same(want, got); difference != "" {
		return fmt.Errorf("reading it back: %s is not as it was", difference)
	}
	if err := secondOpinion(data, want, opts); err != nil {
		return fmt.Errorf("reading it back with keystore-go: %w", err)
	}
	return nil
}

// secondOpinion reads the file with a library that shares no code with this package. That library takes passwords of
// ASCII only, names of the BMP without NUL, and no name twice.
func secondOpinion(data []byte, want *keystore.Store, opts keystore.EncodeOptions) error {
	keyPassword := opts.KeyPassword
	if !keyPassword.Given() {
		keyPassword = opts.Password
	}
	if !ascii(opts.Password) || !ascii(keyPassword) || !plainNames(want) {
		return nil
	}
	store := second.New(second.WithCaseExactAliases())
	if err := store.Load(bytes.NewReader(data), opts.Password); err != nil {
		return err
	}
	if n := len(store.Aliases()); n != len(want.Identities)+len(want.Anchors) {
		return fmt.Errorf("%d entries", n)
	}
	for i := range want.Identities {
		identity := &want.Identities[i]
		entry, err := store.GetPrivateKeyEntry(identity.Alias, keyPassword)
		if err != nil {
			return fmt.Errorf("alias %q: %w", identity.Alias, err)
		}
		if !bytes.Equal(entry.PrivateKey, identity.Key.PKCS8) || len(entry.CertificateChain) != len(identity.Chain) {
			return fmt.Errorf("alias %q: another key or chain", identity.Alias)
		}
		for j, c := range entry.CertificateChain {
			if !bytes.Equal(c.Content, identity.Chain[j].Raw) {
				return fmt.Errorf("alias %q: another chain", identity.Alias)
			}
		}
	}
	for _, a := range want.Anchors {
		entry, err := store.GetTrustedCertificateEntry(a.Alias)
		if err != nil || !bytes.Equal(entry.Certificate.Content, a.Certificate.Raw) {
			return fmt.Errorf("alias %q: another certificate (%v)", a.Alias, err)
		}
	}
	return nil
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
