package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/mqttpki/mqttpki/keystore"
)

// How a file's password is found. What the command line gives is tried, and nothing else. Without that: nothing; what
// NAME.pass beside the file has; the empty password; and what opened another file of the command.
// Only then is a person asked, once, and a wrong answer is an error like any other wrong password.

// decode finds the password that opens the file, and decodes it.
func (o *storeOpener) decode(s *openedStore) error {
	var refused error
	var keys givenPassword // the one that is the keys', if refused says so
	for _, g := range o.given {
		err := o.try(s, g.secret, passGiven)
		if !errors.Is(err, keystore.ErrPassword) { // it fits, or no password would help
			return err
		}
		if ofKeys := errors.Is(err, keystore.ErrKeyPassword); refused == nil || ofKeys && !errors.Is(refused, keystore.ErrKeyPassword) {
			refused = err
			keys = g
		}
	}
	switch {
	case refused == nil || o.bare:
		return o.decodeUnaided(s)
	case errors.Is(refused, keystore.ErrKeyPassword):
		return o.keysRefusal(s, keys, refused)
	}
	return o.refusal(s, o.given, refused)
}

// decodeUnaided decodes a file for which the command line has no password.
func (o *storeOpener) decodeUnaided(s *openedStore) error {
	without := o.try(s, nil, passNone)
	if without != nil && !errors.Is(without, keystore.ErrPassword) || without == nil && !needsPassword(s.Store) {
		return without
	}
	seen := s.Store
	found, err := o.trySilently(s)
	switch {
	case found:
		return nil
	case err != nil && (o.Demand || seen == nil):
		return err
	case err == nil && o.worthAsking(seen):
		secret, err := o.askStore(s, seen)
		if err != nil {
			return err
		}
		if len(secret) > 0 {
			return o.tryTyped(s, secret)
		}
	}
	s.Store, s.Password, s.How = seen, nil, passNeeded
	if seen != nil && (!o.Demand || readableWithout(seen)) {
		if beside := o.unfit(s); beside != "" {
			o.notice("note: the password in %s does not fit %s", beside, s.Name)
		}
		return nil
	}
	if without == nil {
		without = ofKind(keystore.ErrPassword, errors.New("its password is needed"))
	}
	if beside := o.unfit(s); beside != "" {
		return withHint(without, "that in %s does not fit; name where the password is kept: %s file:PATH", beside, o.PassFlag)
	}
	return withHint(without, "name where the password is kept: %s file:PATH", o.PassFlag)
}

// unfit is the password file beside a store, if there is one, for where what it has was tried and is not the right one.
func (o *storeOpener) unfit(s *openedStore) string {
	beside, _ := s.passBeside()
	if beside == "" || o.bare {
		return ""
	}
	return quoted(beside)
}

// trySilently tries the passwords that need not be asked for. An error is one that no password would help against.
func (o *storeOpener) trySilently(s *openedStore) (bool, error) {
	attempt := func(secret keystore.Secret, how string) (bool, error) {
		err := o.try(s, secret, how)
		if errors.Is(err, keystore.ErrPassword) {
			return false, nil
		}
		return err == nil && fits(s.Store), err
	}
	if path, secret := s.passBeside(); path != "" && !o.bare {
		ok, err := attempt(secret, passGiven)
		if ok {
			o.detail("%s: opened with the password in %s", s.Name, path)
			o.Known.remember(secret)
		}
		if ok || err != nil {
			return ok, err
		}
	}
	if ok, err := attempt(keystore.Secret{}, passEmpty); ok || err != nil {
		return ok, err
	}
	if o.bare || o.Many { // of many files it would be chance which is opened first
		return false, nil
	}
	return o.tryKnown(s), nil
}

// tryKnown tries what opened other files of the command, or was given for them.
func (o *storeOpener) tryKnown(s *openedStore) bool {
	candidates := o.Known.candidates()
	if len(candidates) == 0 {
		return false
	}
	cost := s.guessCost()
	for _, secret := range candidates {
		if o.Known.guess(cost, func() bool { return o.try(s, secret, passGiven) == nil && fits(s.Store) }) {
			o.detail("%s: opened with the password of another file", s.Name)
			return true
		}
	}
	return false
}

// passBeside is the password in NAME.pass, where the commands that make stores keep it; "" without one.
func (s *openedStore) passBeside() (path string, secret keystore.Secret) {
	if s.Path == "" {
		return "", nil
	}
	path = passFileBeside(s.Path)
	secret, _, err := readPassFile(path)
	if err != nil {
		return "", nil
	}
	return path, secret
}

// guessCost is what a wrong password costs for this file, as far as can be seen without the right one.
func (s *openedStore) guessCost() int64 {
	bare, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{})
	if err != nil {
		return guessRounds + 1
	}
	return guessCost(bare, len(s.Data))
}

// worthAsking reports whether somebody is there to be asked, and would want to be. What can be inspected without a
// password is shown without.
func (o *storeOpener) worthAsking(seen *keystore.Store) bool {
	return o.canAsk() && !o.bare && (o.Demand || seen == nil || hasLocked(seen) || hasSealed(seen))
}

