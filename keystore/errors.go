package keystore

import (
	"errors"
	"fmt"
)

// The kinds of error that callers act on; test for them with errors.Is.
var (
	ErrPassword    = errors.New("wrong password")                     // only where the format can tell it from damage
	ErrFormat      = errors.New("malformed file")                     // the bytes are at fault, not the caller
	ErrUnsupported = errors.New("not supported")                      // well-formed, but an algorithm or feature we do not read; the text names its OID
	ErrTooLarge    = errors.New("exceeds a limit on untrusted input") // see [Limits]
	ErrExists      = errors.New("exists already")                     // nothing was overwritten
	ErrLocked      = errors.New("locked by another process")          // try again when it has ended
)

// ErrKeyPassword is an [ErrPassword] that says more: the password opens a key, or all that is encrypted, and yet it is not
// the one that vouches for the file. The two may have different passwords, or the file is not what it was.
var ErrKeyPassword = fmt.Errorf("%w for the store as a whole, or the file was changed", ErrPassword)

// kinds is the closed set that decoders return.
var kinds = []error{ErrPassword, ErrFormat, ErrUnsupported, ErrTooLarge, ErrExists, ErrLocked}

// KindOf returns which of the kinds of this package err is, or nil when it is none of them.
func KindOf(err error) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}
