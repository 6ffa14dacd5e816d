package p12file

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// keyEntry is a private key as it lay in its bag, or is to.
type keyEntry struct {
	attributes
	key    *keystore.PrivateKey // nil when locked is set
	locked error
}

// certEntry is a certificate as it lay in its bag, or is to.
type certEntry struct {
	attributes
	cert keystore.Certificate
}

// newPrivateKey wraps a PrivateKeyInfo, which may be BER.
func newPrivateKey(data []byte, maxDepth int, known *keystore.Parsed) (*keystore.PrivateKey, error) {
	der, rest, err := ber.Normalize(data, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("reading a private key: %w", err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("reading a private key: %d bytes follow it: %w", len(rest), keystore.ErrFormat)
	}
	return known.PrivateKey(der)
}

// leastKey is the size in bytes below which nothing is a private key, encrypted or not: one of Ed25519 takes 48, one on a curve
// of 112 bits 46. Files full of smaller ones would only serve to waste memory.
const leastKey = 40

func errTinyKey(name string, size int) error {
	return fmt.Errorf("entry %q: a private key of %d bytes: %w", name, size, keystore.ErrFormat)
}

// readPlainKey reads a keyBag, which is not encrypted.
func (d *decoder) readPlainKey(value cryptobyte.String, attrs attributes) error {
	if len(value) < leastKey {
		return errTinyKey(attrs.name, len(value))
	}
	key, err := newPrivateKey(value, d.limits.Depth, d.opts.Parsed)
	if err != nil {
		return fmt.Errorf("entry %q: %w", attrs.name, err)
	}
	d.keys = append(d.keys, keyEntry{attributes: attrs, key: key})
	d.protect(keystore.Protection{Algorithm: "none", OID: oidKeyBag, Weak: "the key is not encrypted"}, "key", attrs.name)
	d.report.add("warning", "key-unencrypted", attrs.name, "the private key is not encrypted, and Java does not see it")
	return nil
}

// sealedEntry is a key or secret that is still to be decrypted: all of them are read first, so that what they cost
// together is known before anything is done for one of them.
type sealedEntry struct {
	name            string
	alg, ciphertext []byte
	place           int  // index in the decoder's keys, or others
	secret          bool // it is one of the others
}

// readShroudedKey reads a pkcs8ShroudedKeyBag, to be opened later.
func (d *decoder) readShroudedKey(value cryptobyte.String, attrs attributes) error {
	if len(value) < leastKey {
		return errTinyKey(attrs.name, len(value))
	}
	alg, ciphertext, err := pbe.SplitInfo(value)
	if err != nil {
		return fmt.Errorf("entry %q: %w", attrs.name, err)
	}
	d.pending = append(d.pending, sealedEntry{name: attrs.name, alg: alg, ciphertext: ciphertext, place: len(d.keys)})
	d.keys = append(d.keys, keyEntry{attributes: attrs})
	return nil
}

// openEntries decrypts the keys and secrets. One whose password is not known, or whose encryption is not supported,
// stays locked: the rest of the store is still of use.
func (d *decoder) openEntries() error {
	if d.passwords.Count() > 0 {
		if err := d.budget.Foresee(algorithms(d.pending)); err != nil {
			return err
		}
	}
	d.protection = slices.Grow(d.protection, len(d.pending))
	for _, e := range d.pending {
		plain, p, err := d.openKey(e.alg, e.ciphertext, e.name)
		d.protect(p, "key", e.name)
		switch {
		case errors.Is(err, keystore.ErrTooLarge):
			return fmt.Errorf("entry %q: %w", e.name, err)
		case e.secret:
			describeSecret(&d.others[e.place], plain)
		default:
			err = d.openedKey(&d.keys[e.place], plain, err)
		}
		if err != nil && !e.secret {
			return fmt.Errorf("entry %q: %w", e.name, err)
		}
	}
	return nil
}

// algorithms lists how entries are encrypted.
func algorithms(entries []sealedEntry) [][]byte {
	algs := make([][]byte, len(entries))
	for i, e := range entries {
		algs[i] = e.alg
	}
	return algs
}

// openedKey puts a decrypted key in its place, or what kept it from being decrypted; other errors it returns.
func (d *decoder) openedKey(entry *keyEntry, plain []byte, err error) error {
	if errors.Is(err, keystore.ErrPassword) || errors.Is(err, keystore.ErrUnsupported) {
		entry.locked = fmt.Errorf("entry %q: %w", entry.name, err)
		return nil
	}
	if err == nil {
		entry.key, err = newPrivateKey(plain, d.limits.Depth, d.opts.Parsed)
	}
	return err
}

// readCert reads a certBag.
func (d *decoder) readCert(value cryptobyte.String, attrs attributes) error {
	oid, der, ok := readTyped(value)
	if !ok || oid == oidX509Cert && der == nil {
		return fmt.Errorf("entry %q: reading a certificate bag: %w", attrs.name, keystore.ErrFormat)
	}
	if oid != oidX509Cert {
		d.report.add("warning", "unknown-certificate", attrs.name, "a certificate of type %s, not X.509, was passed over", oid)
		return nil
	}
	cert, err := d.opts.Parsed.Outline(der)
	if err != nil {
		return fmt.Errorf("entry %q: %w", attrs.name, err)
	}
	d.certs = append(d.certs, certEntry{attributes: attrs, cert: cert})
	return nil
}

// parseCerts completes the certificates of all bags.
func (d *decoder) parseCerts() {
	all := make([]*keystore.Certificate, len(d.certs))
	for i := range d.certs {
		all[i] = &d.certs[i].cert
	}
	keystore.ParseAll(all)
	for i, c := range all {
		if c.X509 == nil {
			d.report.add("warning", "unparsed-certificate", d.certs[i].name, "a certificate could not be parsed; its bytes are kept as they are")
		}
	}
}

// readCRL reads a crlBag.
func (d *decoder) readCRL(value cryptobyte.String, attrs attributes) error {
	oid, der, ok := readTyped(value)
	if !ok || oid == oidX509CRL && der == nil {
		return fmt.Errorf("entry %q: reading a CRL bag: %w", attrs.name, keystore.ErrFormat)
	}
	if oid != oidX509CRL {
		d.report.add("warning", "unknown-crl", attrs.name, "a CRL of type %s, not X.509, was passed over", oid)
		return nil
	}
	d.others = append(d.others, keystore.Other{Alias: attrs.name, Created: dateOf(attrs.id), Kind: keystore.KindCRL, Raw: der})
	return nil
}

// secretNames are the algorithms of secret keys that Java names by OID.
var secretNames = map[string]string{
	"2.16.840.1.101.3.4.1": "AES",
	"1.2.840.113549.3.7":   "DESede",
	"1.3.14.3.2.7":         "DES",
	"1.2.840.113549.3.4":   "RC4",
	"1.2.840.113549.2.7":   "HmacSHA1",
	"1.2.840.113549.2.9":   "HmacSHA256",
	"1.2.840.113549.2.10":  "HmacSHA384",
	"1.2.840.113549.2.11":  "HmacSHA512",
}

// readSecret reads a secretBag. Java puts an EncryptedPrivateKeyInfo in it; what kind of key that is and how long
// can be told when it opens, and the key itself is not kept.
func (d *decoder) readSecret(value cryptobyte.String, attrs attributes) error {
	oid, info, ok := readTyped(value)
	if !ok {
		return fmt.Errorf("entry %q: reading a secret bag: %w", attrs.name, keystore.ErrFormat)
	}
	// In a form of some other program, all that is known is that it is a secret.
	if alg, ciphertext, err := pbe.SplitInfo(info); oid == oidShroudedBag && err == nil {
		d.pending = append(d.pending, sealedEntry{attrs.name, alg, ciphertext, len(d.others), true})
	}
	d.others = append(d.others, keystore.Other{Alias: attrs.name, Created: dateOf(attrs.id), Kind: keystore.KindSecret})
	return nil
}

// describeSecret tells the algorithm and the length of a secret key that could be decrypted.
func describeSecret(other *keystore.Other, plain []byte) {
	in := cryptobyte.String(plain)
	var body, params, octets cryptobyte.String
	var version int64
	var id asn1.ObjectIdentifier
	if in.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1Integer(&version) && body.ReadASN1(&params, cbasn1.SEQUENCE) &&
		params.ReadASN1ObjectIdentifier(&id) && body.ReadASN1(&octets, cbasn1.OCTET_STRING) {
		other.Algorithm, other.Bits = secretNames[id.String()], 8*len(octets)
		if other.Algorithm == "" {
			other.Algorithm = id.String()
		}
	}
}
