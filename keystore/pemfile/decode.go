package pemfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Decode reads a PEM file. It also reads what [DER] and [PKCS7] do, since such files go by the same names. Encrypted keys
// that no password opens are Locked; but where passwords were given and open none of them, it fails with
// [keystore.ErrPassword].
func (Codec) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	return decodeAs(data, opts, "reading a PEM file", func([]byte) bool { return true })
}

// decodeAs reads a file of any of this package's formats, if it is one of the format that sniff tells. Doing is what it
// does, for errors.
func decodeAs(data []byte, opts keystore.DecodeOptions, doing string, sniff func([]byte) bool) (*keystore.Store, error) {
	limits := opts.Limits.OrDefault()
	if int64(len(data)) > limits.Bytes {
		return nil, fmt.Errorf("%s of %d bytes: %w", doing, len(data), keystore.ErrTooLarge)
	}
	if !sniff(data) {
		return nil, malformed("%s: it is none", doing)
	}
	d := newDecoder(data, opts)
	if err := d.file(data); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	store := assemble(d.items, limits)
	store.Protection = d.protection
	store.Problems = append(d.problems, store.Problems...)
	return store, nil
}

// decoder is one reading of one file.
type decoder struct {
	opts       keystore.DecodeOptions
	passwords  *keystore.Passwords
	limits     keystore.Limits
	budget     *pbe.Budget
	openers    map[string]*pbe.Opener // by password, so that keys that share a salt share a derivation
	items      []item
	protection []keystore.Protection
	problems   []keystore.Problem
	curve      []byte // of the EC PARAMETERS block before
	opened     int    // encrypted keys that were decrypted
	refused    error  // why the last of the others were not
	odd        oddLabels

	strangers      map[string]int // how many blocks there are of each label that is not ours
	strangerLabels []string       // in the order of the file
}

// newDecoder returns a decoder for a file.
func newDecoder(data []byte, opts keystore.DecodeOptions) *decoder {
	limits, passwords := opts.Limits.OrDefault(), keystore.NewPasswords(opts)
	return &decoder{
		opts: opts, passwords: passwords, limits: limits,
		budget: pbe.NewBudget(limits, len(data), passwords.Count()), openers: map[string]*pbe.Opener{}, strangers: map[string]int{},
	}
}

// file reads the whole file into items.
func (d *decoder) file(data []byte) error {
	if err := d.blocks(data); err != nil {
		return err
	}
	given := d.passwords.Count() > 0
	if d.refused != nil && d.opened == 0 && given {
		return d.refused
	}
	d.parse()
	return nil
}

// blocks reads every block, or the one object that a DER file is.
func (d *decoder) blocks(data []byte) error {
	if len(data) > 0 && data[0] == tagSequence {
		return d.binary(data)
	}
	found, err := scan(data, d.limits, d.noted)
	if err == nil && UTF16(data) {
		found, err = d.wide(data, found)
	}
	switch {
	case err != nil:
		return err
	case found.blocks == 0 && string(data) != emptyFile:
		return malformed("no PEM block, and not DER")
	}
	d.oddText(found.odd)
	d.leftOut()
	if found.blocks > 0 && len(d.items) == 0 && len(d.strangers) == 0 {
		d.problem("no-entries", "notice", "", "There is nothing in the file but parameters, which keys are made of or with.")
	}
	return nil
}

// wide reads the blocks of a file in UTF-16. One that has blocks in text of one byte a character, which were found, had the
// others appended by somebody whose programs write both; what they are cannot be told for sure.
func (d *decoder) wide(data []byte, found scanned) (scanned, error) {
	if found.blocks > 0 {
		d.problem("utf-16", "error", "", "A part of the text is UTF-16, as Windows PowerShell appends it, and was passed over.")
		return found, nil
	}
	text, err := fromUTF16(data)
	if err != nil {
		return scanned{}, malformed("the text is no UTF-16: %v", err)
	}
	d.problem("utf-16", "error", "", "The text is UTF-16, as Windows PowerShell writes it; other programs do not read that.")
	return scan(text, d.limits, d.noted)
}

