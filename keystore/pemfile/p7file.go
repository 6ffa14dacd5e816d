package pemfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// PKCS7 is a bundle of certificates and CRLs, a SignedData without content or signatures (RFC 5652 section 5), as
// Windows, Java and OpenSSL exchange chains. It reads all three of its forms and writes the one that the profile names.
//
// The certificates are a SET, whose members DER sorts by their bytes. Most writers, OpenSSL and GnuTLS among them, keep an
// order that means something all the same, the leaf first, and all readers that we know take any order: those that need
// one, such as keytool, find it out by themselves. So the order of the store is kept, but under [ProfileDER], which is for
// readers that insist on the letter of DER.
type PKCS7 struct{}

// The profiles of PKCS7, for EncodeOptions.Profile.
const (
	ProfilePEM = "pem" // text (RFC 7468 section 8), the default: what most readers take
	ProfileDER = "der" // binary, members sorted
	ProfileBER = "ber" // binary, indefinite lengths, as programs write that do not know the size beforehand
)

// Profiles returns the names of the profiles, the default first.
func (PKCS7) Profiles() []string { return []string{ProfilePEM, ProfileDER, ProfileBER} }

// Name returns "p7b".
func (PKCS7) Name() string { return "p7b" }

// Extensions returns the endings of bundles.
func (PKCS7) Extensions() []string { return []string{".p7b", ".p7c"} }

// Sniff reports whether data begins as a SignedData in DER or BER, or is text whose blocks are, as far as they are read.
func (PKCS7) Sniff(data []byte) bool {
	bundles, others := blockKinds(data)
	return pkcs7Begins(data) || bundles && !others
}

// Decode reads the certificates, as trusted ones, and the CRLs of a bundle. Signatures are not looked at. Text may have
// further blocks, which are read as [Codec.Decode] does: of a long one Sniff sees the beginning.
func (PKCS7) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	return decodeAs(data, opts, "reading a PKCS#7 file", func(data []byte) bool {
		bundles, _ := blockKinds(data)
		return bundles || pkcs7Begins(data)
	})
}

// Fit keeps all certificates, each once, and CRLs. Private keys, requests and public keys are lost; names, dates, and
// what is trusted are not recorded.
func (PKCS7) Fit(s *keystore.Store, opts keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	f := &p7Fitter{kept: &keystore.Store{}}
	for i := range s.Identities {
		in := &s.Identities[i]
		f.changed(keystore.ChangeLost, in.Label(), "PKCS#7 holds no private keys, only their certificates")
		for _, c := range in.Chain {
			f.certificate(c)
		}
	}
	for i := range s.Loose {
		f.unnamed(&s.Loose[i], !s.Loose[i].Created.IsZero() || s.Loose[i].Alias != "")
		f.changed(keystore.ChangeNoted, s.Loose[i].Label(), "PKCS#7 does not say what is trusted: its certificates are read as trusted ones")
		f.certificate(s.Loose[i].Certificate)
	}
	for i := range s.Anchors {
		f.unnamed(&s.Anchors[i], !s.Anchors[i].Created.IsZero() || s.Anchors[i].Alias != "")
		f.certificate(s.Anchors[i].Certificate)
	}
	for i := range s.Others {
		f.other(&s.Others[i])
	}
	if opts.Profile == ProfileDER {
		f.sort()
	}
	return f.kept, f.changes, nil
}

// p7Fitter is one run of PKCS7.Fit.
type p7Fitter struct {
	kept    *keystore.Store
	seen    keystore.Distinct // certificates that are kept already
	changes []keystore.Change
}

// changed records a change.
func (f *p7Fitter) changed(kind keystore.ChangeKind, entry, why string) {
	f.changes = append(f.changes, keystore.Change{Kind: kind, Entry: entry, Why: why})
}

// unnamed records that an entry has lost its name or date.
func (f *p7Fitter) unnamed(entry keystore.Labelled, has bool) {
	if has {
		f.changed(keystore.ChangeNoted, entry.Label(), "PKCS#7 records neither names nor dates")
	}
}

// certificate takes a certificate, unless it is there already.
func (f *p7Fitter) certificate(c keystore.Certificate) {
	if _, first := f.seen.Number(c); first {
		f.kept.Anchors = append(f.kept.Anchors, keystore.Anchor{Certificate: c})
	}
}

// other takes a CRL.
func (f *p7Fitter) other(in *keystore.Other) {
	if in.Kind != keystore.KindCRL || checkSigned(in.Raw, labelCRL, "CRL") != nil {
		f.changed(keystore.ChangeLost, in.Label(), fmt.Sprintf("PKCS#7 has no place for a %s", in.Kind))
		return
	}
	f.unnamed(in, in.Alias != "" || !in.Created.IsZero())
	f.kept.Others = append(f.kept.Others, keystore.Other{Kind: in.Kind, Raw: in.Raw})
}

// sort puts both lists in the order of DER, X.690 section 11.6, and says so where that changes anything.
func (f *p7Fitter) sort() {
	anchors, crls := f.kept.Anchors, f.kept.Others
	byBytes := func(a, b keystore.Anchor) int { return bytes.Compare(a.Certificate.Raw, b.Certificate.Raw) }
	crlsByBytes := func(a, b keystore.Other) int { return bytes.Compare(a.Raw, b.Raw) }
	if slices.IsSortedFunc(anchors, byBytes) && slices.IsSortedFunc(crls, crlsByBytes) {
		return
	}
	entry := string(keystore.KindCRL)
	if len(anchors) > 0 {
		entry = anchors[0].Label()
	}
	f.changed(keystore.ChangeNoted, entry, "DER sorts the members of a set by their bytes: the order of the certificates is another")
	slices.SortStableFunc(anchors, byBytes)
	slices.SortStableFunc(crls, crlsByBytes)
}

// Encode writes a store that Fit returned, with the same Profile. The bundle is shown to encoding/asn1 before it is
// returned, but for the indefinite lengths of [ProfileBER], which that does not read.
func (PKCS7) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := encodeBundle(s, opts.Profile)
	if err != nil {
		return nil, fmt.Errorf("writing a PKCS#7 file: %w", err)
	}
	return data, nil
}

// encodeBundle is Encode.
func encodeBundle(s *keystore.Store, profile string) ([]byte, error) {
	if len(s.Identities) > 0 || len(s.Loose) > 0 {
		return nil, errors.New("the store was not fitted to PKCS#7")
	}
	var certificates, crls [][]byte
	for i := range s.Anchors {
		certificates = append(certificates, s.Anchors[i].Certificate.Raw)
	}
	for i := range s.Others {
		if s.Others[i].Kind != keystore.KindCRL {
			return nil, fmt.Errorf("the store was not fitted to PKCS#7: it has a %s", s.Others[i].Kind)
		}
		crls = append(crls, s.Others[i].Raw)
	}
	der, err := buildPKCS7(certificates, crls)
	if err != nil {
		return nil, err
	}
	if err := secondBundle(der, certificates, crls); err != nil {
		return nil, err
	}
	switch profile {
	case "", ProfilePEM:
		return appendBlock(nil, labelPKCS7, der), nil
	case ProfileDER:
		return der, nil
	case ProfileBER:
		return streamPKCS7(certificates, crls), nil
	}
	return nil, fmt.Errorf("profile %q: %w", profile, keystore.ErrUnsupported)
}
