package pemfile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"reflect"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// DER is one object in binary: a certificate, a private key (PKCS#8, encrypted or not), a request, a CRL or a public key.
// It reads private keys of the older forms as well.
type DER struct{}

// Name returns "der".
func (DER) Name() string { return "der" }

// Extensions returns ".der". What is called .cer or .crt may be DER too, but is text more often: see [Codec.Extensions].
func (DER) Extensions() []string { return []string{".der"} }

// Sniff reports whether data begins as an object that this package reads, other than a PKCS#7 bundle.
func (DER) Sniff(data []byte) bool {
	kind := derKind(data)
	return kind != "" && kind != labelPKCS7
}

// Decode reads one object; what follows it is a problem. An encrypted key is handled as [Codec.Decode] does.
func (c DER) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	return decodeAs(data, opts, "reading a DER file", c.Sniff)
}

// Fit keeps the first object of the store that has a form in DER, in the order in which PEM would have them: a private key
// before its certificates. The rest is lost; names and dates are not recorded. A certificate is read as a trusted one.
func (DER) Fit(s *keystore.Store, opts keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	f := &derFitter{kept: &keystore.Store{}}
	for i := range s.Identities {
		f.identity(&s.Identities[i])
	}
	for i := range s.Loose {
		f.anchor(&s.Loose[i], "DER does not say what is trusted: a certificate alone is read as a trusted one")
	}
	for i := range s.Anchors {
		f.anchor(&s.Anchors[i], "")
	}
	for i := range s.Others {
		f.other(&s.Others[i])
	}
	protectKeys(f.kept, opts)
	return f.kept, f.changes, nil
}

// derFitter is one run of DER.Fit.
type derFitter struct {
	kept    *keystore.Store
	full    bool
	changes []keystore.Change
}

// changed records a change.
func (f *derFitter) changed(kind keystore.ChangeKind, entry, why string) {
	f.changes = append(f.changes, keystore.Change{Kind: kind, Entry: entry, Why: why})
}

// oneObject is why an entry is lost.
const oneObject = "a DER file holds one object, and another one comes first; separate files hold all, PEM or PKCS#7 several in one"

// take claims the one place, or records that the entry is lost.
func (f *derFitter) take(entry string) bool {
	if f.full {
		f.changed(keystore.ChangeLost, entry, oneObject)
		return false
	}
	f.full = true
	return true
}

// unnamed records that what was kept has lost its name or date.
func (f *derFitter) unnamed(entry string, has bool) {
	if has {
		f.changed(keystore.ChangeNoted, entry, "DER records neither names nor dates")
	}
}

// untold is why an object is lost whose bytes do not show what it is: text has a label for that, DER has none.
const untold = "its bytes do not show what it is, and DER has no other way to tell"

// certificate takes a certificate, or says why it cannot.
func (f *derFitter) certificate(c keystore.Certificate, entry string) bool {
	if derKind(c.Raw) != labelCertificate {
		f.changed(keystore.ChangeLost, entry, untold)
		return false
	}
	if !f.take(entry) {
		return false
	}
	f.kept.Anchors = append(f.kept.Anchors, keystore.Anchor{Certificate: c})
	return true
}

// identity takes the key, or the leaf of one that cannot be taken.
func (f *derFitter) identity(in *keystore.Identity) {
	entry, chain := in.Label(), in.Chain
	switch {
	case in.Key == nil:
		f.changed(keystore.ChangeLost, entry, in.WhyLocked())
	case f.take(entry):
		key := *in.Key
		f.kept.Identities = append(f.kept.Identities, keystore.Identity{Key: &key})
		f.unnamed(entry, in.Alias != "" || !in.Created.IsZero())
	}
	for i := range chain {
		f.certificate(chain[i], chain[i].Label())
	}
}

// anchor takes a certificate; why says what else it loses, if anything.
func (f *derFitter) anchor(in *keystore.Anchor, why string) {
	if !f.certificate(in.Certificate, in.Label()) {
		return
	}
	f.unnamed(in.Label(), in.Alias != "" || !in.Created.IsZero())
	if why != "" {
		f.changed(keystore.ChangeNoted, in.Label(), why)
	}
}

// other takes what is neither a key nor a certificate.
func (f *derFitter) other(in *keystore.Other) {
	label, known := otherLabels[in.Kind]
	switch {
	case !known || len(in.Raw) == 0:
		f.changed(keystore.ChangeLost, in.Label(), fmt.Sprintf("DER has no form for a %s key", in.Kind))
	case derKind(in.Raw) != label:
		f.changed(keystore.ChangeLost, in.Label(), untold)
	case f.take(in.Label()):
		f.kept.Others = append(f.kept.Others, keystore.Other{Kind: in.Kind, Raw: in.Raw})
		f.unnamed(in.Label(), in.Alias != "" || !in.Created.IsZero())
	}
}

// Encode writes the one object of a store that Fit returned; a key as PKCS#8, encrypted as [Codec.Encode] does. What is
// not encrypted is shown to crypto/x509, where that knows its kind.
func (DER) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := encodeObject(s, opts)
	if err != nil {
		return nil, fmt.Errorf("writing a DER file: %w", err)
	}
	return data, nil
}

// encodeObject is Encode.
func encodeObject(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	if opts.Profile != "" {
		return nil, fmt.Errorf("profile %q: %w", opts.Profile, keystore.ErrUnsupported)
	}
	items := flatten(s)
	switch {
	case len(items) == 0:
		return nil, errors.New("there is nothing to write")
	case len(items) > 1 || items[0].isKey && items[0].key == nil:
		return nil, errors.New("the store was not fitted to DER")
	}
	label, der := items[0].plain()
	if label == "" || len(der) == 0 {
		return nil, errors.New("the store was not fitted to DER")
	}
	if err := secondParse(&items[0], der); err != nil {
		return nil, err
	}
	if password := keyPassword(opts); items[0].isKey && password.Given() {
		return pbe.Encrypt(der, password, pbe.Params{Iterations: opts.Iterations}, opts.Random)
	}
	return bytes.Clone(der), nil
}

// secondParse fails when crypto/x509 reads an object other than the store has it.
func secondParse(it *item, der []byte) error {
	wrong := fmt.Errorf("%w: crypto/x509 finds another object", keystore.ErrReadBack)
	switch {
	case it.isKey && it.key.Signer != nil:
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		key, ok := parsed.(crypto.Signer)
		if err != nil || !ok || !reflect.DeepEqual(key.Public(), it.key.Signer.Public()) {
			return wrong
		}
	case it.certificate != nil && it.certificate.X509 != nil:
		if got, err := x509.ParseCertificate(der); err != nil || !got.Equal(it.certificate.X509) {
			return wrong
		}
	}
	return nil
}
