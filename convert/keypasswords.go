package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// ownPasswords are the passwords that keys have had of their own, by the keys' bytes.
func ownPasswords(sources []Source) map[string]keystore.Secret {
	own := map[string]keystore.Secret{}
	for _, s := range sources {
		for i := range s.Store.Identities {
			id := &s.Store.Identities[i]
			if secret, ok := s.KeyPasswords[id.Alias]; ok && id.Key != nil {
				own[string(id.Key.PKCS8)] = secret
			}
		}
	}
	return own
}

// noteKeyPasswords says of which keys in the fitted store the own password is not kept. Those that the recipe gives one
// have one of their own.
func (w *work) noteKeyPasswords(sources []Source, r Recipe, fitted *keystore.Store) {
	if r.KeepKeyPasswords || r.Options.KeyPassword.Given() {
		return
	}
	own := ownPasswords(sources)
	for i := range fitted.Identities {
		id := &fitted.Identities[i]
		if own[string(id.Key.PKCS8)] != nil && r.Options.KeyPasswords[id.Alias] == nil {
			w.noted(id.Label(), "its password of its own is not kept; what protects the result protects it")
		}
	}
}

// keyPasswords are the passwords of single keys by the aliases that these have in the fitted store: those that keys have
// brought along, if they are to keep them, and before them those that were asked for, whose aliases may differ in case. It
// fails with [ErrNotFound] for an alias that no key has.
func keyPasswords(sources []Source, r Recipe, fitted *keystore.Store) (map[string]keystore.Secret, error) {
	kept, asked := map[string]keystore.Secret{}, r.Options.KeyPasswords
	if r.KeepKeyPasswords {
		kept = ownPasswords(sources)
	}
	byAlias := map[string]keystore.Secret{}
	for i := range fitted.Identities {
		id := &fitted.Identities[i]
		if secret, ok := kept[string(id.Key.PKCS8)]; ok {
			byAlias[id.Alias] = secret
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(asked)) {
		found := false
		for i := range fitted.Identities {
			if name := fitted.Identities[i].Alias; strings.EqualFold(name, alias) {
				byAlias[name], found = asked[alias], true
			}
		}
		if !found {
			return nil, fmt.Errorf("giving the key %q a password of its own: %w", alias, ErrNotFound)
		}
	}
	return byAlias, nil
}
