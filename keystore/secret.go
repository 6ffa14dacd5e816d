package keystore

import (
	"fmt"
	"log/slog"
)

// redacted is all that is ever printed of a Secret.
const redacted = "[redacted]"

// Secret is a password or other confidential bytes. Nil means "no password given", which formats treat
// differently from an empty one: PKCS12 has both. Every way of printing one gives "[redacted]".
type Secret []byte

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb, so that %x and %d cannot leak what %s hides.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]"; encoding/json uses it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]" for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Given reports whether there is a password, be it empty.
func (s Secret) Given() bool { return s != nil }
