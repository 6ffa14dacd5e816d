package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
)

// conversions is the JSON document of a command that converted many files.
type conversions struct {
	Schema      string        `json:"schema"`
	Source      string        `json:"source"` // --in-dir, "" without
	Target      string        `json:"target"` // --out-dir
	Converted   int           `json:"converted"`
	Failed      int           `json:"failed"`
	Skipped     []string      `json:"skipped"` // files of --in-dir that are not of the format
	DryRun      bool          `json:"dry_run"`
	Conversions []*conversion `json:"conversions"`
}

// manyFile is one of many files to convert.
type manyFile struct {
	path   string
	output string
	err    error // found before anything was read
}

// runMany converts every input by itself, on every core, and carries on past those that fail. The exit code is that of
// the worst failure.
func (o *convertOptions) runMany(ctx context.Context) error {
	if o.OutPass.given() && o.OutPass.kind != sourceRandom {
		if _, err := o.resolveOut(convertJob{}); err != nil {
			return err
		}
	}
	if o.KeyPass.given() {
		if _, err := o.resolveKey(); err != nil {
			return err
		}
	}
	files, skipped, err := o.manyFiles()
	if err != nil {
		return err
	}
	doc := &conversions{Schema: "mqttpki.convert/1", Source: o.form.InDir, Target: o.form.OutDir, Skipped: skipped, DryRun: o.DryRun}
	errs := o.convertAll(ctx, files, doc)
	return o.reportMany(ctx, doc, errs)
}

// manyFiles lists the inputs with the names of their results. Two inputs of one result are an error of the second.
func (o *convertOptions) manyFiles() (files []manyFile, skipped []string, err error) {
	skipped = []string{}
	add := func(path, name string) {
		output := strings.TrimSuffix(name, filepath.Ext(name)) + o.form.Target.Extensions()[0]
		files = append(files, manyFile{path: path, output: filepath.Join(o.form.OutDir, output)})
	}
	if o.form.InDir == "" {
		for _, path := range o.form.Inputs {
			add(path, filepath.Base(path))
		}
	} else if skipped, err = o.walk(add); err != nil {
		return nil, nil, err
	}
	first := map[string]string{}
	for i := range files {
		f := &files[i]
		key := strings.ToLower(f.output)
		if other, taken := first[key]; taken {
			f.err = fmt.Errorf("converting %q: its result would have the same name as that of %q: %w", f.path, other, keystore.ErrExists)
			continue
		}
		first[key] = f.path
	}
	return files, skipped, nil
}

// walk finds the files of --in-dir that are of the format FROM, by their ending or their content; with auto those of
// any format. What lies in --out-dir is no input, be it in the same folder.
func (o *convertOptions) walk(add func(path, name string)) (skipped []string, err error) {
	skipped = []string{}
	out, _ := filepath.Abs(o.form.OutDir)
	err = filepath.WalkDir(o.form.InDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if abs, err := filepath.Abs(path); err == nil && abs == out && path != o.form.InDir {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(o.form.InDir, path)
		if err != nil {
			return err
		}
		if o.isInput(path) {
			add(path, name)
		} else {
			skipped = append(skipped, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = ofKind(errNotFound, err)
	}
	return skipped, err
}

// headBytes is how much of a file is read to tell its format; keystore.Codec's Sniff asks for no more.
const headBytes = 64 << 10

// isInput reports whether a file in --in-dir is to be converted.
func (o *convertOptions) isInput(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || strings.EqualFold(filepath.Ext(path), ".pass") {
		return false
	}
	head, err := readHead(path)
	if err != nil {
		return true // the conversion will say why it cannot be read
	}
	codec, _, err := formats.Detect(head)
	if o.form.From == "" {
		return err == nil
	}
	if err == nil && codec.Name() == o.form.From {
		return true
	}
	from, err := formats.ByName(o.form.From)
	return err == nil && slices.Contains(from.Extensions(), strings.ToLower(filepath.Ext(path)))
}

// readHead reads the beginning of a file.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := f.Read(head)
	if n == 0 && err != nil {
		return nil, err
	}
	return head[:n], nil
}

// convertAll runs the conversions and returns their errors, each at the place of its file.
func (o *convertOptions) convertAll(ctx context.Context, files []manyFile, doc *conversions) []error {
	doc.Conversions = make([]*conversion, len(files))
	errs := make([]error, len(files))
	bar := o.startProgress("converting", len(files))
	defer bar.stop()
	o.opener.Aside = bar.aside
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				doc.Conversions[i], errs[i] = o.convertFile(files[i])
				bar.add(1)
			}
		})
	}
	for i := range files {
		if ctx.Err() != nil {
			errs[i] = ctx.Err()
			continue
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return errs
}

// convertFile converts one of many. The report is there in any case.
func (o *convertOptions) convertFile(f manyFile) (*conversion, error) {
	none := emptyConversion(f.path, f.output, o.form.Target.Name())
	if f.err != nil {
		return none, f.err
	}
	s, err := o.opener.open(f.path)
	if err != nil {
		return none, err
	}
	r, err := o.convertOne(convertJob{Sources: []*openedStore{s}, Target: o.form.Target, Output: f.output})
	if r == nil {
		r = none
	}
	return r, convertFailure(err)
}

// reportMany prints one report and returns an error of the worst kind among errs.
func (o *convertOptions) reportMany(ctx context.Context, doc *conversions, errs []error) error {
	var worst error
	for i, err := range errs {
		r := doc.Conversions[i]
		switch {
		case err == nil:
			doc.Converted++
		case r == nil: // interrupted before its turn
			continue
		default:
			doc.Failed++
			r.Error = newFileError(err)
			if worst == nil || outcomeOf(err).code > outcomeOf(worst).code {
				worst = err
			}
		}
	}
	doc.Conversions = slices.DeleteFunc(doc.Conversions, func(r *conversion) bool { return r == nil })
	for _, r := range doc.Conversions {
		r.DryRun = o.DryRun
	}
	if o.json {
		if err := o.printJSON(doc); err != nil {
			return err
		}
	} else {
		o.printMany(doc)
	}
	if ctx.Err() != nil {
		o.notice("note: %s done; the same command with --force does all of them anew", counted(doc.Converted, "file"))
		return ctx.Err()
	}
	if worst == nil {
		return nil
	}
	failed := fmt.Errorf("%d of %d files were not converted; the worst: %w", doc.Failed, len(errs), worst)
	if o.json {
		return failed
	}
	return withHint(failed, "each line that begins with mqttpki: says why; the other files are done")
}

// printMany prints a line a file made, and what is worth knowing of each.
func (o *convertOptions) printMany(doc *conversions) {
	for _, r := range doc.Conversions {
		if r.Error != nil {
			o.say("mqttpki: %s", r.Error.Message)
			continue
		}
		if o.verbose || o.DryRun {
			o.printPlan(o.out, r)
		} else {
			for _, e := range r.Renamed {
				o.notice("note: %s: %s is now %s (%s)", r.Source, e.From, e.To, e.Why)
			}
			for _, e := range r.Lost {
				o.notice("note: %s: lost %s: %s", r.Source, e.Entry, e.Why)
			}
		}
		o.printWritten(o.out, r)
	}
	if len(doc.Skipped) > 0 {
		o.notice("note: %s of another format left alone", counted(len(doc.Skipped), "file"))
	}
	if doc.Converted+doc.Failed == 0 {
		o.notice("note: there was nothing to convert")
	}
}
