// Package convert changes one store's shape into another's. It takes decoded stores, decides what becomes of every
// entry (a [Plan]: kept, renamed, lost), encodes the result, decodes that again and compares it with the plan.
//
// It knows no format: the codecs are handed to it. It touches no file: what it builds is bytes and artifacts, for the
// caller to commit. It trusts nothing that it is given: a key and its leaf are matched by public key and a chain by
// issuer and signature, whatever order or ids the source had; and it does not trust the codec that writes either.
package convert

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// The kinds of error that only a conversion has; test for them with errors.Is. The others are those of keystore.
var (
	ErrLoss           = errors.New("something would be lost") // the plan loses an entry or a protection
	ErrMismatch       = errors.New("key and certificate do not belong together")
	ErrNotFound       = errors.New("no such entry")                           // a selector or a rename matches nothing
	ErrAmbiguous      = errors.New("not for a store of several entries")      // an alias for one entry, and there are several
	ErrTaken          = errors.New("another entry has that name")             // which a rename asks for
	ErrSelector       = errors.New("not a selector")                          // the text of a selector or a rename is malformed
	ErrNothingToTrust = errors.New("there is no certificate in it")           // a file of Recipe.Trust
	ErrEmpty          = errors.New("nothing is left that could be converted") // of all the entries that were given
)

// Source is one decoded file.
type Source struct {
	Name   string // the file's name, for messages and for the aliases of trusted certificates that have none
	Format string // Codec.Name of the codec that read it
	Store  *keystore.Store

	// KeyPasswords are those of its keys that have another than the store, by alias.
	KeyPasswords map[string]keystore.Secret
}

// Recipe says what is to be made of the sources. Only Target must be set.
type Recipe struct {
	Only   []Selector // which entries to take: see [Matches]; none: all
	Remove []Selector // which entries to leave out; asked for, so not a loss
	Trust  []Trust    // certificates to add as trusted entries
	Rename []Rename   // all at once, to the names that the entries came with; of an entry the first that fits it
	Alias  string     // the new name of the store's one key or, without a key, of its one certificate; "": as it is
	Target keystore.Codec

	// LoneKeys lets a key go beside the certificates of CAs, and none of its own: as in PEM, where it may be in another
	// file. Elsewhere a key is of no use without.
	LoneKeys bool

	// MayRemoveNothing lets a selector of Remove match no entry, as where one recipe is for many files.
	MayRemoveNothing bool

	// KeepKeyPasswords lets keys keep the passwords that their sources have for them; Target must have such.
	KeepKeyPasswords bool

	Options keystore.EncodeOptions // for Target; KeyPasswords by the aliases of the result, Now also for expired=
}

// Trust is a file whose certificates become trusted entries of the result.
type Trust struct {
	Source
	Alias string // of the certificate, numbered from the second on; "": its own alias, else the file's name
}

// LockedError says which key could not be decrypted. It wraps the decoder's error, so errors.Is finds
// keystore.ErrPassword.
type LockedError struct {
	Source string // Source.Name
	Entry  string // the alias, or what else names the entry
	Alias  string // "" for a key without one
	Err    error
}

// Error names file and entry.
func (e *LockedError) Error() string {
	if why := e.Err.Error(); strings.HasPrefix(why, "entry ") { // some decoders say it themselves
		return fmt.Sprintf("converting %q: %s", e.Source, why)
	}
	return fmt.Sprintf("converting %q: entry %q: %v", e.Source, e.Entry, e.Err)
}

// Unwrap returns the decoder's error.
func (e *LockedError) Unwrap() error { return e.Err }
