package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// standardStream is how the command line names standard input and output, and standardInput what messages call the former.
const (
	standardStream = "-"
	standardInput  = "standard input"
)

// How an opened file's password was come by, as inspect reports it.
const (
	passNone   = "none"   // there is nothing that needs one
	passGiven  = "given"  // by a flag, a person, or the file NAME.pass beside it
	passEmpty  = "empty"  // the empty password fits
	passNeeded = "needed" // more could be seen with one
)

// openedStore is one file that was read and decoded.
type openedStore struct {
	Name         string // as given; "standard input" for "-"
	Path         string // "" for standard input
	Codec        keystore.Codec
	Data         []byte
	Format       string // "pem", "der", "pkcs7", "p12", "jks" or "jceks"
	Store        *keystore.Store
	Password     keystore.Secret
	KeyPassword  keystore.Secret
	KeyPasswords map[string]keystore.Secret // of keys that have a password of their own, by alias
	How          string                     // one of the constants above
}

// storeOpener opens the files of one command. Each password source is resolved once, however many files there are.
type storeOpener struct {
	*deps
	From         string                           // the format that the command line announced; "" for none
	PassFlag     string                           // the flag to name in hints: "--in-pass"
	For          []string                         // the files to come, which a prompt names if it is one
	Pass         []passwordSource                 // each is tried on each file; none: nothing but the empty password is
	KeyPass      passwordSource                   // of keys that have another password than their store
	KeyPasswords map[string]passwordSource        // of single keys, by alias: --in-key-pass ALIAS=SOURCE
	Demand       bool                             // fail for want of a password, instead of showing what can be seen without
	Many         bool                             // files are opened by the thousand: a person is asked once for all of them
	Ask          askPassword                      // asks a person for a password; nil: on the terminal
	Wanted       func(id *keystore.Identity) bool // whether a locked key is worth asking for; nil: each is
	Known        *keyring                         // shared by the openers of a command; nil: none but this one

	resolved   bool
	given      []givenPassword            // what Pass resolved to, without none
	bare       bool                       // none is in Pass
	KeySecret  keystore.Secret            // what KeyPass resolved to
	KeySecrets map[string]keystore.Secret // what KeyPasswords resolved to
	stdinTaken bool
}

// askPassword asks a person for the password of what.
type askPassword func(what string) (keystore.Secret, error)

// givenPassword is a password with where it came from, for hints.
type givenPassword struct {
	secret keystore.Secret
	source passwordSource
}

// secrets resolves the sources.
func (o *storeOpener) secrets() error {
	if o.resolved {
		return nil
	}
	if o.Known == nil {
		o.Known = &keyring{}
	}
	sources := append(o.Pass[:len(o.Pass):len(o.Pass)], o.KeyPass)
	for _, source := range append(sources, slices.Collect(maps.Values(o.KeyPasswords))...) {
		if source.kind == sourceRandom {
			return usagef("random would not open a file that is there already; name where its password is kept")
		}
		if source.kind == sourceStdin {
			o.stdinTaken = true
		}
	}
	what := "the files to read"
	if len(o.For) == 1 && len(o.Pass) == 1 {
		what = o.For[0]
	}
	for _, source := range o.Pass {
		p, err := o.resolve(source, what, false)
		if err != nil {
			return err
		}
		if source.kind == sourceNone {
			o.bare = true
			continue
		}
		o.given = append(o.given, givenPassword{p.secret, source})
		o.Known.remember(p.secret)
	}
	if o.KeyPass.given() {
		p, err := o.resolve(o.KeyPass, "the keys to read", false)
		if err != nil {
			return err
		}
		o.KeySecret = p.secret
	}
	for _, alias := range slices.Sorted(maps.Keys(o.KeyPasswords)) {
		p, err := o.resolve(o.KeyPasswords[alias], fmt.Sprintf("the key %q", alias), false)
		if err != nil {
			return err
		}
		if o.KeySecrets == nil {
			o.KeySecrets = map[string]keystore.Secret{}
		}
		o.KeySecrets[alias] = p.secret
	}
	o.resolved = true
	return nil
}

