package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// anyKey stands for whichever key it may be, where else the index of one among a store's identities does: that stays the
// same however often a file is decoded, and not every key has an alias.
const anyKey = -1

// openKeys opens the keys that stayed locked under the store's password: with passwords that are known already, then
// with what a person says, asked by alias. A password that opens one key is tried on the others before the next question.
func (o *storeOpener) openKeys(s *openedStore) error {
	if s.How == passNeeded || o.lockedKey(s.Store, nil) == anyKey {
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
		if string(secret) != string(s.Password) && o.lockedKey(s.Store, nil) != anyKey {
			o.Known.guess(cost, func() bool { return o.openKeysWith(s, anyKey, secret) == nil })
		}
	}
	if !o.canAsk() || o.Many {
		return nil
	}
	return o.askKeys(s)
}

// askKeys asks for the password of each key that is locked and wanted, once.
func (o *storeOpener) askKeys(s *openedStore) error {
	answers := o.Known.of(s.Data).keys
	done := map[int]bool{}
	for i := range s.Store.Identities {
		_, given := o.keySecret(&s.Store.Identities[i])
		done[i] = given // and is wrong
	}
	for {
		i := o.lockedKey(s.Store, done)
		if i == anyKey {
			return nil
		}
		done[i] = true
		if answers[i] == nil {
			secret, err := o.ask(keyOf(s, i))
			answers[i] = &answer{secret, err}
		}
		said := answers[i]
		if said.err != nil {
			return said.err
		}
		if len(said.secret) == 0 {
			continue // it stays locked; maybe it is not needed
		}
		if err := o.openKeysWith(s, i, said.secret); err != nil {
			return o.keyRefusal(s, i, said.secret, err)
		}
		o.Known.remember(said.secret)
	}
}

// keyOf is what a person is asked the password of. A key without an alias goes by its certificate, or by its place.
func keyOf(s *openedStore, i int) string {
	id := &s.Store.Identities[i]
	switch {
	case id.Alias != "" || id.Leaf() != nil:
		return fmt.Sprintf("the key %q in %s", id.Label(), s.Name)
	case len(s.Store.Identities) > 1:
		return fmt.Sprintf("the key in %s that is number %d", s.Name, i+1)
	}
	return "the key in " + s.Name
}

// keySecret is the password that the command line has for a single key.
func (o *storeOpener) keySecret(id *keystore.Identity) (givenPassword, bool) {
	for alias, secret := range o.KeySecrets {
		if strings.EqualFold(alias, id.Alias) {
			return givenPassword{secret, o.KeyPasswords[alias]}, true
		}
	}
	return givenPassword{}, false
}

// lockedKey is the first key that a password could open and that is wanted, but for those that are done with; anyKey when
// there is none.
func (o *storeOpener) lockedKey(store *keystore.Store, done map[int]bool) int {
	for i := range store.Identities {
		id := &store.Identities[i]
		if isLocked(id) && !done[i] && (o.Wanted == nil || o.Wanted(id)) {
			return i
		}
	}
	return anyKey
}

// ownName is what the password of a key goes by in keystore.DecodeOptions.KeyPasswords. Of a key without an alias, on
// which each of them is tried, it is one that no key has, so that several such keys have a place each.
func ownName(store *keystore.Store, i int) string {
	if alias := store.Identities[i].Alias; alias != "" {
		return alias
	}
	return fmt.Sprintf("\x00%d", i)
}

