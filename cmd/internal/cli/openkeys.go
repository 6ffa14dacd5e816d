package cli

import (
	"errors"
	"fmt"
	"maps"

	"github.com/mqttpki/mqttpki/keystore"
)

// openKeys opens the keys that stayed locked under the store's password: with passwords that are known already, then
// with what a person says, asked by alias. A password that opens one key is tried on the others before the next question.
func (o *storeOpener) openKeys(s *openedStore) error {
	if s.How == passNeeded || o.lockedKey(s.Store, nil) == nil {
		return nil
	}
	o.explainKeys(s)
	if !o.Demand || o.KeyPass.given() {
		return nil
	}
	s.KeyPasswords = maps.Clone(s.KeyPasswords)
	if s.KeyPasswords == nil {
		s.KeyPasswords = map[string]keystore.Secret{}
	}
	cost := keysCost(s)
	for _, secret := range o.Known.candidates() {
		if string(secret) != string(s.Password) && o.lockedKey(s.Store, nil) != nil {
			o.Known.guess(cost, func() bool { return o.openKeysWith(s, "", secret) == nil })
		}
	}
	if !o.canAsk() || o.Many {
		return nil
	}
	return o.askKeys(s)
}

// askKeys asks for the password of each key that is locked and wanted: by alias, and once.
func (o *storeOpener) askKeys(s *openedStore) error {
	answers := o.Known.of(s.Data).keys
	done := map[string]bool{}
	for alias := range o.KeySecrets {
		done[alias] = true // it was given, and is wrong
	}
	for {
		id := o.lockedKey(s.Store, done)
		if id == nil {
			return nil
		}
		alias := id.Alias
		done[alias] = true
		if answers[alias] == nil {
			what := fmt.Sprintf("the key %q in %s", alias, s.Name)
			if alias == "" {
				what = "the key in " + s.Name
			}
			secret, err := o.ask(what)
			answers[alias] = &answer{secret, err}
		}
		said := answers[alias]
		if said.err != nil {
			return said.err
		}
		if len(said.secret) == 0 {
			continue // it stays locked; maybe it is not needed
		}
		if err := o.openKeysWith(s, alias, said.secret); err != nil {
			return o.keyRefusal(s, alias, said.secret, err)
		}
		o.Known.remember(said.secret)
	}
}

// lockedKey is the first key that a password could open and that is wanted, but for those that are done with.
func (o *storeOpener) lockedKey(store *keystore.Store, done map[string]bool) *keystore.Identity {
	for i := range store.Identities {
		id := &store.Identities[i]
		if isLocked(id) && !done[id.Alias] && (o.Wanted == nil || o.Wanted(id)) {
			return id
		}
	}
	return nil
}

// openKeysWith decodes the file anew with a password for the key of that alias, and for whatever other keys it opens. It
// is keystore.ErrPassword when it does not open the key, or with "" none.
func (o *storeOpener) openKeysWith(s *openedStore, alias string, secret keystore.Secret) error {
	passwords := maps.Clone(s.KeyPasswords)
	if alias != "" {
		passwords[alias] = secret
	}
	store, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{Password: s.Password, KeyPassword: secret, KeyPasswords: passwords})
	if err != nil {
		return err
	}
	before := map[string]bool{}
	for i := range s.Store.Identities {
		before[s.Store.Identities[i].Alias] = isLocked(&s.Store.Identities[i])
	}
	opened := map[string]bool{}
	for i := range store.Identities {
		if id := &store.Identities[i]; before[id.Alias] && !isLocked(id) {
			opened[id.Alias] = true
		}
	}
	if len(opened) == 0 || alias != "" && !opened[alias] {
		return fmt.Errorf("entry %q: %w", alias, keystore.ErrPassword)
	}
	for name := range opened {
		s.KeyPasswords[name] = secret // the next question's decoding has to open it again
	}
	s.Store = store
	if s.KeyPassword == nil {
		s.KeyPassword = secret
	}
	return nil
}

// keysCost is about what a wrong password for the keys of a store costs, the store's own being known.
func keysCost(s *openedStore) int64 {
	cost := int64(len(s.Data)) / bytesPerRound
	for _, p := range s.Store.Protection {
		cost += rounds(p)
	}
	return cost
}

// keyRefusal is the error for a key's password that was typed and does not fit.
func (o *storeOpener) keyRefusal(s *openedStore, alias string, secret keystore.Secret, err error) error {
	if !errors.Is(err, keystore.ErrPassword) {
		return err
	}
	if hint := o.nearKey(s, alias, givenPassword{secret, passwordSource{kind: sourcePrompt}}); hint != "" {
		return withHint(err, "%s", hint)
	}
	return withHint(err, "leave the key out: --remove %q", alias)
}

// explainKeys gives the first key that the password given for it does not open a hint, if it nearly does.
func (o *storeOpener) explainKeys(s *openedStore) {
	id := o.lockedKey(s.Store, nil)
	g := givenPassword{o.KeySecret, o.KeyPass}
	if secret, ok := o.KeySecrets[id.Alias]; ok {
		g = givenPassword{secret, o.KeyPasswords[id.Alias]}
	}
	if hint := o.nearKey(s, id.Alias, g); hint != "" {
		id.Locked = withHint(id.Locked, "%s", hint)
		if !o.Demand { // who only looks gets no error that the hint could belong to
			o.notice("note: the key %q in %s: %s", id.Alias, s.Name, hint)
		}
	}
}

// nearKey is nearMiss for one key of a store that is open.
func (o *storeOpener) nearKey(s *openedStore, alias string, refused givenPassword) string {
	cost := keysCost(s)
	for _, near := range nearPasswords(refused.secret) {
		if o.Known.guess(cost, func() bool {
			store, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{
				Password: s.Password, KeyPassword: near.secret, KeyPasswords: map[string]keystore.Secret{alias: near.secret},
			})
			return err == nil && !stillLocked(store, alias)
		}) {
			return near.hint(refused.source)
		}
	}
	return ""
}

// stillLocked reports whether the key of an alias is locked.
func stillLocked(s *keystore.Store, alias string) bool {
	for i := range s.Identities {
		if s.Identities[i].Alias == alias && isLocked(&s.Identities[i]) {
			return true
		}
	}
	return false
}
