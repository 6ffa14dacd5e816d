// Package ca is a certificate's life: who gets one, under which rules, for how long, and what becomes of it.
//
// [Init] makes an authority in a folder, [Open] opens one, [Home.Issue] takes one certificate through all its steps:
// prepare, lint, reserve a serial, sign, record, write, mark issued. Below them, [Prepare] and [Authority.Sign] work in
// memory alone.
//
// The package trusts the folder it is given, and nothing else: requests, names, keys and stores that come from
// elsewhere are checked before they are used. It knows PEM, since that is what rests in its folder; all other file
// formats are built by functions its callers hand in. It prints nothing, reads no environment, and is given its clock
// and randomness.
package ca

import (
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/ca/inventory"
)

// The kinds of error that callers act on, beside those of package keystore.
var (
	ErrPolicy   = errors.New("against the rules") // a name, key, validity or request that may not be; the text says which rule
	ErrNotFound = inventory.ErrNotFound           // no such PKI, certificate or key
)

// Notice is something the person who asked should know although nothing failed: a validity that was cut, a key type
// that some readers refuse.
type Notice struct {
	Code    string // stable, kebab-case: "validity-cut", "ed25519-readers"
	Warning bool   // it may bite; otherwise it is only good to know
	Text    string // one sentence
}

// policy returns an error of kind ErrPolicy.
func policy(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPolicy, fmt.Sprintf(format, args...))
}

func warn(code, format string, args ...any) Notice {
	return Notice{Code: code, Warning: true, Text: fmt.Sprintf(format, args...)}
}

func note(code, format string, args ...any) Notice {
	return Notice{Code: code, Text: fmt.Sprintf(format, args...)}
}