// openKeysWith decodes the file anew with a password for one key, or for any, and for whatever other keys it opens. It
// is keystore.ErrPassword when it does not open the key, or none.
func (o *storeOpener) openKeysWith(s *openedStore, key int, secret keystore.Secret) error {
	passwords := maps.Clone(s.KeyPasswords)
	if key != anyKey {
		passwords[ownName(s.Store, key)] = secret
	}
	store, err := o.decodeWith(s, keystore.DecodeOptions{Password: s.Password, KeyPassword: secret, KeyPasswords: passwords})
	if err != nil {
		return err
	}
	var opened []int
	for i := range store.Identities {
		if i < len(s.Store.Identities) && isLocked(&s.Store.Identities[i]) && !isLocked(&store.Identities[i]) {
			opened = append(opened, i)
		}
	}
	switch {
	case key == anyKey && len(opened) == 0:
		return fmt.Errorf("opening a key: %w", keystore.ErrPassword)
	case key != anyKey && !slices.Contains(opened, key):
		return fmt.Errorf("entry %q: %w", s.Store.Identities[key].Label(), keystore.ErrPassword)
	}
	for _, i := range opened {
		s.KeyPasswords[ownName(s.Store, i)] = secret // the next question's decoding has to open it again
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
func (o *storeOpener) keyRefusal(s *openedStore, key int, secret keystore.Secret, err error) error {
	if !errors.Is(err, keystore.ErrPassword) {
		return err
	}
	if hint := o.nearKey(s, key, givenPassword{secret, passwordSource{kind: sourcePrompt}}); hint != "" {
		return withHint(err, "%s", hint)
	}
	if alias := s.Store.Identities[key].Alias; alias != "" {
		return withHint(err, "leave the key out: --remove %s", selectorOf(alias))
	}
	return withHint(err, "name where the key's password is kept: --in-key-pass file:PATH")
}

// explainKeys gives the first key that the password given for it does not open a hint, if it nearly does.
func (o *storeOpener) explainKeys(s *openedStore) {
	first := o.lockedKey(s.Store, nil)
	id := &s.Store.Identities[first]
	refused, given := o.keySecret(id)
	if !given {
		refused = givenPassword{o.KeySecret, o.KeyPass}
	}
	if hint := o.nearKey(s, first, refused); hint != "" {
		id.Locked = withHint(id.Locked, "%s", hint)
	}
}

// checkKeys is for who only looks at a file, keys that stay locked included: it fails when a password that the command line
// has for keys opens none of them, which is a wrong one like any other.
func (o *storeOpener) checkKeys(s *openedStore) error {
	done := map[int]bool{}
	for i := o.lockedKey(s.Store, done); i != anyKey; i = o.lockedKey(s.Store, done) {
		if _, given := o.keySecret(&s.Store.Identities[i]); given {
			return o.keyMiss(s, i)
		}
		done[i] = true
	}
	first := o.lockedKey(s.Store, nil)
	switch {
	case first == anyKey:
		return nil
	case o.KeyPass.given():
		// Without it as many keys are locked, unless it opened one. Where the file cannot be read without, it opened that.
		without, err := o.decodeWith(s, keystore.DecodeOptions{Password: s.Password, KeyPasswords: o.KeySecrets})
		if err == nil && countLocked(without) == len(done) {
			return o.keyMiss(s, first)
		}
	case s.How != passNeeded:
		o.notice("note: %s has another password; name where it is kept: --in-key-pass %s", keyOf(s, first), keyPassArgument(s, first))
	}
	return nil
}

// countLocked is how many private keys another password could decrypt.
func countLocked(s *keystore.Store) int {
	n := 0
	for i := range s.Identities {
		if isLocked(&s.Identities[i]) {
			n++
		}
	}
	return n
}

// keyMiss is the error for a key that the password given for it does not open.
func (o *storeOpener) keyMiss(s *openedStore, key int) error {
	id := &s.Store.Identities[key]
	err := withHint(fmt.Errorf("the password for its key: %w", id.Locked), "name where the key's password is kept: --in-key-pass %s", keyPassArgument(s, key))
	if label := id.Label(); label != "" {
		err = fmt.Errorf("entry %q: %w", label, err)
	}
	return fmt.Errorf("reading %q: %w", s.Name, err)
}

// keyPassArgument is what to type for the password of a key: with its alias where another key has another one.
func keyPassArgument(s *openedStore, key int) string {
	if alias := s.Store.Identities[key].Alias; alias != "" && len(s.Store.Identities) > 1 {
		return quoted(alias + "=file:PATH")
	}
	return "file:PATH"
}

// nearKey is nearMiss for one key of a store that is open.
func (o *storeOpener) nearKey(s *openedStore, key int, refused givenPassword) string {
	cost := keysCost(s)
	for _, near := range nearPasswords(refused.secret) {
		if o.Known.guess(cost, func() bool {
			store, err := o.decodeWith(s, keystore.DecodeOptions{
				Password: s.Password, KeyPassword: near.secret, KeyPasswords: map[string]keystore.Secret{ownName(s.Store, key): near.secret},
			})
			return err == nil && key < len(store.Identities) && !isLocked(&store.Identities[key])
		}) {
			return near.hint(refused.source)
		}
	}
	return ""
}

// selectorOf is what --only and --remove take for the entry of an alias, quoted for a shell: one may hold an equal sign or
// what would stand for any text.
func selectorOf(alias string) string {
	text := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(alias)
	if strings.Contains(text, "=") {
		text = "alias=" + text
	}
	return quoted(text)
}
