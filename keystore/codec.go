package keystore

import (
	"io"
	"io/fs"
	"time"
)

// Codec reads and writes one format. All codecs share the laws in keystore/formats' conformance suite; the chief
// one is: for every store s, Decode(Encode(fitted)) equals fitted, where fitted is what Fit(s) returns. Whoever writes
// files calls [Build], which holds each one to that law.
type Codec interface {
	// Name is the format's short name on the command line: "pem", "p12", "jks".
	Name() string
	// Extensions are the file name endings people give the format, the first being the usual one, with the dot.
	Extensions() []string
	// Sniff reports whether data, a whole file or at least its first 64 KiB, looks like the format.
	Sniff(data []byte) bool
	// Decode reads one file. Errors wrap one of this package's kinds and then the store is nil. Without a
	// password it returns what can be seen without one; keys it cannot open have Identity.Locked set.
	Decode(data []byte, opts DecodeOptions) (*Store, error)
	// Fit returns the store as the format can carry it, and what that changes. The given store stays as it is. The
	// result's Protection says how Encode will protect it.
	Fit(s *Store, opts EncodeOptions) (*Store, []Change, error)
	// Encode writes a store that Fit returned; it fails rather than drop or change anything. It shows the result to an
	// implementation that shares no code with the codec, where there is one that reads such a store, and fails if that
	// finds anything else in it, or leaves that to Confirm: see [Confirmer]. It does not decode the result itself: [Build]
	// does.
	Encode(s *Store, opts EncodeOptions) ([]byte, error)
}

// Confirmer is a [Codec] whose independent reader takes long, since it derives keys as well: [Build] asks it while the
// codec decodes the same file.
type Confirmer interface {
	// Confirm shows what Encode made of a store to the independent reader, if that reads such a store, and fails with
	// [ErrReadBack] when it finds anything else in it.
	Confirm(data []byte, s *Store, opts EncodeOptions) error
}

// DecodeOptions tunes one reading. The zero value reads without a password under the default limits.
type DecodeOptions struct {
	Password     Secret            // of the store, or of encrypted PEM keys; nil: none given
	KeyPassword  Secret            // of keys that have their own, tried after Password; nil: none given
	KeyPasswords map[string]Secret // of single keys, by alias, tried first; on keys without an alias all of them, tried last; nil: none
	Limits       Limits            // zero fields: DefaultLimits
	Parsed       *Parsed           // what need not be parsed again; nil: nothing
}

// EncodeOptions tunes one writing. Random must be set; everything else has a usable zero value.
type EncodeOptions struct {
	Password     Secret            // of the store; nil: unprotected where the format allows that, else an error
	KeyPassword  Secret            // of the keys where the format allows another one; nil: Password
	KeyPasswords map[string]Secret // of single keys by alias in the fitted store, before KeyPassword; JKS alone has these
	Profile      string            // a variant of the format by name (PKCS12: "modern", "legacy"); "" is the default one
	Iterations   int               // of key derivation; 0: the profile's default
	Random       io.Reader         // salts and IVs; two runs with the same bytes give the same file
	Now          time.Time         // the date of entries that have none, where the format wants one
}

// Change is one thing that a format cannot carry as it is.
type Change struct {
	Kind  ChangeKind
	Entry string // alias, or subject where there is no alias
	To    string // the new alias, for ChangeRenamed
	Why   string // one clause: "JKS aliases are lower-case"

	Reason RenameReason // for ChangeRenamed
}

// RenameReason is why an alias could not stay, for machines; Change.Why says it to people.
type RenameReason string

// The reasons for another alias.
const (
	RenameCase      RenameReason = "lower-case" // the format has lower-case aliases alone
	RenameDuplicate RenameReason = "duplicate"  // another entry has it, as the format's readers compare
	RenameInvalid   RenameReason = "invalid"    // it has characters that the format cannot carry
	RenameLength    RenameReason = "too-long"
	RenameMissing   RenameReason = "missing" // there was none, and the format wants one
	RenameAsked     RenameReason = "asked"   // the person who converts wants it so; no codec says this
)

// ChangeKind says what becomes of an entry.
type ChangeKind string

// The kinds of change.
const (
	ChangeRenamed ChangeKind = "renamed" // the entry is kept under another alias
	ChangeLost    ChangeKind = "lost"    // the entry, or a property that protects it, is not in the result
	ChangeNoted   ChangeKind = "noted"   // kept; something harmless about it is not (a date, an attribute)
)

// Artifact is one file to be written, decided and built before anything touches the disk.
type Artifact struct {
	Path   string      // relative, with forward slashes
	Mode   fs.FileMode // 0600 for anything secret
	Owner  string      // "user:group" that a broker needs, "" for whoever runs the command
	Secret bool        // holds a private key or a password
	Data   []byte
	Note   string // one line for a person: what it is
}
