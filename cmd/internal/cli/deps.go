package cli

import (
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

	pki     string
	quiet   bool
	verbose bool
	json    bool
}

// processDeps is the real world.
func processDeps() *deps {
	d := &deps{
		in:     os.Stdin,
		out:    os.Stdout,
		err:    os.Stderr,
		env:    os.LookupEnv,
		now:    time.Now,
		random: rand.Reader,
		isTerm: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		pki:    "pki",
	}
	d.readSafe = func() ([]byte, error) { return term.ReadPassword(int(os.Stdin.Fd())) }
	d.stdinLine = &lineReader{r: d.in}
	if dir, ok := os.LookupEnv("MQTTPKI_DIR"); ok && dir != "" {
		d.pki = dir
	}
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