// noted reads a block with the text before it.
func (d *decoder) noted(b *block) error {
	n := readNote(b.text)
	if len(n.alias) > d.limits.NameBytes {
		return fmt.Errorf("name of %d bytes: %w", len(n.alias), keystore.ErrTooLarge)
	}
	if err := d.block(b, n); err != nil {
		return err
	}
	d.odd.noteLabel(b)
	if len(d.items) > d.limits.Entries {
		return fmt.Errorf("more than %d entries: %w", d.limits.Entries, keystore.ErrTooLarge)
	}
	return nil
}

// binary reads a DER file as if it were the block that holds the same.
func (d *decoder) binary(data []byte) error {
	kind := derKind(data)
	if kind == "" {
		return malformed("not a key, certificate, request, CRL or PKCS#7 bundle in DER")
	}
	object := bytes.Clone(data) // what is returned must not change with the caller's buffer
	if kind != labelPKCS7 {     // which tells for itself where it ends
		var whole cryptobyte.String
		rest := cryptobyte.String(object)
		if !rest.ReadASN1Element(&whole, cbasn1.SEQUENCE) {
			return malformed("a %s in DER is cut short", kind)
		}
		d.trailing(len(rest))
		object = whole
	}
	return d.block(&block{label: kind, der: object}, note{})
}

// trailing notes bytes behind a DER object.
func (d *decoder) trailing(n int) {
	if n > 0 {
		d.problem("trailing-bytes", "warning", "", fmt.Sprintf("%d bytes follow the end of the data.", n))
	}
}

// block reads one block.
func (d *decoder) block(b *block, n note) error {
	kind, known := labels[b.label]
	it := item{note: n, line: b.line}
	var err error
	curve := d.curve
	d.curve = nil
	switch kind {
	case labelCertificate:
		err = d.certificate(it, b.der)
	case labelTrusted:
		err = d.trustedCertificate(it, b.der)
	case labelEncrypted, labelKey, labelRSA, labelEC, labelDSA:
		err = d.privateKey(it, b, kind, curve)
	case labelCurve:
		d.curve = b.der
	case labelRequest:
		err = d.other(it, keystore.KindRequest, b.der, checkSigned(b.der, kind, "request"))
	case labelCRL:
		err = d.other(it, keystore.KindCRL, b.der, checkSigned(b.der, kind, "CRL"))
	case labelPublic:
		err = d.other(it, keystore.KindPublicKey, b.der, checkPublic(b.der))
	case labelRSAPublic:
		der, wrapErr := wrapPublicRSA(b.der)
		err = d.other(it, keystore.KindPublicKey, der, wrapErr)
	case labelPKCS7:
		err = d.pkcs7(it, b.der)
	default:
		if !known {
			err = d.stranger(b.label)
		}
	}
	return err
}

// stranger decides about a block that is not ours: keys and stores of other programs are refused, what is left is counted.
func (d *decoder) stranger(label string) error {
	switch label {
	case "OPENSSH PRIVATE KEY":
		return keystore.WithRemedy(fmt.Errorf("an OpenSSH key: %w", keystore.ErrUnsupported), "ssh-keygen -p -m PKCS8 -f FILE converts it")
	case "PKCS12":
		return keystore.WithRemedy(fmt.Errorf("a PKCS12 store among other blocks: %w", keystore.ErrUnsupported),
			"take it out, with its BEGIN and END lines, into a file of its own")
	}
	if d.strangers[label] == 0 {
		d.strangerLabels = append(d.strangerLabels, label)
	}
	d.strangers[label]++
	return nil
}

// leftOut notes the blocks that are not ours, once for each label.
func (d *decoder) leftOut() {
	for _, label := range d.strangerLabels {
		text := fmt.Sprintf("A block %q was left out: it is no key, certificate, request or CRL.", label)
		if n := d.strangers[label]; n > 1 {
			text = fmt.Sprintf("%d blocks %q were left out: they are no keys, certificates, requests or CRLs.", n, label)
		}
		d.problem("unknown-block", "warning", "", text)
	}
}

