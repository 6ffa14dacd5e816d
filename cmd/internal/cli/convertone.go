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
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// convertJob is one conversion: what was read, and where and how the result goes.
type convertJob struct {
	Sources    []*openedStore // merged into one
	Target     keystore.Codec
	Output     string // a path, or "-"
	Profile    string // of the target, as keystore.EncodeOptions has it
	Iterations int
}

// job is the conversion of the sources into a file.
func (o *convertOptions) job(sources []*openedStore, output string) convertJob {
	j := convertJob{Sources: sources, Target: o.form.Target, Output: output}
	if j.Target == nil { // --in-place
		j.Target = sources[0].Codec
	}
	j.Profile, j.Iterations = o.writing(sources[0])
	return j
}

// convertOne does one conversion. The report is there also where the plan was refused.
func (o *convertOptions) convertOne(j convertJob) (*conversion, error) {
	pass, err := o.outPassword(j)
	if err != nil {
		return nil, err
	}
	plan, err := compute(o, func() (*convert.Plan, error) { return convert.NewPlan(j.sources(), o.recipeFor(j, pass)) })
	if err != nil {
		return nil, err
	}
	if !protectsAll(j.Target) && !plan.HasKeys() {
		pass = outPassword{how: outNone} // there is nothing to encrypt
	}
	r := newConversion(j, plan)
	r.Password = pass.how
	if o.Split {
		r.noteNames(plan.Store())
	}
	if err := plan.Refusal(); err != nil && !o.AllowLoss {
		return r, fmt.Errorf("converting %q: %w", j.Sources[0].Name, err)
	}
	if o.nothingToChange(j, plan) {
		o.notice("note: %s has all that is asked for; it was not written", j.Output)
		return r, nil
	}
	if o.DryRun {
		if err := o.foresee(j, plan, pass, r); err != nil {
			return r, fmt.Errorf("converting %q: %w", j.Sources[0].Name, err)
		}
		return r, nil
	}
	files, err := compute(o, func() ([]safefile.File, error) { return o.build(j, plan, pass) })
	if err == nil && j.Output != standardStream {
		err = nameable(files)
	}
	if err != nil {
		return r, fmt.Errorf("converting %q: %w", j.Sources[0].Name, err)
	}
	if o.form.OutDir == "" && o.ended() != nil {
		return nil, o.ended()
	}
	if j.Output == standardStream {
		_, err := o.out.Write(files[0].Data)
		return r, err
	}
	r.PlainKey = plan.HasKeys() && !pass.store.Given() && !pass.keys.Given()
	return r, o.commit(j, files, r, pass)
}

// compute does what may take long and writes nothing. A single conversion gives it up when it is interrupted; of many,
// those that were begun are finished.
func compute[T any](o *convertOptions, do func() (T, error)) (T, error) {
	if o.form.OutDir != "" {
		return do()
	}
	return orDone(o.ctx, do)
}

// nothingToChange reports whether --trust names only what is trusted in the file already. Such a command can be run again
// and again, and makes no backup each time.
func (o *convertOptions) nothingToChange(j convertJob, plan *convert.Plan) bool {
	return o.form.InPlace && len(o.Trust) > 0 && !o.OutPass.given() && !o.KeyPass.given() && o.Encoding == "" &&
		!plan.Changes(j.Sources[0].Store)
}

// sources are the job's as the engine takes them.
func (j convertJob) sources() []convert.Source {
	var list []convert.Source
	for _, s := range j.Sources {
		source := s.source()
		source.KeyPasswords = s.ownKeyPasswords()
		list = append(list, source)
	}
	return list
}

// recipeFor completes the command's recipe for one job.
func (o *convertOptions) recipeFor(j convertJob, pass outPassword) convert.Recipe {
	recipe := o.recipe
	recipe.Target = j.Target
	recipe.KeepKeyPasswords = o.form.InPlace && j.Target.Name() == "jks" && !o.KeyPass.all.given()
	if o.Split {
		recipe.Target = pemfile.Codec{} // which has a place for everything that the files together will hold
	}
	recipe.LoneKeys = recipe.Target.Name() == "pem"
	recipe.Options = keystore.EncodeOptions{
		Password: pass.store, KeyPassword: pass.keys, KeyPasswords: pass.one, Profile: j.Profile, Iterations: j.Iterations,
		Random: o.random, Now: o.now(),
	}
	return recipe
}

// refuseExisting fails early, before anything is read and a person is asked for passwords, when the result's name is taken.
func (o *convertOptions) refuseExisting(output string) error {
	if o.Force || o.DryRun || o.form.InPlace || o.Split || output == standardStream || !fileExists(output) {
		return nil
	}
	err := fmt.Errorf("writing %q: %w", output, keystore.ErrExists)
	if hint := ownNameHint(output); hint != "" {
		return withHint(err, "%s", hint)
	}
	if len(o.form.Inputs) == 1 && o.form.Inputs[0] == output {
		return withHint(err, "mqttpki convert --in-place %s changes a file where it is; the old one is kept as a dated backup", quoted(output))
	}
	return err
}

// ownNameHint is what to do where the result's name is that of something which --force does not replace either; "" where
// it is free, or a file's.
func ownNameHint(output string) string {
	info, err := os.Lstat(output)
	switch {
	case err != nil || info.Mode().IsRegular():
		return ""
	case info.IsDir():
		return "it is a folder: name a file in it, or use --out-dir " + quoted(output)
	case info.Mode()&fs.ModeSymlink != 0:
		if file, err := filepath.EvalSymlinks(output); err == nil {
			return "it is a symbolic link: name the file behind it, " + quoted(file)
		}
	}
	return "it is no file: choose a name that is free"
}

// fileExists reports whether a name is taken, be it by a dangling link.
func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// build makes the files, the password's among them.
func (o *convertOptions) build(j convertJob, plan *convert.Plan, pass outPassword) ([]safefile.File, error) {
	var files []safefile.File
	if o.Split {
		base := strings.TrimSuffix(j.Output, filepath.Ext(j.Output))
		parts, err := plan.Split(filepath.Base(base), o.layout())
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

// layout is how --split names its files.
func (o *convertOptions) layout() convert.Layout {
	l := convert.Layout{
		Target: o.form.Target, Key: ".key", Cert: ".crt", FileName: safeName,
		Other: map[keystore.OtherKind]string{keystore.KindRequest: ".csr", keystore.KindCRL: ".crl", keystore.KindPublicKey: ".pub"},
	}
	if l.Target.Name() == "der" {
		l.Cert, l.OneEach = ".cer", true // as Windows names them
	}
	return l
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
		files[0].Secret = files[0].Secret || j.dropsRemarks(j.Sources[0]) // so that a backup has them
	}
	held, _, _ := readPassFile(passFileBeside(j.Output)) // nil where there is none
	done, err := o.writer.Commit(files)
	if err != nil {
		if errors.Is(err, keystore.ErrExists) && onlyPassTaken(files) {
			err = withHint(err, "it may be another store's password; name one for this store: --out-pass file:PATH")
		}
		if hint := ownNameHint(j.Output); hint != "" && !o.Split {
			err = withHint(err, "%s", hint)
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
	o.tellPassFile(j, pass, held)
	for _, path := range o.leftovers(j.Output, files) {
		o.warn("%s %s", path, leftoverText)
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
