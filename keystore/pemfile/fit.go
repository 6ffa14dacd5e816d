package pemfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Fit returns the store as a reader of the PEM file will find it, and what that changes: the dates of entries are not
// recorded, a chain is what the certificates themselves say it is, and locked keys and secret keys have no text form.
func (Codec) Fit(s *keystore.Store, opts keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	f := &fitter{kept: &keystore.Store{}}
	for _, i := range s.Identities {
		f.identity(i)
	}
	for _, a := range s.Loose {
		f.kept.Loose = append(f.kept.Loose, f.anchor(a))
	}
	for _, a := range s.Anchors {
		f.kept.Anchors = append(f.kept.Anchors, f.anchor(a))
	}
	for _, o := range s.Others {
		f.other(o)
	}
	fitted := assemble(flatten(f.kept), keystore.DefaultLimits)
	f.compareChains(fitted)
	fitted.Problems, fitted.Integrity = nil, ""
	protectKeys(fitted, opts)
	return fitted, f.changes, nil
}

// protectKeys says how the keys of a store will be encrypted.
func protectKeys(s *keystore.Store, opts keystore.EncodeOptions) {
	if !keyPassword(opts).Given() {
		return
	}
	for i := range s.Identities {
		p := pbe.Params{Iterations: opts.Iterations}.Protection()
		p.Part, p.Alias = "key", s.Identities[i].Alias
		s.Protection = append(s.Protection, p)
	}
}

// fitter is one run of Fit.
type fitter struct {
	kept    *keystore.Store
	changes []keystore.Change
}

// changed records a change.
func (f *fitter) changed(kind keystore.ChangeKind, entry, why string) {
	f.changes = append(f.changes, keystore.Change{Kind: kind, Entry: entry, Why: why})
}

// identity takes over a key with its chain.
func (f *fitter) identity(in keystore.Identity) {
	if in.Key == nil {
		f.changed(keystore.ChangeLost, in.Label(), in.WhyLocked())
		return
	}
	f.noteDate(&in, !in.Created.IsZero())
	key := *in.Key
	f.kept.Identities = append(f.kept.Identities, keystore.Identity{
		Alias: f.name(in.Alias), Key: &key, Chain: append([]keystore.Certificate(nil), in.Chain...),
	})
}

// anchor takes over a certificate.
func (f *fitter) anchor(in keystore.Anchor) keystore.Anchor {
	f.noteDate(&in, !in.Created.IsZero())
	return keystore.Anchor{Alias: f.name(in.Alias), Certificate: in.Certificate}
}

// other takes over what is neither.
func (f *fitter) other(in keystore.Other) {
	if len(in.Raw) == 0 {
		f.changed(keystore.ChangeLost, in.Label(), fmt.Sprintf("PEM and DER have no form for a %s key", in.Kind))
		return
	}
	f.noteDate(&in, !in.Created.IsZero())
	f.kept.Others = append(f.kept.Others, keystore.Other{Alias: f.name(in.Alias), Kind: in.Kind, Raw: in.Raw})
}

// noteDate records that a date is left out.
func (f *fitter) noteDate(entry keystore.Labelled, has bool) {
	if has {
		f.changed(keystore.ChangeNoted, entry.Label(), "PEM and DER do not record when an entry was made")
	}
}

// name returns an alias that a reader takes under its default limits.
func (f *fitter) name(alias string) string {
	limit := keystore.DefaultLimits.NameBytes
	if len(alias) <= limit {
		return alias
	}
	short := alias[:limit]
	for len(short) > 0 && !utf8.RuneStart(alias[len(short)]) {
		short = short[:len(short)-1]
	}
	f.changes = append(f.changes, keystore.Change{
		Kind: keystore.ChangeRenamed, Entry: alias, To: short, Why: fmt.Sprintf("names have at most %d bytes", limit),
		Reason: keystore.RenameLength,
	})
	return strings.Clone(short)
}

// compareChains records where a chain will be another than it was: a reader finds the issuers that the store has for
// another key, and does not take a certificate for an issuer that is none.
func (f *fitter) compareChains(fitted *keystore.Store) {
	for i := range f.kept.Identities {
		was, is := f.kept.Identities[i], fitted.Identities[i]
		same := len(was.Chain) == len(is.Chain)
		for j := 0; same && j < len(is.Chain); j++ {
			same = was.Chain[j].Equal(is.Chain[j])
		}
		if !same {
			f.changed(keystore.ChangeNoted, was.Alias,
				"PEM does not record chains: they are made of the certificates that issued one another")
		}
	}
}
