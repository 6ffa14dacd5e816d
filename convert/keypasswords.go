package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// keyPasswords are the passwords of single keys by the aliases that these have in the fitted store: those that keys have
// brought along, and before them those that were asked for, whose aliases may differ in case. It fails with [ErrNotFound]
// for an alias that no key has.
func keyPasswords(sources []Source, asked map[string]keystore.Secret, fitted *keystore.Store) (map[string]keystore.Secret, error) {
	kept := map[string]keystore.Secret{} // by the key's bytes
	for _, s := range sources {
		for i := range s.Store.Identities {
			id := &s.Store.Identities[i]
			if secret, ok := s.KeyPasswords[id.Alias]; ok && id.Key != nil {
				kept[string(id.Key.PKCS8)] = secret
			}
		}
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
