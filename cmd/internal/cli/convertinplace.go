package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// A store that is changed in place stays what its readers know: the same format, and but for what is asked for the same
// password, profile, iterations, passwords of single keys, mode and owner.

// lockWait is how long a change in place waits for another one of the same file.
const lockWait = 10 * time.Second

// lockInPlace keeps others that change the same file waiting, from before it is read until it is written.
func (o *convertOptions) lockInPlace(ctx context.Context) (release func(), err error) {
	if !o.form.InPlace {
		return func() {}, nil
	}
	if info, err := os.Lstat(o.form.Output); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = fmt.Errorf("changing %q in place: %w: it is a symbolic link", o.form.Output, safefile.ErrUnsafe)
		if file, linkErr := filepath.EvalSymlinks(o.form.Output); linkErr == nil {
			err = withHint(err, "name the file behind it: --in-place %s", quoted(file))
		}
		return nil, err
	}
	if o.DryRun {
		return func() {}, nil
	}
	held, err := safefile.LockFile(ctx, o.form.Output, lockWait)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil // reading it will say so
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = held.Release() }, nil
}

// writing is how a result is to be written: as the flags say and, in place, else as the file was.
func (o *convertOptions) writing(first *openedStore) (profile string, iterations int) {
	profile, iterations = o.Profile, o.Iterations
	if o.Encoding != "" {
		profile = o.Encoding
	}
	if !o.form.InPlace || profile != "" {
		return profile, iterations
	}
	own := 0
	switch first.Codec.Name() {
	case "p12":
		profile, own = p12file.ProfileOf(first.Store)
		if profile == p12file.ProfilePasswordlessTrust && o.OutPass.given() {
			profile = p12file.ProfileModern // which has a place for the password that was asked for
		}
	case "p7b":
		profile = pemfile.PKCS7{}.ProfileOf(first.Data)
	default:
		own = keyIterations(first.Store)
	}
	if iterations == 0 {
		iterations = own
	}
	return profile, iterations
}

// keyIterations is what a file's keys were encrypted with, if that is what we write: 0 for the default.
func keyIterations(s *keystore.Store) int {
	for _, p := range s.Protection {
		if p.Part == "key" && strings.Contains(p.Algorithm, "PBKDF2") {
			return p.Iterations
		}
	}
	return 0
}

// ownKeyPasswords are the passwords of keys that have another than their store. It asks the file: the command line may
// name one password for all keys, though only some have it.
func (s *openedStore) ownKeyPasswords() map[string]keystore.Secret {
	if !s.Password.Given() || !s.KeyPassword.Given() && len(s.KeyPasswords) == 0 {
		return nil
	}
	bare, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{Password: s.Password})
	if err != nil {
		return nil
	}
	own := map[string]keystore.Secret{}
	for i := range bare.Identities {
		alias := bare.Identities[i].Alias
		if !isLocked(&bare.Identities[i]) {
			continue
		}
		own[alias] = s.KeyPassword
		for _, spelled := range []string{strings.ToLower(alias), alias} {
			if secret, ok := s.KeyPasswords[spelled]; ok {
				own[alias] = secret
			}
		}
	}
	return own
}

// mayReplacePass fails when NAME.pass beside a file that gets a new password holds another store's.
func (j convertJob) mayReplacePass(path string) error {
	secret, _, err := readPassFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && bytes.Equal(secret, j.Sources[0].Password):
		return nil
	}
	err = fmt.Errorf("writing %q: %w, and is not the password of %q", path, keystore.ErrExists, j.Output)
	return withHint(err, "name a password: --out-pass file:PATH")
}

// tellPassFile says what becomes of the password that NAME.pass held when the store beside it got another one.
func (o *convertOptions) tellPassFile(j convertJob, pass outPassword, held keystore.Secret) {
	path := passFileBeside(j.Output)
	if !held.Given() || bytes.Equal(held, pass.store) {
		return
	}
	if pass.file == "" {
		if o.form.InPlace && bytes.Equal(held, j.Sources[0].Password) {
			o.notice("note: %s still has the old password", path)
		}
		return
	}
	for _, other := range sharing(j.Output) {
		o.notice("note: %s may have the old password; %s holds it no more", other, path)
	}
}

// sharing lists the other stores beside a file that have the same NAME.pass.
func sharing(path string) (others []string) {
	base := strings.TrimSuffix(path, filepath.Ext(path))
	for _, codec := range formats.All() {
		if !protectsAll(codec) {
			continue
		}
		for _, ending := range codec.Extensions() {
			if other := base + ending; other != path && fileExists(other) {
				others = append(others, other)
			}
		}
	}
	return others
}