// certificate adds a certificate.
func (d *decoder) certificate(it item, der []byte) error {
	c, err := d.opts.Parsed.Outline(der)
	if err != nil {
		return err
	}
	it.certificate = &c
	d.items = append(d.items, it)
	return nil
}

// parse completes all certificates.
func (d *decoder) parse() {
	var all []*keystore.Certificate
	var aliases []string
	for i := range d.items {
		if it := &d.items[i]; it.certificate != nil {
			all, aliases = append(all, it.certificate), append(aliases, it.alias)
		}
	}
	keystore.ParseAll(all)
	for i, c := range all {
		if c.X509 == nil {
			d.problem("unparsed-certificate", "warning", aliases[i], "A certificate could not be parsed; its bytes are kept as they are.")
		}
	}
}

// other adds an entry that is neither a key nor a certificate, unless err says that it is none.
func (d *decoder) other(it item, kind keystore.OtherKind, der []byte, err error) error {
	it.other, it.otherRaw = kind, der
	d.items = append(d.items, it)
	return err
}

// trustedCertificate adds a certificate in OpenSSL's own form, behind which it keeps for what it is trusted and its name.
func (d *decoder) trustedCertificate(it item, der []byte) error {
	var certificate, aux cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1Element(&certificate, cbasn1.SEQUENCE) {
		return malformed("reading a trusted certificate: cut short")
	}
	if in.Empty() {
		return d.certificate(it, certificate)
	}
	var uses, refused, name cryptobyte.String
	var hasUses, hasRefused, hasName bool
	if !in.ReadASN1(&aux, cbasn1.SEQUENCE) || !in.Empty() ||
		!aux.ReadOptionalASN1(&uses, &hasUses, cbasn1.SEQUENCE) ||
		!aux.ReadOptionalASN1(&refused, &hasRefused, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		!aux.ReadOptionalASN1(&name, &hasName, cbasn1.UTF8String) {
		return malformed("reading a trusted certificate: what follows it is no X509_CERT_AUX")
	}
	if it.alias == "" && hasName {
		it.alias = string(name)
	}
	switch {
	case hasRefused:
		it.word = wordCertificate
		d.problem("trust-settings", "warning", it.alias, "OpenSSL's list of what the certificate is not trusted for is left out, and so it is not taken as trusted.")
	case hasUses:
		it.word = wordTrusted
		d.problem("trust-settings", "notice", it.alias, "OpenSSL's list of what the certificate is trusted for is left out.")
	}
	if len(it.alias) > d.limits.NameBytes {
		return fmt.Errorf("name of %d bytes: %w", len(it.alias), keystore.ErrTooLarge)
	}
	return d.certificate(it, certificate)
}

// pkcs7 adds what is in a bundle.
func (d *decoder) pkcs7(it item, data []byte) error {
	b, err := parsePKCS7(data, d.limits, d.opts.Parsed)
	if err != nil {
		return err
	}
	d.trailing(b.trailing)
	if b.others > 0 {
		d.problem("unknown-certificate", "warning", "", fmt.Sprintf("%d members of a PKCS#7 bundle were left out: they are neither certificates nor CRLs.", b.others))
	}
	d.items = slices.Grow(d.items, len(b.certificates)+len(b.crls)) // a list that grows bit by bit takes several times the memory
	for i := range b.certificates {
		d.items = append(d.items, item{line: it.line, certificate: &b.certificates[i], bundled: true})
	}
	for _, crl := range b.crls {
		d.items = append(d.items, item{line: it.line, other: keystore.KindCRL, otherRaw: crl})
	}
	return nil
}

// problem adds to the list of what is odd about the file.
func (d *decoder) problem(code, severity, entry, text string) {
	d.problems = append(d.problems, keystore.Problem{Code: code, Severity: severity, Entry: entry, Text: text})
}

// errLocked is why a key is locked when nobody gave a password.
var errLocked = errors.New("no password was given")
