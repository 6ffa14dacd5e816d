package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// convertJob is one conversion: what was read, and where the result goes.
type convertJob struct {
	Sources []*openedStore // merged into one
	Target  keystore.Codec
	Output  string // a path, or "-"
}

// job is the conversion that the command line names.
func (o *convertOptions) job(sources []*openedStore) convertJob {
	j := convertJob{Sources: sources, Target: o.form.Target, Output: o.form.Output}
	if j.Target == nil { // --in-place
		j.Target = sources[0].Codec
	}
	return j
}

// outPassword is how a result is protected.
type outPassword struct {
	store keystore.Secret
	keys  keystore.Secret // nil: as the store
	file  string          // where the store's was made up for, and has to be kept; "" when it is known already
}

// convertOne does one conversion. The report is there also where the plan was refused.
func (o *convertOptions) convertOne(j convertJob) (*conversion, error) {
	if err := o.refuseExisting(j.Output); err != nil {
		return nil, err
	}
	pass, err := o.outPassword(j)
	if err != nil {
		return nil, err
	}
	recipe := o.recipe
	recipe.Target = j.Target
	recipe.Options = keystore.EncodeOptions{
		Password: pass.store, KeyPassword: pass.keys, Profile: o.Profile, Iterations: o.Iterations, Random: o.random, Now: o.now(),
	}
	var sources []convert.Source
	for _, s := range j.Sources {
		sources = append(sources, s.source())
	}
	plan, err := convert.NewPlan(sources, recipe)
	if err != nil {
		return nil, err
	}
	if j.Target.Name() == "pem" && !plan.HasKeys() {
		pass = outPassword{} // there is nothing to encrypt
	}
	r := newConversion(j, plan)
	r.Loss = plan.Refusal() != nil
	if err := plan.Refusal(); err != nil && !o.AllowLoss {
		return r, fmt.Errorf("converting %q: %w", j.Sources[0].Name, err)
	}
	if o.DryRun {
		return r, nil
	}
	files, err := o.build(j, plan, pass)
	if err != nil {
		return r, fmt.Errorf("converting %q: %w", j.Sources[0].Name, err)
	}
	if j.Output == standardStream {
		_, err := o.out.Write(files[0].Data)
		return r, err
	}
	r.PlainKey = plan.HasKeys() && !pass.store.Given() && !pass.keys.Given()
	return r, o.commit(j, files, r, pass)
}

// refuseExisting fails early, before a person is asked for passwords, when the result's name is taken.
func (o *convertOptions) refuseExisting(output string) error {
	if o.Force || o.DryRun || o.form.InPlace || o.Split || output == standardStream || !fileExists(output) {
		return nil
	}
	err := fmt.Errorf("writing %q: %w", output, keystore.ErrExists)
	if len(o.form.Inputs) == 1 && o.form.Inputs[0] == output {
		return withHint(err, "mqttpki convert --in-place %s changes a file where it is; the old one is kept as a dated backup", output)
	}
	return err
}

// fileExists reports whether a name is taken, be it by a dangling link.
func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// outPassword decides the password of the result: what was asked for; of a file changed in place its own; that in the
// result's NAME.pass, if it opened an input; else a new one.
func (o *convertOptions) outPassword(j convertJob) (outPassword, error) {
	first := j.Sources[0]
	var pass outPassword
	switch {
	case o.Profile == "passwordless-trust":
		return pass, nil
	case o.OutPass.given():
		p, err := o.resolveOut(j)
		if err != nil {
			return pass, err
		}
		pass.store = p.secret
		if !p.secret.Given() && (j.Target.Name() == "jks" || j.Target.Name() == "p12" && hasIdentity(j.Sources) && len(o.Only)+len(o.Remove) == 0) {
			return pass, withHint(usagef("--out-pass none is for PEM, and for PKCS12 without private keys"), "--out-pass file:PATH, or leave it out to have one made up")
		}
		if p.made {
			pass.file = passFileBeside(j.Output)
		}
	case o.form.InPlace:
		if first.How == passNeeded {
			err := fmt.Errorf("writing %q: its password has to stay, and was not given: %w", j.Output, keystore.ErrPassword)
			return pass, withHint(err, "name where it is kept: --in-pass file:PATH")
		}
		pass.store, pass.keys = first.Password, first.KeyPassword
	case !o.KeyPass.given() || j.Target.Name() != "pem":
		if j.Output == standardStream && j.Target.Name() != "pem" {
			return pass, withHint(usagef("a password that is made up could not be kept beside standard output"), "name one: --out-pass file:PATH")
		}
		if j.Output == standardStream && hasIdentity(j.Sources) {
			return pass, withHint(usagef("whether the private key is to be encrypted has to be said for standard output"), "--out-pass none, or --out-pass file:PATH")
		}
		if pass.store = j.keptPassword(); pass.store.Given() {
			break
		}
		secret, err := o.randomPassword()
		if err != nil {
			return pass, err
		}
		pass.store, pass.file = secret, passFileBeside(j.Output)
	}
	if o.KeyPass.given() {
		p, err := o.resolveKey()
		if err != nil {
			return pass, err
		}
		pass.keys = p
	}
	return pass, nil
}

