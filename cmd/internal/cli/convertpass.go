package cli

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// keySources is a flag for the passwords of keys: SOURCE for all of them, ALIAS=SOURCE for one (repeat).
type keySources struct {
	all passwordSource
	one map[string]passwordSource
}

// Set adds one source, for pflag. An alias may hold an equal sign itself; what is a source as a whole has none.
func (k *keySources) Set(text string) error {
	var s passwordSource
	if s.Set(text) == nil {
		if k.all.given() {
			return sourceError{errors.New("one source for all keys was given already; ALIAS=SOURCE is for a single key")}
		}
		k.all = s
		return nil
	}
	for i := range len(text) {
		if text[i] == '=' && i > 0 && s.Set(text[i+1:]) == nil {
			if k.one == nil {
				k.one = map[string]passwordSource{}
			}
			k.one[text[:i]] = s
			return nil
		}
	}
	return sourceError{errors.New("neither a password source nor ALIAS=SOURCE; a source is prompt, env:NAME, file:PATH or stdin")}
}

// String is what help shows as the default; it never shows a password.
func (k *keySources) String() string { return k.all.String() }

// Type is what help shows as the flag's argument.
func (*keySources) Type() string { return "[ALIAS=]SOURCE" }

// given reports whether the flag was used.
func (k *keySources) given() bool { return k.all.given() || len(k.one) > 0 }

// Where the password of a result comes from, for reports.
const (
	outNone  = "none"  // nothing in it is protected by one
	outSame  = "same"  // that of an input
	outGiven = "given" // named by --out-pass
	outMade  = "made"  // made up, and kept in a file
)

// outPassword is how a result is protected.
type outPassword struct {
	store keystore.Secret
	keys  keystore.Secret            // nil: as the store
	one   map[string]keystore.Secret // of single keys, by alias
	file  string                     // where the store's was made up for, and has to be kept; "" when it is known already
	how   string
}

// protectsAll reports whether a format protects the store as a whole, not the keys alone.
func protectsAll(codec keystore.Codec) bool { return codec.Name() == "p12" || codec.Name() == "jks" }

// outPassword decides the password of the result: what was asked for; of a file changed in place its own; that in the
// result's NAME.pass, if it opened an input; else a new one.
func (o *convertOptions) outPassword(j convertJob) (pass outPassword, err error) {
	pass.how = outNone
	switch {
	case j.Profile == p12file.ProfilePasswordlessTrust:
		return pass, nil
	case o.OutPass.given():
		err = o.namedPassword(j, &pass)
	case o.form.InPlace:
		err = o.ownPassword(j, &pass)
	case !protectsAll(j.Target) && (!hasIdentity(j.Sources) || o.KeyPass.all.given()), j.Target.Name() == pemfile.PKCS7{}.Name():
		// There is no key to protect, or --key-pass does, or PKCS#7 has no place for one.
	default:
		err = o.newPassword(j, &pass)
	}
	if err == nil && o.KeyPass.given() {
		pass.keys, pass.one, err = o.resolveKeys()
		if pass.how == outNone && pass.keys.Given() {
			pass.how = outGiven
		}
	}
	if err == nil && protectsAll(j.Target) {
		err = o.needTexts(j, pass)
	}
	return pass, err
}

// needTexts is needText for the passwords of a result, but for one that stays what it was in place.
func (o *convertOptions) needTexts(j convertJob, pass outPassword) error {
	stays := o.form.InPlace && bytes.Equal(pass.store, j.Sources[0].Password)
	if err := needText(pass.store, o.OutPass, "the result"); err != nil && !stays {
		if pass.how == outSame && !o.OutPass.given() {
			path := passFileBeside(j.Output)
			return needText(pass.store, passwordSource{sourceFile, path}, "the result, in "+path+",")
		}
		return err
	}
	if err := needText(pass.keys, o.KeyPass.all, "the result's keys"); err != nil {
		return err
	}
	for _, alias := range slices.Sorted(maps.Keys(pass.one)) {
		if err := needText(pass.one[alias], o.KeyPass.one[alias], fmt.Sprintf("the result's key %q", alias)); err != nil {
			return err
		}
	}
	return nil
}

// namedPassword is that of --out-pass.
func (o *convertOptions) namedPassword(j convertJob, pass *outPassword) error {
	p, err := o.resolveOut(j)
	if err != nil {
		return err
	}
	withKeys := hasIdentity(j.Sources) && len(o.Only)+len(o.Remove) == 0
	if !p.secret.Given() && (j.Target.Name() == "jks" || j.Target.Name() == "p12" && withKeys) {
		return withHint(usagef("--out-pass none is for PEM and DER, and for PKCS12 without private keys"),
			"--out-pass file:PATH, or leave it out to have one made up")
	}
	pass.store = p.secret
	switch {
	case p.made:
		pass.file, pass.how = passFileBeside(j.Output), outMade
		if o.form.InPlace {
			return j.mayReplacePass(pass.file)
		}
	case j.opened(p.secret):
		pass.how = outSame
	case p.secret.Given():
		pass.how = outGiven
	}
	return nil
}