// askStore asks for the password of a file: once, however often the command names it. Just the Enter key is nil.
func (o *storeOpener) askStore(s *openedStore, seen *keystore.Store) (keystore.Secret, error) {
	what := s.Name
	if o.PassFlag == "--trust-pass" {
		what += ", which is to be trusted"
	}
	switch {
	case o.Many:
		what += " and the other files that need one"
	case o.Demand && readableWithout(seen):
		what += " (Enter: read it without checking that nobody changed it)"
	case !o.Demand:
		what += " (Enter: show what can be seen without)"
	}
	if o.Many {
		return o.Known.askForAll(func() (keystore.Secret, error) { return o.ask(what) })
	}
	known := o.Known.of(s.Data)
	if known.store == nil {
		secret, err := o.ask(what)
		known.store = &answer{secret, err}
	}
	return known.store.secret, known.store.err
}

// ask asks a person for something that need not be answered: the Enter key, or the end of input, is nil.
func (o *storeOpener) ask(what string) (keystore.Secret, error) {
	ask := o.Ask
	if ask == nil {
		ask = o.askOnce
	}
	secret, err := ask(what)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return secret, err
}

// tryTyped decodes with what a person typed.
func (o *storeOpener) tryTyped(s *openedStore, secret keystore.Secret) error {
	err := o.try(s, secret, passGiven)
	if err == nil {
		o.Known.remember(secret)
	}
	typed := givenPassword{secret, passwordSource{kind: sourcePrompt}}
	switch {
	case errors.Is(err, keystore.ErrKeyPassword):
		return o.keysRefusal(s, typed, err)
	case errors.Is(err, keystore.ErrPassword):
		return o.refusal(s, []givenPassword{typed}, err)
	}
	return err
}

// keysRefusal is the error for a password that opens a key, but not the store. The hint has what opens both.
func (o *storeOpener) keysRefusal(s *openedStore, g givenPassword, err error) error {
	stores, keys := "file:PATH", quoted(g.source.String())
	switch g.source.kind {
	case sourcePrompt:
		stores = "prompt" // for who does not know where it is kept
	case sourceText:
		keys = "prompt"
	}
	if path, secret := s.passBeside(); path != "" && o.Known.guess(s.guessCost(), func() bool { return o.opens(s, secret) }) {
		stores = "file:" + quoted(path)
	}
	if o.PassFlag != "--in-pass" || o.KeyPass.given() { // there is no flag for the keys of what is trusted, or it is taken
		return withHint(err, "name where the store's own password is kept: %s %s", o.PassFlag, stores)
	}
	return withHint(err, "it opens a key; give the store's own too: %s %s --in-key-pass %s", o.PassFlag, stores, keys)
}

// opens reports whether a password is that of a store.
func (o *storeOpener) opens(s *openedStore, secret keystore.Secret) bool {
	store, err := o.decodeWith(s, keystore.DecodeOptions{Password: secret})
	return err == nil && fits(store)
}

// refusal is the error for passwords that do not fit, with a hint: the likely slip, if one of them nearly does.
func (o *storeOpener) refusal(s *openedStore, refused []givenPassword, err error) error {
	if text := o.nearMiss(s, refused); text != "" {
		return withHint(err, "%s", text)
	}
	return withHint(err, "name where the right password is kept: %s file:PATH", o.PassFlag)
}

// nearMiss finds out which slip would explain that passwords do not fit; "" when none that can be afforded to try does.
func (o *storeOpener) nearMiss(s *openedStore, refused []givenPassword) string {
	cost := s.guessCost()
	guess := func(secret keystore.Secret) bool {
		return o.Known.guess(cost, func() bool { return o.opens(s, secret) })
	}
	if path, secret := s.passBeside(); path != "" && guess(secret) {
		return fmt.Sprintf("the password in %s fits: %s file:%s", path, o.PassFlag, quoted(path))
	}
	if guess(keystore.Secret{}) {
		return fmt.Sprintf("the empty password fits: %s none", o.PassFlag)
	}
	for _, g := range refused {
		for _, near := range nearPasswords(g.secret) {
			if guess(near.secret) {
				return near.hint(g.source)
			}
		}
	}
	return ""
}

// try decodes with one password.
func (o *storeOpener) try(s *openedStore, secret keystore.Secret, how string) error {
	store, err := o.decodeWith(s, keystore.DecodeOptions{Password: secret, KeyPassword: o.KeySecret, KeyPasswords: o.KeySecrets})
	if err != nil {
		return err
	}
	switch {
	case how == passNone && o.KeySecret.Given():
		how = passGiven
	case how == passGiven && len(secret) == 0 && len(store.Protection) > 0: // it may be given as well as tried
		how = passEmpty
	}
	s.Store, s.Password, s.How = store, secret, how
	return nil
}

// fits reports whether a password that a file was decoded with did anything: a PKCS12 without a MAC whose keys alone are
// encrypted can be decoded with any.
func fits(s *keystore.Store) bool {
	if s.Integrity == keystore.IntegrityVerified || !hasLocked(s) {
		return true
	}
	for i := range s.Identities {
		if s.Identities[i].Key != nil {
			return true
		}
	}
	return false
}
