package jksfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Decode reads a JKS or JCEKS file. Without a password it returns the certificates and the names, keys are Locked and
// the checksum is IntegrityUnchecked. With a wrong store password it fails with [keystore.ErrPassword]; a key whose own
// password is not among those given is Locked.
func (Codec) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	limits := opts.Limits.OrDefault()
	if int64(len(data)) > limits.Bytes {
		return nil, fmt.Errorf("reading a JKS file of %d bytes: %w", len(data), keystore.ErrTooLarge)
	}
	if !(Codec{}).Sniff(data) {
		return nil, malformed("reading a JKS file: no JKS or JCEKS file of version 1 or 2")
	}
	if len(data) < 12+digestSize {
		return nil, malformed("reading a JKS file: cut short")
	}
	d := newDecoder(data, opts)
	if err := d.run(); err != nil {
		return nil, fmt.Errorf("reading a %s file: %w", d.format(), err)
	}
	return d.store, nil
}

// newDecoder returns a decoder for a file that begins as one.
func newDecoder(data []byte, opts keystore.DecodeOptions) *decoder {
	limits, passwords := opts.Limits.OrDefault(), keystore.NewPasswords(opts)
	return &decoder{
		in:    &reader{rest: bytes.Clone(data)}, // what is returned must not change with the caller's buffer
		jceks: binary.BigEndian.Uint32(data) == magicJCEKS,
		typed: binary.BigEndian.Uint32(data[4:]) == 2,
		opts:  opts, passwords: passwords, limits: limits, budget: pbe.NewBudget(limits, len(data), passwords.Count()),
		store: &keystore.Store{}, seen: map[string]bool{},
	}
}

// decoder is one reading of one file.
type decoder struct {
	in        *reader
	jceks     bool
	typed     bool // version 2: every certificate names its type
	opts      keystore.DecodeOptions
	passwords *keystore.Passwords
	limits    keystore.Limits
	budget    *pbe.Budget
	store     *keystore.Store
	ahead     int             // entries still to come, this one among them
	seen      map[string]bool // aliases as Java compares them
	locked    []lockedKey     // keys to decrypt once the checksum has vouched for the password
	sealed    []sealedKey     // secret keys, likewise
}

// lockedKey is a key entry whose key is still to be decrypted.
type lockedKey struct {
	index     int // in store.Identities
	encrypted encryptedKey
}

// format is what the file is called in errors.
func (d *decoder) format() string {
	if d.jceks {
		return "JCEKS"
	}
	return "JKS"
}

// run reads the whole file: entries, then the checksum, then the keys, so that a wrong password costs no derivation.
func (d *decoder) run() error {
	file := d.in.rest
	d.in.take(8)
	count := d.in.u32()
	// The smallest entry has a tag, an empty name, a date and the length of something: 18 bytes.
	if int64(count) > int64(len(d.in.rest))/18 {
		return malformed("%d entries in %d bytes", count, len(d.in.rest))
	}
	if int64(count) > int64(d.limits.Entries) {
		return fmt.Errorf("%d entries: %w", count, keystore.ErrTooLarge)
	}
	for i := range count {
		d.ahead = int(count - i)
		if err := d.entry(); err != nil {
			return fmt.Errorf("entry %d of %d: %w", i+1, count, err)
		}
	}
	body := file[:len(file)-len(d.in.rest)]
	sum := d.in.take(digestSize)
	if d.in.failed {
		return malformed("the checksum is cut short")
	}
	if n := len(d.in.rest); n > 0 {
		d.problem("trailing-bytes", "warning", "", fmt.Sprintf("%d bytes follow the end of the store; Java ignores them.", n))
	}
	if err := d.integrity(body, sum); err != nil {
		return err
	}
	d.parse()
	if err := d.foresee(); err != nil {
		return err
	}
	if err := d.openKeys(); err != nil {
		return err
	}
	return d.openSecrets()
}

// integrity checks the checksum if there is a password to do it with, and says how far it can be trusted.
func (d *decoder) integrity(body, sum []byte) error {
	d.store.Integrity = keystore.IntegrityUnchecked
	d.store.Protection = append(make([]keystore.Protection, 0, 1+len(d.locked)+len(d.sealed)), checksum())
	if !d.opts.Password.Given() {
		return nil
	}
	if err := checkDigest(body, sum, d.opts.Password); err != nil {
		return d.judge(err)
	}
	d.store.Integrity = keystore.IntegrityVerified
	return nil
}

// checksum describes how a file as a whole is protected.
func checksum() keystore.Protection {
	return keystore.Protection{Part: "mac", Algorithm: "SHA-1 of password and content", Weak: weakSun}
}

// entry reads one entry.
func (d *decoder) entry() error {
	tag := d.in.u32()
	name := d.in.text()
	date := d.in.i64()
	if d.in.failed {
		return malformed("cut short")
	}
	if len(name) > d.limits.NameBytes {
		return fmt.Errorf("alias of %d bytes: %w", len(name), keystore.ErrTooLarge)
	}
	alias, ok := decodeModifiedUTF8(name)
	if !ok {
		return malformed("the alias %q is not modified UTF-8", name)
	}
	created := d.date(alias, date)
	d.checkAlias(alias, name)
	var err error
	switch {
	case tag == tagKey:
		err = d.keyEntry(alias, created)
	case tag == tagTrusted:
		err = d.trustedEntry(alias, created)
	case tag == tagSecret && d.jceks:
		err = d.secretEntry(alias, created)
	default:
		err = malformed("unknown tag %d", tag)
	}
	if err != nil {
		return fmt.Errorf("alias %q: %w", alias, err)
	}
	return nil
}

