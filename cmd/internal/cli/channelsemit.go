package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/registry"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// channelsEmitOptions are the flags of `channels emit`.
type channelsEmitOptions struct {
	*deps
	Target  string
	Out     string   // "": broker/TARGET in the PKI
	Version string   // of the product
	MQ      string   // --mq-version: the same, under the name that people of IBM MQ look for
	Accept  []string // LISTENER:PROPERTY
	Model   string
	Force   bool
}

// newChannelsEmitCommand writes a product's configuration.
func newChannelsEmitCommand(d *deps) *cobra.Command {
	o := &channelsEmitOptions{deps: d}
	c := &cobra.Command{
		Use:   "emit TARGET",
		Short: "Write a broker product's own configuration, with key material in the formats it reads",
		Long: `Writes everything that is to be deployed for the listeners of the model, and prints the install lines that give each
file its place, owner and mode on the broker's machine. TARGET is one of: ` + strings.Join(registry.Names(), ", ") + `.

What the product cannot express is refused, with the listener and the reason (exit 3). A property that protects somebody
is lost only when that is accepted by name: --accept-loss LISTENER:PROPERTY, where LISTENER is * for what concerns the
whole model, or accept_loss in the target's block of the model.`,
		Example: `  mqttpki channels emit mosquitto --out files --accept-loss SSLREQWS:crl
  mqttpki channels emit ibmmq --mq-version 8.0 --out mq
  mqttpki channels emit bundled --out folder`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeTargets,
		RunE: func(_ *cobra.Command, args []string) error {
			o.Target = args[0]
			return runChannelsEmit(o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.Out, "out", "o", "", "the folder to write to (default: broker/TARGET in the PKI)")
	f.StringVar(&o.Version, "product-version", "", "the product's version (default: what the model says)")
	f.StringVar(&o.MQ, "mq-version", "", "the same for ibmmq, up to four parts: 7.5.0.1")
	f.StringArrayVar(&o.Accept, "accept-loss", nil, "LISTENER:PROPERTY that may be lost; may be repeated")
	f.BoolVarP(&o.Force, "force", "f", false, "overwrite files that are there; old secrets are kept as dated backups")
	modelFlag(c, &o.Model)
	_ = c.MarkFlagDirname("out")
	c.MarkFlagsMutuallyExclusive("product-version", "mq-version")
	return c
}

// channelsEmitReport is the result for machines.
type channelsEmitReport struct {
	Schema    string          `json:"schema"`
	Target    string          `json:"target"`
	Directory string          `json:"directory"`
	Files     []emittedFile   `json:"files"`
	Install   []string        `json:"install"`
	Commands  []emitCommand   `json:"commands"`
	Problems  []problemReport `json:"problems"`
}

type emittedFile struct {
	Path     string `json:"path"`
	Mode     string `json:"mode"`
	Secret   bool   `json:"secret"`
	Note     string `json:"note"`
	Dest     string `json:"dest,omitempty"`
	Owner    string `json:"owner,omitempty"`
	DestMode string `json:"dest_mode,omitempty"`
}

type emitCommand struct {
	Purpose string   `json:"purpose"`
	Text    string   `json:"text"`
	Argv    []string `json:"argv,omitempty"`
}

func runChannelsEmit(o *channelsEmitOptions) error {
	target, err := registry.Get(o.Target)
	if err != nil {
		return usageError(err, "mqttpki channels emit --help")
	}
	if o.MQ != "" && o.Target != "ibmmq" {
		return usagef("--mq-version is for ibmmq; --product-version is for every target")
	}
	model := targets.Model{Version: o.Version + o.MQ}
	for _, text := range o.Accept {
		loss, err := targets.ParseLoss(text)
		if err != nil {
			return usageError(fmt.Errorf("--accept-loss: %w", err), "mqttpki channels check %s names what would be lost", o.Target)
		}
		model.Accept = append(model.Accept, loss)
	}
	path := o.modelPath(o.Model)
	parsed, data, err := o.readModel(path)
	if err != nil {
		return err
	}
	model.Deployment = parsed
	x, err := o.loadDeployment(path)
	if err != nil {
		return err
	}
	files, problems, err := targets.Emit(target, model, o.targetMaterial(x, data))
	if errors.Is(err, targets.ErrRefused) {
		return o.refused(problems)
	}
	if err != nil {
		return err
	}
	dir := o.Out
	if dir == "" {
		dir = filepath.Join(o.pki, "broker", o.Target)
	}
	if err := o.write(dir, files); err != nil {
		return err
	}
	return o.report(target, model, dir, files, problems)
}

// refused prints what kept the target from being used.
func (o *channelsEmitOptions) refused(problems []targets.Problem) error {
	found := targets.Errors(problems)
	var lines []string
	for _, p := range found {
		lines = append(lines, p.String())
	}
	return withHint(foundf("%s cannot be written from this model; nothing was written\n%s", o.Target, strings.Join(lines, "\n")),
		"change the model, or accept each loss by name")
}

// write commits all files or none.
func (o *channelsEmitOptions) write(dir string, files []targets.File) error {
	var artifacts []keystore.Artifact
	for _, f := range files {
		artifacts = append(artifacts, f.Artifact)
	}
	list, err := safefile.FromArtifacts(dir, artifacts)
	if err != nil {
		return err
	}
	result, err := safefile.Commit(list, safefile.Options{Force: o.Force, Now: o.now})
	if err != nil {
		return withHint(fmt.Errorf("writing the configuration: %w", err), "repeat with --force, or name another folder with --out")
	}
	o.backups(result.Backups)
	return nil
}

// report says what was written and what to do with it.
func (o *channelsEmitOptions) report(target targets.Target, model targets.Model, dir string, files []targets.File, problems []targets.Problem) error {
	if o.json {
		return o.printJSON(emitReport(target, model, dir, files, problems))
	}
	printProblems(o.err, problems)
	for _, f := range files {
		o.print("%s: %s", printable(filepath.Join(dir, filepath.FromSlash(f.Path))), f.Note)
	}
	if lines := targets.InstallLines(files); len(lines) > 0 {
		o.print("\n# as root on the broker's machine, in a copy of %s", printable(dir))
		for _, line := range lines {
			o.print("%s", line)
		}
	}
	o.print("")
	for _, c := range target.Commands(model) {
		if c.Argv != nil {
			o.print("# %s: %s\n%s", c.Purpose, c.Text, strings.Join(c.Argv, " "))
		} else {
			o.print("# %s: %s", c.Purpose, c.Text)
		}
	}
	return nil
}

// emitReport is the report for machines.
func emitReport(target targets.Target, model targets.Model, dir string, files []targets.File, problems []targets.Problem) channelsEmitReport {
	r := channelsEmitReport{
		Schema: "mqttpki.channels-emit/1", Target: target.Product().Name, Directory: dir, Files: []emittedFile{},
		Install: append([]string{}, targets.InstallLines(files)...), Commands: []emitCommand{},
		Problems: problemReports(target.Product().Name, problems),
	}
	for _, f := range files {
		out := emittedFile{Path: f.Path, Mode: fmt.Sprintf("%04o", f.Mode), Secret: f.Secret, Note: f.Note, Dest: f.Dest}
		if f.Dest != "" {
			out.Owner, out.DestMode = f.Owner, fmt.Sprintf("%04o", f.DestMode)
			if out.Owner == "" {
				out.Owner = "root:root"
			}
		}
		r.Files = append(r.Files, out)
	}
	for _, c := range target.Commands(model) {
		r.Commands = append(r.Commands, emitCommand{c.Purpose, c.Text, c.Argv})
	}
	return r
}
