package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
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
	tty       io.Writer              // where one can be asked for passwords though not both are; nil: there is no such place
	readSafe  func() ([]byte, error) // reads a line from the terminal without showing it
	ctx       context.Context        // of the command that runs; nil: it never ends
	columns   func() int             // of the terminal that err is; nil: usualColumns
	stdinLine *lineReader            // shared by everything that reads lines of standard input

	told *messages // what say has said, with --json; nil: it is printed at once

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
	keyboard := os.Stdin
	if !d.isTerm && anyTerminal(os.Stdin, os.Stdout, os.Stderr) {
		// A file is piped in, or messages go to a log, and a password can be typed all the same.
		if in, out, err := openTerminal(); err == nil {
			keyboard, d.tty = in, out
		}
	}
	d.readSafe = func() ([]byte, error) { return readUnseen(ctx, int(keyboard.Fd())) }
	d.columns = func() int {
		if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && width > 0 {
			return width
		}
		return usualColumns
	}
	d.stdinLine = &lineReader{r: d.in}
	if dir, ok := os.LookupEnv("MQTTPKI_DIR"); ok && dir != "" {
		d.pki = dir
	}
	d.defaultPKI = d.pki
	return d
}

// anyTerminal reports whether any of the streams is a terminal: where none is, the person who began a script may be far, and
// nobody expects it to ask.
func anyTerminal(streams ...*os.File) bool {
	return slices.ContainsFunc(streams, func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) })
}

// openTerminal opens the terminal that the process belongs to, to read and to write, wherever its streams lead.
func openTerminal() (in, out *os.File, err error) {
	if runtime.GOOS != "windows" {
		in, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
		return in, in, err
	}
	if in, err = os.OpenFile("CONIN$", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	if out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0); err != nil {
		_ = in.Close()
	}
	return in, out, err
}

// forMany returns deps that several goroutines can use at the same time: what they print goes past the progress line, and
// who reads random bytes takes turns. Nobody is asked through them while the line is there, since that takes it as a whole.
func (d *deps) forMany(line *progress) *deps {
	shared := *d
	shared.out, shared.err, shared.random = line.over(d.out), line.over(d.err), &readerInTurns{r: d.random}
	return &shared
}

// readerInTurns is a reader for several goroutines.
type readerInTurns struct {
	mu sync.Mutex
	r  io.Reader
}

func (t *readerInTurns) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.r.Read(p)
}

// canAsk reports whether a person can be asked for a password.
func (d *deps) canAsk() bool { return d.isTerm || d.tty != nil }

// question is where a person is asked for a password: on the terminal, whatever becomes of messages.
func (d *deps) question() io.Writer {
	if d.tty != nil {
		return d.tty
	}
	return d.err
}

// notice tells the person something on standard error, unless --quiet.
func (d *deps) notice(format string, args ...any) {
	if !d.quiet {
		d.say(format, args...)
	}
}

// warn is for what the person must not miss: --quiet does not silence it.
func (d *deps) warn(format string, args ...any) {
	d.say("warning: "+format, args...)
}

// detail is told with --verbose only.
func (d *deps) detail(format string, args ...any) {
	if d.verbose {
		d.say(format, args...)
	}
}

// say prints a line for a person, or with --json keeps it for a document. Names in it may come from files and folders that
// nobody vouches for.
func (d *deps) say(format string, args ...any) {
	if d.told != nil {
		d.told.add(fmt.Sprintf(format, args...)) // which JSON escapes
		return
	}
	_, _ = fmt.Fprintf(d.err, format+"\n", printableArgs(args)...)
}

// print writes one line of result.
func (d *deps) print(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}
