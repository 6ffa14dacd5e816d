// Package cli is the command line: flags, prompts, tables, exit codes. One file a command; the contract of names,
// flags and exit codes is stable (docs/cli.md).
//
// Only this package reads the environment, prints, prompts or decides how the process ends. The packages below it
// return values and errors and are given their clock, randomness and passwords.
package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := processDeps(ctx)
	d.collectAt(garbageOfCommand)
	return run(ctx, d, os.Args[1:])
}

// run is Main for given streams, clock and arguments; tests call it.
func run(ctx context.Context, d *deps, args []string) int {
	d.ctx = ctx
	results := &resultWriter{w: d.out}
	d.out = results
	root := newRootCommand(d)
	root.SetArgs(args)
	root.SetIn(d.in)
	root.SetOut(d.out)
	root.SetErr(d.err)
	d.json = asksForJSON(args) // known before parsing, so that a wrong command line is reported as JSON too
	d.told = nil
	if d.json {
		d.told = &messages{}
	}
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = results.lost()
	}
	if err == nil {
		d.tellRest()
		return exitDone
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	return d.report(command.CommandPath(), err)
}

// asksForJSON reports whether --json stands among the flags.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.ContainsFunc(args, func(arg string) bool {
		value, given := strings.CutPrefix(arg, "--json=")
		wanted, err := strconv.ParseBool(value)
		return arg == "--json" || given && err == nil && wanted
	})
}

// newRootCommand builds the tree of commands anew, so that no state is shared between two runs in one process.
func newRootCommand(d *deps) *cobra.Command {
	root := &cobra.Command{
		Use:   "mqttpki",
		Short: "Mutual TLS for MQTT: certificates, key stores, broker listeners, and the proof that they work",
		Long: `mqttpki takes an MQTT deployment from nothing to proven mutual TLS. It makes the certificate authority, gives
every server and client its key, certificate and store file in the format its runtime reads (PEM, PKCS12, JKS),
converts between those formats, writes the broker's TLS listener definitions, runs a bundled broker on the same
definitions, and proves with real connections that the right clients get in and the wrong ones do not.

The PKI is a folder: --pki DIR, else the variable MQTTPKI_DIR, else ./pki.

Passwords are named by where they are kept, never by what they are:
  prompt      ask on the terminal          env:NAME    a variable
  file:PATH   first line of a file         stdin       first line of standard input
  random      make one up                  none        no encryption

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 it ran and found something (a failed check, a loss, something
due), 4 not found, 5 wrong password, 6 exists already, 7 locked, 8 not supported, 9 limit on hostile input exceeded,
130 interrupted.`,
		Example: `  mqttpki quickstart --dir demo
  mqttpki init-ca --ca-pass prompt
  mqttpki issue server mqtt.example.com
  mqttpki issue client sensor-17 --format pem,p12,jks
  mqttpki convert jks pem client.jks client.pem
  mqttpki verify`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              cobra.NoArgs,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(withoutPassword(err), "%s --help", c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&d.pki, "pki", d.pki, "the PKI's folder (default $MQTTPKI_DIR, else ./pki)")
	flags.BoolVarP(&d.quiet, "quiet", "q", d.quiet, "print results and errors only")
	flags.BoolVarP(&d.verbose, "verbose", "v", d.verbose, "say what is being done")
	flags.BoolVar(&d.json, "json", d.json, "print one JSON document for machines, errors included")
	_ = root.MarkPersistentFlagDirname("pki")

	for _, add := range commands() {
		root.AddCommand(add(d))
	}
	refuseUnknown(root)
	return root
}

// withoutPassword takes a value out of a flag's error that may be a password.
func withoutPassword(err error) error {
	var source sourceError
	var value interface{ GetValue() string }
	if !errors.As(err, &source) || !errors.As(err, &value) {
		return err
	}
	return errors.New(strings.Replace(err.Error(), strconv.Quote(value.GetValue()), "[redacted]", 1))
}

// refuseUnknown makes every command that only groups others refuse a word it does not know, with exit 2; cobra
// prints help and succeeds.
func refuseUnknown(c *cobra.Command) {
	for _, sub := range c.Commands() {
		refuseUnknown(sub)
	}
	args := c.Args
	if args == nil {
		args = cobra.ArbitraryArgs
	}
	c.Args = func(c *cobra.Command, words []string) error {
		if err := args(c, words); err != nil {
			return usageError(err, "%s --help", c.CommandPath())
		}
		// Cobra asks these two later, and returns plain errors.
		if err := cmp.Or(c.ValidateRequiredFlags(), c.ValidateFlagGroups()); err != nil {
			return usageError(err, "%s --help", c.CommandPath())
		}
		return nil
	}
	if c.HasSubCommands() && c.RunE == nil && c.Run == nil {
		c.RunE = func(c *cobra.Command, words []string) error {
			if len(words) > 0 {
				return usageError(errors.New("unknown command \""+words[0]+"\" for \""+c.CommandPath()+"\""), "%s --help", c.CommandPath())
			}
			return c.Help()
		}
	}
}