// checkAlias notes names under which Java will not find the entry, and bytes of one that Java cannot read.
func (d *decoder) checkAlias(alias string, name []byte) {
	if slices.ContainsFunc(name, func(b byte) bool { return b >= 0xF0 }) {
		d.problem("alias-encoding", "error", alias, "The alias is written in plain UTF-8; Java cannot read such a file.")
	}
	folded := keystore.FoldAlias(alias)
	if d.seen[folded] {
		d.problem("duplicate-alias", "error", alias, "Another entry has the same alias; Java sees only the last one.")
	}
	d.seen[folded] = true
	if folded != alias {
		d.problem("mixed-case-alias", "warning", alias, "The alias is not in lower case; Java lists the entry but cannot fetch it.")
	}
}

// date converts milliseconds since 1970; 0 is how this package writes a date it does not know.
func (d *decoder) date(alias string, ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	t := time.UnixMilli(ms).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		d.problem("odd-date", "notice", alias, "The date of the entry makes no sense and is left out.")
		return time.Time{}
	}
	return t
}

// keyEntry reads a private key and its chain.
func (d *decoder) keyEntry(alias string, created time.Time) error {
	der := d.in.block()
	count := d.in.u32()
	if d.in.failed {
		return malformed("cut short")
	}
	if int64(count) > int64(d.limits.Chain) {
		return fmt.Errorf("chain of %d certificates: %w", count, keystore.ErrTooLarge)
	}
	if int64(count) > int64(len(d.in.rest))/4 { // the length of each takes that many
		return malformed("chain of %d certificates in %d bytes", count, len(d.in.rest))
	}
	encrypted, err := parseEncrypted(der)
	if err != nil {
		return err
	}
	identity := keystore.Identity{Alias: alias, Created: created}
	for range count {
		c, err := d.certificate()
		if err != nil {
			return err
		}
		identity.Chain = append(identity.Chain, c)
	}
	if count == 0 {
		d.problem("key-without-certificate", "warning", alias, "The key has no certificate; Java cannot use such an entry.")
	}
	d.store.Identities = append(reserve(d, d.store.Identities, leastKey), identity)
	d.locked = append(reserve(d, d.locked, leastKey), lockedKey{len(d.store.Identities) - 1, encrypted})
	return nil
}

// The sizes in bytes of the smallest entries that are read.
const (
	leastKey     = 30
	leastTrusted = 26
	leastSecret  = 35
)

// reserve makes room in a list, when it is still empty, for as many elements as can come, none of which takes less than
// least bytes of the file: a long list that grows bit by bit takes several times its size meanwhile.
func reserve[T any](d *decoder, list []T, least int) []T {
	if list != nil {
		return list
	}
	return make([]T, 0, min(d.ahead, 1+len(d.in.rest)/least))
}

// trustedEntry reads a trusted certificate.
func (d *decoder) trustedEntry(alias string, created time.Time) error {
	c, err := d.certificate()
	if err != nil {
		return err
	}
	d.store.Anchors = append(reserve(d, d.store.Anchors, leastTrusted), keystore.Anchor{Alias: alias, Created: created, Certificate: c})
	return nil
}

// certificate reads one certificate with the name of its type.
func (d *decoder) certificate() (keystore.Certificate, error) {
	kind := []byte("X.509")
	if d.typed {
		kind = d.in.text()
	}
	der := d.in.block()
	if d.in.failed {
		return keystore.Certificate{}, malformed("a certificate is cut short")
	}
	if string(kind) != "X.509" {
		return keystore.Certificate{}, fmt.Errorf("certificate of type %q: %w", kind, keystore.ErrUnsupported)
	}
	return d.opts.Parsed.Outline(der)
}

// parse completes all certificates, once the checksum has vouched for them.
func (d *decoder) parse() {
	var all []*keystore.Certificate
	var aliases []string
	for i := range d.store.Identities {
		id := &d.store.Identities[i]
		for j := range id.Chain {
			all, aliases = append(all, &id.Chain[j]), append(aliases, id.Alias)
		}
	}
	for i := range d.store.Anchors {
		a := &d.store.Anchors[i]
		all, aliases = append(all, &a.Certificate), append(aliases, a.Alias)
	}
	keystore.ParseAll(all)
	for i, c := range all {
		if c.X509 == nil {
			d.problem("unparsed-certificate", "warning", aliases[i], "A certificate could not be parsed; its bytes are kept as they are.")
		}
	}
}

// maxProblems is how many problems of a file are told one by one. No honest file has so many, and nobody reads them.
const maxProblems = 1000

// problem adds to the list of what is odd about the file.
func (d *decoder) problem(code, severity, entry, text string) {
	switch n := len(d.store.Problems); {
	case n < maxProblems:
		d.add(code, severity, entry, text)
	case n == maxProblems:
		d.add("more-problems", "warning", "", "There are more problems than are told here.")
	}
}

func (d *decoder) add(code, severity, entry, text string) {
	d.store.Problems = append(d.store.Problems, keystore.Problem{Code: code, Severity: severity, Entry: entry, Text: text})
}
