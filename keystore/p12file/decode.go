package p12file

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// decoder is the state of reading one file.
type decoder struct {
	opts      keystore.DecodeOptions
	passwords *keystore.Passwords
	limits    keystore.Limits
	budget    *pbe.Budget
	openers   map[string]*pbe.Opener // by password

	keys         []keyEntry
	certs        []certEntry
	others       []keystore.Other
	pending      []sealedEntry // keys and others that are still to be decrypted
	entries      int
	nested       int // how many safes that lie in a safe are around
	java         javaView
	protection   []keystore.Protection
	report       report
	dropped      map[string]int // attributes that are not kept
	droppedOrder []string
	sealed       []sealedEntry // safes that no password was given for
	proved       bool          // the MAC fits a password
}

// Decode reads a PKCS12 file; see [keystore.Codec].
//
// Password proves the MAC and opens safes and keys; where that fails KeyPassword is tried too, which covers files
// whose MAC and contents have different ones. A key has the friendlyName of its bag as alias, else its
// certificate's, else none. Its certificate is the one with its public key; where that cannot be told, the one
// with its localKeyID or name. Entries that Java would not show are read all the same, with a problem that says so.
func (Codec) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	limits := opts.Limits.OrDefault()
	if int64(len(data)) > limits.Bytes {
		return nil, fmt.Errorf("reading PKCS12: %d bytes: %w", len(data), keystore.ErrTooLarge)
	}
	d := newDecoder(len(data), opts)
	store, err := d.decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading PKCS12: %w", err)
	}
	return store, nil
}

func newDecoder(size int, opts keystore.DecodeOptions) *decoder {
	passwords := keystore.NewPasswords(opts)
	return &decoder{
		opts:      opts,
		passwords: passwords,
		limits:    opts.Limits.OrDefault(),
		budget:    pbe.NewBudget(opts.Limits, size, passwords.Count()),
		openers:   map[string]*pbe.Opener{},
		dropped:   map[string]int{},
	}
}

// decode reads the outermost layer, out of its armour, proves it, and assembles what lies in it.
func (d *decoder) decode(data []byte) (*keystore.Store, error) {
	binary, err := d.unarmour(data)
	if err != nil {
		return nil, err
	}
	body, err := d.layer(binary, "the file")
	if err != nil {
		return nil, err
	}
	var version int64
	if !body.ReadASN1Integer(&version) {
		return nil, fmt.Errorf("no PFX: %w", keystore.ErrFormat)
	}
	if version != 3 {
		return nil, fmt.Errorf("PFX of version %d: %w", version, keystore.ErrUnsupported)
	}
	oid, content, ok := readContentInfo(&body)
	if !ok {
		return nil, fmt.Errorf("no ContentInfo in the PFX: %w", keystore.ErrFormat)
	}
	if oid != oidData {
		return nil, fmt.Errorf("integrity by signature (%s): %w", oid, keystore.ErrUnsupported)
	}
	var safe cryptobyte.String
	if !content.ReadASN1(&safe, cbasn1.OCTET_STRING) || !content.Empty() {
		return nil, fmt.Errorf("no content in the PFX: %w", keystore.ErrFormat)
	}
	integrity, err := d.checkMAC(&body, safe)
	if err != nil {
		return nil, err
	}
	if err := d.readAuthenticatedSafe(safe); err != nil {
		return nil, err
	}
	d.parseCerts()
	if err := d.openEntries(); err != nil {
		return nil, err
	}
	d.reportUnknown()
	if len(d.sealed) > 0 {
		d.report.add("notice", "sealed", "", "what is encrypted cannot be told without the password; encrypted parts: %d", len(d.sealed))
	}
	store := assemble(d.keys, d.certs, d.limits, &d.report)
	d.judgePairing(store)
	store.Others = d.others
	store.Integrity, store.Protection = integrity, d.protection
	store.Problems = d.report.all()
	return store, nil
}

// opener returns the one opener of a password, so that no key is derived twice.
func (d *decoder) opener(pw keystore.Secret) *pbe.Opener {
	if !pw.Given() {
		return pbe.NewOpener(nil, d.budget) // derives nothing; and "" would be the empty password's place
	}
	o := d.openers[string(pw)]
	if o == nil {
		o = pbe.NewOpener(pw, d.budget)
		d.openers[string(pw)] = o
	}
	return o
}

// openKey decrypts a key under the passwords that may be its own. Without any it is keystore.ErrPassword.
func (d *decoder) openKey(alg, ciphertext []byte, alias string) ([]byte, keystore.Protection, error) {
	return d.open(alg, ciphertext, d.passwords.OfKey(alias))
}

// openSafe decrypts a safe. It returns nothing and no error where no password was given.
func (d *decoder) openSafe(alg, ciphertext []byte) ([]byte, error) {
	passwords := d.passwords.OfStore()
	plain, p, err := d.open(alg, ciphertext, passwords)
	d.protect(p, "certificates", "")
	if errors.Is(err, keystore.ErrPassword) && len(passwords) == 0 {
		d.sealed = append(d.sealed, sealedEntry{alg: alg, ciphertext: ciphertext})
		return nil, nil
	}
	if errors.Is(err, keystore.ErrPassword) && d.proved {
		return nil, fmt.Errorf("opening a safe: the MAC fits, but this part has another password: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a safe: %w", err)
	}
	return plain, nil
}

// open decrypts under the first password that fits.
func (d *decoder) open(alg, ciphertext []byte, passwords []keystore.Secret) ([]byte, keystore.Protection, error) {
	if len(passwords) == 0 {
		passwords = []keystore.Secret{nil}
	}
	var plain []byte
	var p keystore.Protection
	var err error
	for _, pw := range passwords {
		if plain, p, err = d.opener(pw).Open(alg, ciphertext); err == nil {
			d.passwords.Fits(pw)
		}
		if !errors.Is(err, keystore.ErrPassword) {
			break
		}
	}
	return plain, p, err
}

// protect records how a part is protected, if that much could be read.
func (d *decoder) protect(p keystore.Protection, part, alias string) {
	if p.OID != "" {
		p.Part, p.Alias = part, alias
		d.protection = append(d.protection, p)
	}
}
