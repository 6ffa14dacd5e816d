package pemfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Encode writes a store that Fit returned: every key as PKCS#8, encrypted where a password is given (KeyPassword before
// Password; one derivation for all keys), its leaf and chain behind it, then the other entries. Iterations is that of
// PBKDF2, 0 for [pbe.KeyIterations]. The file is read back and compared before it is returned.
func (Codec) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, sealer, err := encode(s, opts)
	if err == nil {
		err = readBack(data, s, sealer)
	}
	if err != nil {
		return nil, fmt.Errorf("writing a PEM file: %w", err)
	}
	return data, nil
}

// encode builds the file. The sealer is that of its keys, nil when they are not encrypted.
func encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, *pbe.Sealer, error) {
	if opts.Profile != "" {
		return nil, nil, fmt.Errorf("profile %q: %w", opts.Profile, keystore.ErrUnsupported)
	}
	items := flatten(s)
	if len(items) == 0 {
		return []byte(emptyFile), nil, nil
	}
	password := opts.KeyPassword
	if !password.Given() {
		password = opts.Password
	}
	var sealer *pbe.Sealer
	if password.Given() && len(s.Identities) > 0 {
		var err error
		if sealer, err = pbe.NewSealer(password, pbe.Params{Iterations: opts.Iterations}, opts.Random); err != nil {
			return nil, nil, err
		}
	}
	var out []byte
	for i := range items {
		it := &items[i]
		if it.word != "" {
			out = appendNote(out, it.word, it.alias)
		}
		var err error
		if out, err = appendItem(out, it, sealer); err != nil {
			return nil, nil, fmt.Errorf("entry %q: %w", it.alias, err)
		}
	}
	return out, sealer, nil
}

// appendItem appends the block of an entry.
func appendItem(out []byte, it *item, sealer *pbe.Sealer) ([]byte, error) {
	switch {
	case it.isKey && it.key == nil:
		return nil, errors.New("the store was not fitted to PEM: its key is locked")
	case it.isKey:
		return appendKey(out, it.key, sealer)
	case it.certificate != nil:
		return appendBlock(out, labelCertificate, it.certificate.Raw), nil
	}
	label, known := otherLabels[it.other]
	if !known || len(it.otherRaw) == 0 {
		return nil, fmt.Errorf("the store was not fitted to PEM: it has a %s", it.other)
	}
	return appendBlock(out, label, it.otherRaw), nil
}

// otherLabels are the labels of what is neither a key nor a certificate.
var otherLabels = map[keystore.OtherKind]string{
	keystore.KindRequest:   labelRequest,
	keystore.KindCRL:       labelCRL,
	keystore.KindPublicKey: labelPublic,
}

// appendKey appends a key, encrypted where there is a sealer.
func appendKey(out []byte, key *keystore.PrivateKey, sealer *pbe.Sealer) ([]byte, error) {
	if sealer == nil {
		return appendBlock(out, labelKey, key.PKCS8), nil
	}
	der, err := sealer.SealInfo(key.PKCS8)
	if err != nil {
		return nil, err
	}
	return appendBlock(out, labelEncrypted, der), nil
}

// readBack fails unless the file holds the store.
func readBack(data []byte, want *keystore.Store, sealer *pbe.Sealer) error {
	wanted := flatten(want)
	d := newDecoder(data, keystore.DecodeOptions{Limits: keystore.Limits{Entries: len(wanted) + 1}})
	if sealer != nil { // which spares the derivation of the key it has
		d.opts.Password = keystore.Secret{}
		d.openers[""] = sealer.Opener(d.budget)
	}
	if err := d.file(data); err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if len(d.items) != len(wanted) {
		return fmt.Errorf("reading it back: %d entries where there were %d", len(d.items), len(wanted))
	}
	for i := range wanted {
		if w := &wanted[i]; !sameItem(w, &d.items[i]) {
			return fmt.Errorf("reading it back: entry %d, %q, is not as it was", i+1, w.alias)
		}
	}
	if difference := same(want, assemble(d.items, keystore.DefaultLimits)); difference != "" {
		return fmt.Errorf("reading it back: %s is not as it was", difference)
	}
	return nil
}

// sameItem compares two entries.
func sameItem(a, b *item) bool {
	switch {
	case a.word != b.word || a.alias != b.alias || a.isKey != b.isKey || a.other != b.other ||
		(a.certificate == nil) != (b.certificate == nil):
		return false
	case a.isKey:
		return b.key != nil && bytes.Equal(a.key.PKCS8, b.key.PKCS8)
	case a.certificate != nil:
		return a.certificate.Equal(*b.certificate)
	}
	return bytes.Equal(a.otherRaw, b.otherRaw)
}

// same reports the first difference in what belongs together, "" when there is none. That the entries themselves are
// the same has been seen to.
func same(a, b *keystore.Store) string {
	if len(a.Identities) != len(b.Identities) || len(a.Anchors) != len(b.Anchors) ||
		len(a.Loose) != len(b.Loose) || len(a.Others) != len(b.Others) {
		return "the number of entries of a kind"
	}
	for i := range a.Identities {
		x, y := &a.Identities[i], &b.Identities[i]
		if x.Alias != y.Alias || len(x.Chain) != len(y.Chain) {
			return fmt.Sprintf("the chain of %q", x.Alias)
		}
		for j := range x.Chain {
			if !x.Chain[j].Equal(y.Chain[j]) {
				return fmt.Sprintf("the chain of %q", x.Alias)
			}
		}
	}
	return ""
}

// EncodeKey returns a private key as a PEM block: PKCS#8, encrypted (PBES2, AES-256, PBKDF2-HMAC-SHA256) where a password
// is given. Iterations 0 means [pbe.KeyIterations]; random gives salt and IV, and may be nil without a password.
func EncodeKey(key *keystore.PrivateKey, password keystore.Secret, iterations int, random io.Reader) ([]byte, error) {
	var sealer *pbe.Sealer
	if password.Given() {
		var err error
		if sealer, err = pbe.NewSealer(password, pbe.Params{Iterations: iterations}, random); err != nil {
			return nil, fmt.Errorf("writing a private key: %w", err)
		}
	}
	return appendKey(nil, key, sealer)
}

// EncodeCertificates returns certificates as PEM blocks in the order given, with nothing between them.
func EncodeCertificates(certificates ...keystore.Certificate) []byte {
	var out []byte
	for _, c := range certificates {
		out = appendBlock(out, labelCertificate, c.Raw)
	}
	return out
}

// EncodeCRL returns a CRL in DER as a PEM block.
func EncodeCRL(der []byte) []byte { return appendBlock(nil, labelCRL, der) }

// EncodeRequest returns a PKCS#10 request in DER as a PEM block.
func EncodeRequest(der []byte) []byte { return appendBlock(nil, labelRequest, der) }

// EncodePublicKey returns a SubjectPublicKeyInfo in DER as a PEM block.
func EncodePublicKey(der []byte) []byte { return appendBlock(nil, labelPublic, der) }
