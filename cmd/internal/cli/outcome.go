package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// The exit codes; docs/cli.md promises them to scripts.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3 // it ran, and found something: a failed check, a loss, something due
	exitNotFound    = 4
	exitPassword    = 5
	exitExists      = 6
	exitLocked      = 7
	exitUnsupported = 8
	exitTooLarge    = 9
	exitInterrupted = 130
)

// Kinds of error that only the command line has.
var (
	errUsage       = errors.New("wrong command line")
	errFound       = errors.New("not as it should be") // the command ran; what it found has been printed or stands in the error
	errNotFound    = errors.New("not found")
	errInterrupted = errors.New("interrupted")
)

// outcome is how an error kind ends the process.
type outcome struct {
	kind error
	name string // in JSON
	code int
	hint string // the next thing to do, where the error carries no better one
}

// outcomes is searched in order: the first kind in the error's chain decides.
var outcomes = []outcome{
	{errInterrupted, "interrupted", exitInterrupted, "what was finished is kept; run the same command again to go on"},
	{errUsage, "usage", exitUsage, ""}, // the help of the command
	{errFound, "found", exitFound, ""},
	{keystore.ErrPassword, "password", exitPassword, "name where the right password is kept, for example --in-pass file:client.pass"},
	{keystore.ErrExists, "exists", exitExists, "repeat with --force; an old private key is kept as a dated backup"},
	{keystore.ErrLocked, "locked", exitLocked, "another mqttpki is at work there; try again when it has ended"},
	{keystore.ErrTooLarge, "limit", exitTooLarge, "no honest file reaches this limit; find out where the file came from"},
	{keystore.ErrUnsupported, "unsupported", exitUnsupported, "have the program that made the file write it in another format"},
	{keystore.ErrFormat, "format", exitFailed, "mqttpki inspect FILE says what the file really is"},
	{inventory.ErrVersion, "version", exitUnsupported, "use the mqttpki that made this PKI"},
	{inventory.ErrAmbiguous, "ambiguous", exitFailed, "give the certificate's serial, or its --role; mqttpki list shows them"},
	{ca.ErrPolicy, "policy", exitFailed, ""},
	{ca.ErrNotFound, "not-found", exitNotFound, "mqttpki list shows what there is"},
	{errNotFound, "not-found", exitNotFound, "mqttpki list shows what there is"},
	{fs.ErrNotExist, "not-found", exitNotFound, "check the name"},
	{fs.ErrPermission, "permission", exitFailed, "ls -l shows whose it is; run the command as that user"},
}

// outcomeOf finds how err ends the process.
func outcomeOf(err error) outcome {
	for _, o := range outcomes {
		if errors.Is(err, o.kind) {
			return o
		}
	}
	return outcome{err, "failed", exitFailed, ""}
}

// hinted is an error that brings its own hint.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// withHint gives err a hint, which is the next command to type. The innermost hint wins: it knows most.
func withHint(err error, format string, args ...any) error {
	var h hinted
	if err == nil || errors.As(err, &h) {
		return err
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// hintOf is what to do about an error: what it says itself, or what helps with most of its kind; "" when that is nothing.
func hintOf(err error) string {
	var h hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return cmp.Or(keystore.Remedy(err), outcomeOf(err).hint)
}

// quietError keeps its kind in the chain without spelling it in the message.
type quietError struct {
	error
	kind error
}

func (q quietError) Unwrap() []error { return []error{q.error, q.kind} }

// ofKind gives err a kind that decides the exit code, and leaves its message as it is.
func ofKind(kind, err error) error { return quietError{err, kind} }

// usageError is err as a mistake in the command line (exit 2), with a hint.
func usageError(err error, hint string, args ...any) error {
	return withHint(ofKind(errUsage, err), hint, args...)
}

// usagef is usageError for a message.
func usagef(format string, args ...any) error { return ofKind(errUsage, fmt.Errorf(format, args...)) }

// foundf says that the command ran and what it found (exit 3).
func foundf(format string, args ...any) error { return ofKind(errFound, fmt.Errorf(format, args...)) }

// errorDocument is what standard error has of an error with --json.
type errorDocument struct {
	Error    fileError `json:"error"`
	Messages []string  `json:"messages,omitempty"`
}

// toldError is an error that a document on standard error has told already.
type toldError struct{ error }

func (t toldError) Unwrap() error { return t.error }

// report prints the error of a command (its words, without arguments) with its hint, as text or JSON, and returns the
// exit code.
func (d *deps) report(command string, err error) int {
	o := outcomeOf(err)
	hint := hintOf(err)
	if o.code == exitUsage && hint == "" {
		hint = command + " --help"
	}
	if d.json {
		if !errors.As(err, new(toldError)) {
			doc := errorDocument{Error: fileError{Kind: o.name, Message: err.Error(), Hint: hint, ExitCode: o.code}}
			doc.Messages = d.told.take()
			d.sayDocument(doc)
		}
		return o.code
	}
	_, _ = fmt.Fprintf(d.err, "mqttpki: %s\n", printable(err.Error()))
	if hint != "" {
		_, _ = fmt.Fprintf(d.err, "hint: %s\n", printable(hint))
	}
	return o.code
}

// printableLine is printable for what is to stay on one line: an alias with a line feed in it could end the line and
// begin one that reads as if it were ours.
func printableLine(s string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// printableArgs makes texts and errors among what is to be formatted printable, each within its line; the format is ours.
func printableArgs(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			out[i] = printableLine(v)
		case error:
			out[i] = printableLine(v.Error())
		default:
			out[i] = arg
		}
	}
	return out
}

// printable replaces control characters other than line feed and tab: errors quote names from untrusted files, which
// must not move the cursor, recolour the terminal or turn the order of letters round.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && isControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// isControl reports whether a terminal may do something else with a character than show it.
func isControl(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}
