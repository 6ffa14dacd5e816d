package pemfile

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Encode writes a store that Fit returned: every key as PKCS#8, encrypted where a password is given (KeyPassword before
// Password; one derivation for all keys), its leaf and chain behind it, then the other entries. Iterations is that of
// PBKDF2, 0 for [pbe.KeyIterations]. The file is shown to encoding/pem, as far as that can read it, before it is returned.
func (Codec) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := encode(s, opts)
	if err != nil {
		return nil, fmt.Errorf("writing a PEM file: %w", err)
	}
	return data, nil
}

// encode builds the file.
func encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	if opts.Profile != "" {
		return nil, fmt.Errorf("profile %q: %w", opts.Profile, keystore.ErrUnsupported)
	}
	items := flatten(s)
	if len(items) == 0 {
		return []byte(emptyFile), nil
	}
	var sealer *pbe.Sealer
	if password := keyPassword(opts); password.Given() && len(s.Identities) > 0 {
		var err error
		if sealer, err = pbe.NewSealer(password, pbe.Params{Iterations: opts.Iterations}, opts.Random); err != nil {
			return nil, err
		}
	}
	out := make([]byte, 0, textSize(items))
	for i := range items {
		it := &items[i]
		if it.word != "" {
			out = appendNote(out, it.word, it.alias)
		}
		var err error
		if out, err = appendItem(out, it, sealer); err != nil {
			return nil, fmt.Errorf("entry %q: %w", it.alias, err)
		}
	}
	return out, secondOpinion(out, items, sealer != nil)
}

// textSize is about how many bytes the items take as text, names and what encryption adds not counted.
func textSize(items []item) int {
	const lines = 128 // BEGIN, END, and what is around the content
	size := 0
	for i := range items {
		_, der := items[i].plain()
		size += len(der)*65/48 + lines
	}
	return size
}

// keyPassword is the one that protects the keys, nil when none does.
func keyPassword(opts keystore.EncodeOptions) keystore.Secret {
	if opts.KeyPassword.Given() {
		return opts.KeyPassword
	}
	return opts.Password
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

// secondOpinion reads a file that was just written with Go's own encoding/pem, and fails unless it finds the same blocks
// with, in those that are not encrypted, the same bytes.
func secondOpinion(data []byte, want []item, encrypted bool) error {
	for i := range want {
		it := &want[i]
		label, der := it.plain()
		if it.isKey && encrypted {
			label, der = labelEncrypted, nil
		}
		var found *pem.Block
		if found, data = pem.Decode(data); found == nil || found.Type != label || der != nil && !bytes.Equal(found.Bytes, der) {
			return fmt.Errorf("%w: encoding/pem finds another entry %d", keystore.ErrReadBack, i+1)
		}
	}
	if found, _ := pem.Decode(data); found != nil {
		return fmt.Errorf("%w: encoding/pem finds more than %d entries", keystore.ErrReadBack, len(want))
	}
	return nil
}

// plain returns the label and the content of an item's block when it is not encrypted.
func (it *item) plain() (label string, der []byte) {
	switch {
	case it.isKey && it.key != nil:
		return labelKey, it.key.PKCS8
	case it.certificate != nil:
		return labelCertificate, it.certificate.Raw
	}
	return otherLabels[it.other], it.otherRaw
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

// EncodeRequest returns a PKCS#10 request in DER as a PEM block.
func EncodeRequest(der []byte) []byte { return appendBlock(nil, labelRequest, der) }