// keptPassword is the password in the NAME.pass of the result, if it is that of an input: client.p12 and client.jks
// beside each other share client.pass.
func (j convertJob) keptPassword() keystore.Secret {
	secret, _, err := readPassFile(passFileBeside(j.Output))
	if err != nil || j.Output == standardStream {
		return nil
	}
	for _, s := range j.Sources {
		if s.Password.Given() && bytes.Equal(s.Password, secret) {
			return secret
		}
	}
	return nil
}

// hasIdentity reports whether any input holds a private key.
func hasIdentity(sources []*openedStore) bool {
	for _, s := range sources {
		if len(s.Store.Identities) > 0 {
			return true
		}
	}
	return false
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

// resolveKey resolves --key-pass, once.
func (o *convertOptions) resolveKey() (keystore.Secret, error) {
	if o.KeyPass.kind == sourceRandom {
		return nil, usagef("--key-pass random would be lost; name where the password is kept")
	}
	if o.keyOnce == nil {
		p, err := o.resolve(o.KeyPass, "the result's keys", true)
		if err != nil {
			return nil, err
		}
		o.keyOnce = &p
	}
	return o.keyOnce.secret, nil
}

// build makes the files, the password's among them.
func (o *convertOptions) build(j convertJob, plan *convert.Plan, pass outPassword) ([]safefile.File, error) {
	var files []safefile.File
	if o.Split {
		base := strings.TrimSuffix(j.Output, filepath.Ext(j.Output))
		parts, err := plan.Split(filepath.Base(base), safeName)
		if err != nil {
			return nil, err
		}
		if files, err = safefile.FromArtifacts(filepath.Dir(base), parts); err != nil {
			return nil, err
		}
	} else {
		data, err := plan.Build()
		if err != nil {
			return nil, err
		}
		file := safefile.File{Path: j.Output, Mode: safefile.ModePublic, Data: data}
		if plan.HasKeys() {
			file.Mode, file.Secret = safefile.ModePrivate, true
		}
		files = append(files, file)
	}
	if pass.file != "" {
		text := append(bytes.Clone(pass.store), '\n')
		files = append(files, safefile.File{Path: pass.file, Mode: safefile.ModePrivate, Secret: true, Data: text})
	}
	return files, nil
}

// safeName spells an alias so that it can be part of a file name on every system; what cannot is percent-encoded.
func safeName(alias string) string {
	return strings.ReplaceAll(url.QueryEscape(alias), "+", "%20")
}

// commit writes the files, all or none, and completes the report.
func (o *convertOptions) commit(j convertJob, files []safefile.File, r *conversion, pass outPassword) error {
	var before fs.FileInfo
	if o.form.InPlace {
		var err error
		if before, err = os.Stat(j.Output); err != nil {
			return err
		}
		if err := j.Sources[0].unchanged(); err != nil {
			return err
		}
		files[0].Mode = before.Mode().Perm()
	}
	done, err := safefile.Commit(files, safefile.Options{Force: o.Force || o.form.InPlace, Now: o.now})
	if err != nil {
		if errors.Is(err, keystore.ErrExists) && onlyPassTaken(files) {
			err = withHint(err, "it may be another store's password; name one for this store: --out-pass file:PATH")
		}
		return err
	}
	r.Written = done.Written
	for _, b := range done.Backups {
		r.Backups = append(r.Backups, b.Path)
	}
	if before != nil {
		o.keepOwner(j.Output, before)
	}
	if pass.file != "" {
		r.PasswordFile = done.Written[len(done.Written)-1]
	}
	return nil
}

// onlyPassTaken reports whether the password file's name is what is in the way.
func onlyPassTaken(files []safefile.File) bool {
	for _, f := range files {
		if fileExists(f.Path) {
			return filepath.Ext(f.Path) == ".pass"
		}
	}
	return false
}
