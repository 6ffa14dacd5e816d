package cli

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/keystore"
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

// inspectedFile is one file in the JSON document: its report, or why there is none.
type inspectedFile struct {
	inspect.File
	Error *fileError `json:"error,omitempty"`
}

// run describes the files in their order and carries on past those that cannot be read; the exit code is the worst.
func (o *inspectOptions) run() error {
	opener := &storeOpener{deps: o.deps, PassFlag: "--in-pass", For: o.Files, Pass: o.Pass, KeyPass: o.KeyPass.all, KeyPasswords: o.KeyPass.one}
	doc := inspection{Schema: "mqttpki.inspect/1", Files: []inspectedFile{}}
	var worst error
	var faulty []string
	for i, path := range o.Files {
		s, err := opener.open(path)
		if err := o.ended(); err != nil {
			return err
		}
		if err != nil {
			if errors.Is(err, errUsage) || len(o.Files) == 1 {
				return err
			}
			if worst == nil || outcomeOf(err).code > outcomeOf(worst).code {
				worst = err
			}
			doc.Files = append(doc.Files, inspectedFile{inspect.Describe(&keystore.Store{}, inspect.Options{File: path}), newFileError(err)})
			if !o.json {
				o.say("mqttpki: %s", err)
			}
			continue
		}
		report := inspect.Describe(s.Store, inspect.Options{
			File: s.Name, Format: s.Format, Bytes: len(s.Data), Text: pemfile.Text(s.Data), Password: s.How, PasswordText: s.Password,
			Now: o.now(), Mode: permissions(s.Path),
		})
		doc.Files = append(doc.Files, inspectedFile{File: report})
		if len(report.Problems) > 0 && report.Problems[0].Severity == inspect.Error { // the worst is first
			faulty = append(faulty, s.Name)
		}
		if !o.json {
			if i > 0 {
				o.print("")
			}
			printReport(o.out, &report, o.verbose)
		}
	}
	if o.json {
		if err := o.printJSON(doc); err != nil {
			return err
		}
	}
	if worst == nil && len(faulty) > 0 {
		worst = foundf("there are errors in %s", strings.Join(faulty, ", "))
	}
	return worst
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
