package jksfile

import (
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Fit returns the store as a JKS file can carry it: private keys with a chain, and trusted certificates, each under an
// alias of its own in lower case and with a date (opts.Now where it had none).
//
// What is lost is said: keys without a certificate, which Java cannot use; locked keys; requests, CRLs, public and
// secret keys; and certificates that are neither a key's nor trusted. The last are not made trusted entries, though
// that would save them: a certificate is trusted because somebody says so, not because a format has no other place.
func (Codec) Fit(s *keystore.Store, opts keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	f := &fitter{now: opts.Now, namer: keystore.NewNamer(nameRules, names(s)), out: &keystore.Store{}}
	for i := range s.Identities {
		f.identity(&s.Identities[i])
	}
	for i := range s.Anchors {
		f.anchor(s.Anchors[i])
	}
	for i := range s.Loose {
		f.lost(&s.Loose[i], "JKS has no place for certificates that are neither trusted nor a key's")
	}
	for i := range s.Others {
		f.lost(&s.Others[i], fmt.Sprintf("JKS has no place for a %s", s.Others[i].Kind))
	}
	f.out.Protection = append(f.out.Protection, checksum())
	for i := range f.out.Identities {
		f.out.Protection = append(f.out.Protection, sunProtection(f.out.Identities[i].Alias))
	}
	return f.out, append(f.namer.Changes(), f.losses...), nil
}

// fitter is one run of Fit.
type fitter struct {
	now    time.Time
	namer  *keystore.Namer
	out    *keystore.Store
	losses []keystore.Change
}

// names returns the aliases that the entries of s which JKS can carry ask for.
func names(s *keystore.Store) []string {
	var out []string
	for i := range s.Identities {
		out = append(out, s.Identities[i].Alias)
	}
	for _, a := range s.Anchors {
		out = append(out, a.Alias)
	}
	return out
}

// lost records that an entry is not in the result.
func (f *fitter) lost(entry keystore.Labelled, why string) {
	f.losses = append(f.losses, keystore.Change{Kind: keystore.ChangeLost, Entry: entry.Label(), Why: why})
}

// identity takes over a key with its chain.
func (f *fitter) identity(in *keystore.Identity) {
	switch {
	case in.Key == nil:
		f.lost(in, in.WhyLocked())
		return
	case len(in.Chain) == 0:
		f.lost(in, "a JKS key needs a certificate; Java cannot use it without")
		return
	}
	out := keystore.Identity{Alias: f.namer.Name(in.Alias, in), Created: f.date(in.Created)}
	key := *in.Key
	out.Key = &key
	out.Chain = append(out.Chain, in.Chain...)
	f.out.Identities = append(f.out.Identities, out)
}

// anchor takes over a trusted certificate.
func (f *fitter) anchor(in keystore.Anchor) {
	in.Alias = f.namer.Name(in.Alias, &in)
	in.Created = f.date(in.Created)
	f.out.Anchors = append(f.out.Anchors, in)
}

// date returns the date of an entry as the file has it, to the millisecond.
func (f *fitter) date(t time.Time) time.Time {
	if t.IsZero() {
		t = f.now
	}
	return storedDate(t)
}

// storedDate returns what a reader makes of t: UTC, whole milliseconds, and no date where the field would be 0.
func storedDate(t time.Time) time.Time {
	if t.IsZero() || t.UnixMilli() == 0 {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
