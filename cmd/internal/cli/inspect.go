package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// inspectOptions are the flags of inspect.
type inspectOptions struct {
	*deps
	Files   []string
	Pass    passwordSources
	KeyPass keySources
}

// newInspectCommand says what is in key and certificate files.
func newInspectCommand(d *deps) *cobra.Command {
	o := &inspectOptions{deps: d}
	c := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Say what is in a key, certificate, request, CRL or store, and who can read it",
		Long: `inspect tells a file's format by its content, lists its entries and certificates, how it is protected, what is wrong
with it, and which programs can read it. It changes nothing and shows no private key.

Without a password it shows what can be seen without one. A password is taken from --in-pass (repeat it when files
differ), else from the file NAME.pass beside the file; else the empty one is tried, and a person is asked.

The exit code is 3 when a problem is an error: somebody will refuse the file or what is in it. Warnings and notices
leave it at 0. docs/inspect.md lists all problems and says where the rules on readers come from; --verbose shows the
source of each.`,
		Example: `  mqttpki inspect client.p12
  mqttpki inspect broker.jks --in-pass file:broker.pass
  mqttpki inspect --json *.pem *.jks`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			o.Files = files
			return o.run()
		},
	}
	c.Flags().Var(&o.Pass, "in-pass", "where the files' password is kept (repeat when they differ)")
	c.Flags().Var(&o.KeyPass, "in-key-pass", "where the password of keys is kept that have another than their store (repeat with ALIAS=)")
	return c
}

// inspection is the JSON document.
type inspection struct {
	Schema string          `json:"schema"`
	Files  []inspectedFile `json:"files"`
}

// inspectedFile is one file in the JSON document: its report, and why there is none, or that a password for its keys is
// wrong.
type inspectedFile struct {
	inspect.File
	Error *fileError `json:"error,omitempty"`
}

// run describes the files in their order and carries on past those that cannot be read; the exit code is the worst.
func (o *inspectOptions) run() error {
	opener := &storeOpener{deps: o.deps, PassFlag: "--in-pass", For: o.Files, Pass: o.Pass, KeyPass: o.KeyPass.all, KeyPasswords: o.KeyPass.one}
	doc := inspection{Schema: "mqttpki.inspect/1", Files: []inspectedFile{}}
	var failed []error
	var faulty []string
	for i, path := range o.Files {
		s, err := opener.open(path)
		if err := o.ended(); err != nil {
			return err
		}
		if errors.Is(err, errUsage) || err != nil && len(o.Files) == 1 {
			return err
		}
		file := inspectedFile{File: unread(path)}
		if err == nil {
			file.File = o.describe(s)
			if !o.json {
				if i > 0 {
					o.print("")
				}
				printReport(o.out, &file.File, o.verbose)
			}
			if len(file.Problems) > 0 && file.Problems[0].Severity == inspect.Error { // the worst is first
				faulty = append(faulty, s.Name)
			}
			err = opener.checkKeys(s)
		}
		if err != nil {
			failed = append(failed, err)
			file.Error = newFileError(err)
			if !o.json && len(o.Files) > 1 {
				o.say("mqttpki: %s", err)
				if hint := file.Error.Hint; hint != "" {
					o.say("hint: %s", hint)
				}
			}
		}
		doc.Files = append(doc.Files, file)
	}
	if o.json {
		if err := o.printJSON(doc); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return o.failure(failed)
	}
	if len(faulty) > 0 {
		return foundf("there are errors in %s", strings.Join(faulty, ", "))
	}
	return nil
}

// describe reports on a file that was read.
func (o *inspectOptions) describe(s *openedStore) inspect.File {
	return inspect.Describe(s.Store, inspect.Options{
		File: s.Name, Format: s.Format, Bytes: len(s.Data), Text: pemfile.Text(s.Data), Password: s.How, PasswordText: s.Password,
		Now: o.now(), Mode: permissions(s.Path),
	})
}

// unread is the report on a file that could not be read: of what it is nothing is known.
func unread(path string) inspect.File {
	f := inspect.File{File: path, Protection: []inspect.Protection{}, Entries: []inspect.Entry{}, Problems: []inspect.Problem{}, Readers: []inspect.Reader{}}
	if path == standardStream {
		f.File = standardInput
	}
	return f
}

// failure is the error for all files that failed, of the worst kind there was. What is wrong with each has been said, but
// for machines and of the only file.
func (o *inspectOptions) failure(failed []error) error {
	worst := failed[0]
	for _, err := range failed[1:] {
		if outcomeOf(err).code > outcomeOf(worst).code {
			worst = err
		}
	}
	if o.json || len(o.Files) == 1 {
		return worst
	}
	err := fmt.Errorf("%d of %d files could not be read as asked", len(failed), len(o.Files))
	if o := outcomeOf(worst); o.code != exitFailed {
		err = ofKind(o.kind, err)
	}
	return withHint(err, "each line that begins with mqttpki: says why; the other files are shown")
}

// permissions returns who may do what with a file; 0 where that is not told in a number, or the file has no name.
func permissions(path string) fs.FileMode {
	if path == "" || runtime.GOOS == "windows" {
		return 0
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Mode().Perm()
}