// ownPassword is that of a file that is changed in place: it stays.
func (o *convertOptions) ownPassword(j convertJob, pass *outPassword) error {
	first := j.Sources[0]
	if first.How == passNeeded {
		err := fmt.Errorf("writing %q: its password has to stay, and was not given: %w", j.Output, keystore.ErrPassword)
		return withHint(err, "name where it is kept: --in-pass file:PATH")
	}
	pass.store = first.Password
	if !protectsAll(first.Codec) {
		pass.keys = first.KeyPassword
	}
	if pass.store.Given() || pass.keys.Given() {
		pass.how = outSame
	}
	return nil
}

// newPassword is that in the result's NAME.pass, or one that is made up.
func (o *convertOptions) newPassword(j convertJob, pass *outPassword) error {
	if j.Output == standardStream {
		if protectsAll(j.Target) {
			return withHint(usagef("a password that is made up could not be kept beside standard output"), "name one: --out-pass file:PATH")
		}
		return withHint(usagef("whether the private key is to be encrypted has to be said for standard output"), "--out-pass none, or --out-pass file:PATH")
	}
	path := passFileBeside(j.Output)
	if secret, _, err := readPassFile(path); err == nil && j.opened(secret) {
		pass.store, pass.how = secret, outSame // client.p12 and client.jks beside each other share client.pass
		return nil
	}
	secret, err := o.randomPassword()
	pass.store, pass.file, pass.how = secret, path, outMade
	return err
}

// opened reports whether a password is that of an input.
func (j convertJob) opened(secret keystore.Secret) bool {
	return slices.ContainsFunc(j.Sources, func(s *openedStore) bool {
		return s.Password.Given() && bytes.Equal(s.Password, secret)
	})
}

// hasIdentity reports whether any input holds a private key.
func hasIdentity(sources []*openedStore) bool {
	return slices.ContainsFunc(sources, func(s *openedStore) bool { return len(s.Store.Identities) > 0 })
}

// resolveOut resolves --out-pass: once for all files of a command, but for random, which is another one for each.
func (o *convertOptions) resolveOut(j convertJob) (password, error) {
	if o.OutPass.kind == sourceRandom && j.Output == standardStream {
		return password{}, usagef("a password that is made up could not be kept beside standard output")
	}
	if o.OutPass.kind == sourceRandom {
		return o.resolve(o.OutPass, "", false)
	}
	if o.outOnce == nil {
		p, err := o.resolve(o.OutPass, "the result", true)
		if err != nil {
			return password{}, err
		}
		o.outOnce = &p
	}
	return *o.outOnce, nil
}

// resolveKeys resolves --key-pass, once.
func (o *convertOptions) resolveKeys() (all keystore.Secret, one map[string]keystore.Secret, err error) {
	if o.keysResolved {
		return o.keyAll, o.keyOne, nil
	}
	read := func(source passwordSource, what string) (keystore.Secret, error) {
		if source.kind == sourceRandom {
			return nil, usagef("--key-pass random would be lost; name where the password is kept")
		}
		p, err := o.resolve(source, what, true)
		return p.secret, err
	}
	if o.KeyPass.all.given() {
		if all, err = read(o.KeyPass.all, "the result's keys"); err != nil {
			return nil, nil, err
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(o.KeyPass.one)) {
		secret, err := read(o.KeyPass.one[alias], fmt.Sprintf("the result's key %q", alias))
		if err != nil {
			return nil, nil, err
		}
		if one == nil {
			one = map[string]keystore.Secret{}
		}
		one[alias] = secret
	}
	o.keyAll, o.keyOne, o.keysResolved = all, one, true
	return all, one, nil
}

// checkKeyAliases fails when --in-key-pass names a key that is in no input: a slip, that would show only where the key is
// locked, and then as something else.
func (o *convertOptions) checkKeyAliases(sources []*openedStore) error {
	for _, alias := range slices.Sorted(maps.Keys(o.InKeyPass.one)) {
		found := slices.ContainsFunc(sources, func(s *openedStore) bool {
			return slices.ContainsFunc(s.Store.Identities, func(id keystore.Identity) bool { return strings.EqualFold(id.Alias, alias) })
		})
		if !found {
			return withHint(ofKind(errNotFound, fmt.Errorf("opening the key %q of --in-key-pass: no input has it", alias)),
				"mqttpki inspect %s shows the entries", quoted(sources[0].Name))
		}
	}
	return nil
}
