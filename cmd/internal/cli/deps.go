package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// deps is what a command is given of the outside world, and the flags that every command has. Tests give their own.
type deps struct {
	in        io.Reader
	out       io.Writer                        // results
	err       io.Writer                        // everything else
	env       func(name string) (string, bool) // a variable, and whether it is set
	now       func() time.Time
	random    io.Reader
	isTerm    bool                   // a person can be asked: standard input and error are terminals
	readSafe  func() ([]byte, error) // reads a line from the terminal without showing it
	stdinLine *lineReader            // shared by everything that reads lines of standard input

	opened openedKeys // by commands that one command runs; nil: not kept

	pki        string
	defaultPKI string // the folder where --pki does not name one
	quiet      bool
	verbose    bool
	json       bool
}

// processDeps is the real world, in which nothing waits for a person longer than ctx lasts.
func processDeps(ctx context.Context) *deps {
	d := &deps{
		in:     untilDone{ctx, os.Stdin},
		out:    os.Stdout,
		err:    os.Stderr,
		env:    os.LookupEnv,
		now:    time.Now,
		random: rand.Reader,
		isTerm: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		pki:    "pki",
	}
	d.readSafe = func() ([]byte, error) { return readUnseen(ctx, int(os.Stdin.Fd())) }
	d.stdinLine = &lineReader{r: d.in}
	if dir, ok := os.LookupEnv("MQTTPKI_DIR"); ok && dir != "" {
		d.pki = dir
	}
	d.defaultPKI = d.pki
	return d
}

// notice tells the person something on standard error, unless --quiet.
func (d *deps) notice(format string, args ...any) {
	if !d.quiet {
		_, _ = fmt.Fprintf(d.err, format+"\n", args...)
	}
}

// warn is for what the person must not miss: --quiet does not silence it.
func (d *deps) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(d.err, "warning: "+format+"\n", args...)
}

// detail is told with --verbose only.
func (d *deps) detail(format string, args ...any) {
	if d.verbose {
		_, _ = fmt.Fprintf(d.err, format+"\n", args...)
	}
}

// print writes one line of result.
func (d *deps) print(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}
