package cli

import (
	"bytes"
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

// standardStream is how the command line names standard input and output.
const standardStream = "-"

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
	From         string                     // the format that the command line announced; "" for none
	PassFlag     string                     // the flag to name in hints: "--in-pass"
	Pass         []passwordSource           // each is tried on each file
	KeyPass      passwordSource             // of keys that have another password than their store
	KeyPasswords map[string]passwordSource  // of single keys, by alias: --in-key-pass ALIAS=SOURCE
	Demand       bool                       // fail for want of a password, instead of showing what can be seen without
	Passwords    []keystore.Secret          // what Pass resolved to
	KeySecret    keystore.Secret            // what KeyPass resolved to
	KeySecrets   map[string]keystore.Secret // what KeyPasswords resolved to
	resolved     bool
	stdinTaken   bool
}

// secrets resolves the sources.
func (o *storeOpener) secrets() error {
	if o.resolved {
		return nil
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
	for _, source := range o.Pass {
		p, err := o.resolve(source, "the files to read", false)
		if err != nil {
			return err
		}
		if p.secret.Given() {
			o.Passwords = append(o.Passwords, p.secret)
		}
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

// open reads and decodes one file. Without a password it tries NAME.pass beside the file, then the empty password, and
// asks where a person can be asked.
func (o *storeOpener) open(path string) (*openedStore, error) {
	if err := o.secrets(); err != nil {
		return nil, err
	}
	data, name, err := o.read(path)
	if err != nil {
		return nil, err
	}
	codec, format, err := formats.Detect(data)
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
		err = o.askForKeys(s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return s, nil
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
		data, err := safefile.Read(path, limit)
		if errors.Is(err, fs.ErrNotExist) {
			err = withHint(ofKind(errNotFound, err), "check the name; mqttpki inspect FILE... says what files are")
		}
		return data, path, err
	}
	const name = "standard input"
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

// decode finds the password that opens the file, and decodes it.
func (o *storeOpener) decode(s *openedStore) error {
	if len(o.Passwords) > 0 {
		return o.tryAll(s)
	}
	if o.KeySecret.Given() {
		return o.try(s, nil, passGiven)
	}
	err := o.try(s, nil, passNone)
	if err != nil && !errors.Is(err, keystore.ErrPassword) || err == nil && !needsPassword(s.Store) {
		return err
	}
	seen, seenErr := s.Store, err
	if o.tryBeside(s) || o.try(s, keystore.Secret{}, passEmpty) == nil && !hasLocked(s.Store) {
		return nil
	}
	if o.isTerm {
		secret, err := o.prompt(s.Name, false)
		if err != nil {
			return err
		}
		if len(secret) > 0 {
			return o.try(s, secret, passGiven)
		}
	}
	s.Store, s.Password, s.How = seen, nil, passNeeded
	if seen != nil && (!o.Demand || readableWithout(seen)) {
		return nil
	}
	if seenErr == nil {
		seenErr = ofKind(keystore.ErrPassword, errors.New("its password is needed"))
	}
	return withHint(seenErr, "name where the password is kept: %s file:PATH", o.PassFlag)
}

// askForKeys asks for the password of keys that stayed locked under the store's, where a person can be asked.
func (o *storeOpener) askForKeys(s *openedStore) error {
	if !o.Demand || !o.isTerm || o.KeyPass.given() || !s.Password.Given() || !hasLocked(s.Store) {
		return nil
	}
	secret, err := o.prompt("the keys in "+s.Name, false)
	if err != nil || len(secret) == 0 {
		return err
	}
	store, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{Password: s.Password, KeyPassword: secret})
	if err == nil {
		s.Store, s.KeyPassword = store, secret
	}
	return err
}

// tryAll decodes with each of the given passwords; the first that fits counts.
func (o *storeOpener) tryAll(s *openedStore) error {
	var first error
	for _, secret := range o.Passwords {
		err := o.try(s, secret, passGiven)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, keystore.ErrPassword) {
			return err
		}
	}
	return withHint(first, "name where the right password is kept: %s file:PATH", o.PassFlag)
}

// tryBeside decodes with the password in NAME.pass, where the commands that make stores keep it.
func (o *storeOpener) tryBeside(s *openedStore) bool {
	if s.Path == "" {
		return false
	}
	path := passFileBeside(s.Path)
	secret, _, err := readPassFile(path)
	if err != nil || o.try(s, secret, passGiven) != nil {
		return false
	}
	o.detail("%s: opened with the password in %s", s.Name, path)
	return true
}

// try decodes with one password.
func (o *storeOpener) try(s *openedStore, secret keystore.Secret, how string) error {
	store, err := s.Codec.Decode(s.Data, keystore.DecodeOptions{Password: secret, KeyPassword: o.KeySecret, KeyPasswords: o.KeySecrets})
	if err != nil {
		return err
	}
	s.Store, s.Password, s.How = store, secret, how
	return nil
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

// hasLocked reports whether there is a private key that another password could decrypt.
func hasLocked(s *keystore.Store) bool {
	for i := range s.Identities {
		if s.Identities[i].Key == nil && !errors.Is(s.Identities[i].Locked, keystore.ErrUnsupported) {
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

// passwordSources is a --pass flag that may be repeated.
type passwordSources []passwordSource

// Set adds one source, for pflag.
func (l *passwordSources) Set(text string) error {
	var s passwordSource
	if err := s.Set(text); err != nil {
		return err
	}
	*l = append(*l, s)
	return nil
}

// String is what help shows as the default; it never shows a password.
func (l *passwordSources) String() string {
	var texts []string
	for i := range *l {
		texts = append(texts, (*l)[i].String())
	}
	return strings.Join(texts, ",")
}

// Type is what help shows as the flag's argument.
func (*passwordSources) Type() string { return "SOURCE" }