// open reads and decodes one file; openpass.go has how its password is found.
func (o *storeOpener) open(path string) (*openedStore, error) {
	if err := o.secrets(); err != nil {
		return nil, err
	}
	data, name, err := o.read(path)
	err = remedied(err, path)
	if errors.Is(err, keystore.ErrFormat) { // its beginning was enough
		err = withHint(err, "%s", strangeHint(path, nil))
	}
	if err != nil {
		return nil, err
	}
	codec, format, err := formats.Detect(data)
	err = remedied(err, path)
	if errors.Is(err, keystore.ErrFormat) {
		err = withHint(err, "%s", strangeHint(path, data))
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if o.From != "" && o.From != codec.Name() {
		o.notice("note: %s is %s by its content, not %s", name, format, strings.ToUpper(o.From))
	}
	s := &openedStore{Name: name, Codec: codec, Data: data, Format: formatWord(format), KeyPassword: o.KeySecret, KeyPasswords: o.KeySecrets}
	if path != standardStream {
		s.Path = path
	}
	if err = o.decode(s); err == nil {
		err = o.openKeys(s)
	}
	err = remedied(err, path)
	if errors.Is(err, keystore.ErrFormat) {
		err = withHint(err, "the file was cut off, changed or damaged; get it anew from where it came")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return s, nil
}

// decodeWith decodes a file, which takes as long as its key derivation. Of many files those that were begun are finished.
func (o *storeOpener) decodeWith(s *openedStore, opts keystore.DecodeOptions) (*keystore.Store, error) {
	if o.Many {
		return s.Codec.Decode(s.Data, opts)
	}
	return orDone(o.ctx, func() (*keystore.Store, error) { return s.Codec.Decode(s.Data, opts) })
}

// formatWord is the word of the command line and of JSON for a format that formats.Detect calls by its usual name.
func formatWord(name string) string {
	switch name {
	case "PKCS12":
		return "p12"
	case "PKCS#7":
		return "pkcs7"
	}
	return strings.ToLower(name)
}

// read returns a file's bytes and the name for messages.
func (o *storeOpener) read(path string) ([]byte, string, error) {
	limit := keystore.DefaultLimits.Bytes
	if path != standardStream {
		data, err := safefile.ReadIf(path, limit, formats.HeadBytes, formats.Refuse)
		if errors.Is(err, fs.ErrNotExist) {
			err = withHint(ofKind(errNotFound, err), "%s", missingHint(path))
		}
		return data, path, err
	}
	const name = standardInput
	if o.stdinTaken {
		return nil, name, usagef("standard input cannot be both the file and its password")
	}
	data, err := io.ReadAll(io.LimitReader(o.in, limit+1))
	switch {
	case err != nil:
		return nil, name, fmt.Errorf("reading standard input: %w", err)
	case int64(len(data)) > limit:
		return nil, name, fmt.Errorf("reading standard input: more than %d bytes: %w", limit, keystore.ErrTooLarge)
	case len(data) == 0:
		return nil, name, fmt.Errorf("reading standard input: there is nothing: %w", keystore.ErrFormat)
	}
	return data, name, nil
}

// sniffedBase64 is how much of a strange file is looked at for base64, which is enough to tell a format by.
const sniffedBase64 = 64 << 10

// strangeHint is for a file of no known format. One in base64 is what secrets are kept as by Kubernetes and CI systems.
func strangeHint(path string, data []byte) string {
	const strange = "it is no PEM, DER, PKCS7, PKCS12, JKS or JCEKS file, or damaged"
	if path == standardStream {
		return strange
	}
	text := bytes.Join(bytes.Fields(data[:min(len(data), sniffedBase64)]), nil)
	text = text[:len(text)/4*4] // whole groups
	if plain, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		if _, _, err := formats.Detect(plain); err == nil {
			return "it is in base64: base64 -d " + quoted(path) + " > FILE decodes it"
		}
	}
	return strange + "; file " + quoted(path) + " may tell what it is"
}

// missingHint is for a file that is not there, and may have been meant for a format.
func missingHint(path string) string {
	if isFormatWord(path) {
		return "formats are named in pairs: mqttpki convert " + path + " FORMAT IN OUT, FORMAT one of " + strings.Join(formats.Names(), ", ")
	}
	return "check the name, and the folder that it is looked for in"
}

// unchanged fails when the file is not any more as it was read: somebody else changed it meanwhile.
func (s *openedStore) unchanged() error {
	data, err := safefile.Read(s.Path, keystore.DefaultLimits.Bytes)
	if err == nil && !bytes.Equal(data, s.Data) {
		err = fmt.Errorf("writing %q: it was changed by somebody else in the meantime", s.Path)
		err = withHint(err, "run the same command again")
	}
	return err
}

// passFileBeside is where the password of a store is kept: "dir/client.pass" for "dir/client.p12".
func passFileBeside(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".pass"
}

// needsPassword reports whether a password would show more of a store that was decoded without one.
func needsPassword(s *keystore.Store) bool {
	if s == nil || s.Integrity == keystore.IntegrityUnchecked || hasLocked(s) {
		return true
	}
	return hasSealed(s)
}

// isLocked reports whether another password could decrypt a private key.
func isLocked(id *keystore.Identity) bool {
	return id.Key == nil && !errors.Is(id.Locked, keystore.ErrUnsupported)
}

// hasLocked reports whether there is a private key that another password could decrypt.
func hasLocked(s *keystore.Store) bool {
	for i := range s.Identities {
		if isLocked(&s.Identities[i]) {
			return true
		}
	}
	return false
}

// hasSealed reports whether certificates are encrypted, so that without a password even their number is unknown.
func hasSealed(s *keystore.Store) bool {
	for _, p := range s.Protection {
		if p.Part == "certificates" {
			return true
		}
	}
	return false
}

// readableWithout reports whether a store that was decoded without its password can be converted all the same: it is a
// trust store whose certificates anybody can read, as JKS has them.
func readableWithout(s *keystore.Store) bool {
	return s != nil && len(s.Identities) == 0 && !hasSealed(s) && len(s.Anchors) > 0
}
