package p12file

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Fit makes a store what PKCS12 can carry; see [keystore.Codec].
//
// Aliases become unique without regard to case, as Java sees them, and none stays empty. Keys get the date
// that Java keeps in their localKeyID, each another. Requests, CRLs, public and secret keys, and keys that are locked are
// lost; the profile "passwordless-trust" loses every key. A key without a password for the file is an error.
func (Codec) Fit(s *keystore.Store, opts keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	p, err := planFor(opts)
	if err != nil {
		return nil, nil, fmt.Errorf("fitting into PKCS12: %w", err)
	}
	f := &fitter{plan: p, now: opts.Now, namer: keystore.NewNamer(nameRules, p.namesOf(s)), dates: map[int64]int64{}}
	fitted, err := f.fit(s)
	if err != nil {
		return nil, nil, fmt.Errorf("fitting into PKCS12: %w", err)
	}
	f.notePasswords(opts, len(fitted.Identities) > 0)
	return fitted, append(f.namer.Changes(), f.changes...), nil
}

// namesOf returns the aliases that the entries of a store ask for which the result will have under a name of their own.
func (p plan) namesOf(s *keystore.Store) []string {
	var names []string
	for _, id := range s.Identities {
		if id.Key != nil && p.name != ProfilePasswordlessTrust {
			names = append(names, id.Alias)
		}
	}
	for _, a := range s.Anchors {
		names = append(names, a.Alias)
	}
	return names
}

// fitter is the state of fitting one store.
type fitter struct {
	plan    plan
	now     time.Time
	known   *keystore.Parsed // the keys
	namer   *keystore.Namer
	dates   map[int64]int64 // in use, each with a later one that may be free
	changes []keystore.Change
}

func (f *fitter) change(kind keystore.ChangeKind, entry, why string) {
	f.changes = append(f.changes, keystore.Change{Kind: kind, Entry: entry, Why: why})
}

// fit builds the fitted store. What reading would make of chains and loose certificates is found out by doing what
// reading does.
func (f *fitter) fit(s *keystore.Store) (*keystore.Store, error) {
	f.known = keystore.ParsedOf(&keystore.Store{Identities: s.Identities})
	wanted := &keystore.Store{}
	for _, id := range s.Identities {
		if err := f.fitIdentity(wanted, id); err != nil {
			return nil, err
		}
	}
	for i := range s.Anchors {
		a := &s.Anchors[i]
		name := f.namer.Name(a.Alias, a)
		if !a.Created.IsZero() {
			f.change(keystore.ChangeNoted, name, "PKCS12 keeps no date for trusted certificates")
		}
		wanted.Anchors = append(wanted.Anchors, keystore.Anchor{Alias: name, Certificate: a.Certificate})
	}
	for _, l := range s.Loose {
		name, reason, why := suit(l.Alias)
		if name != l.Alias {
			f.changes = append(f.changes, keystore.Change{Kind: keystore.ChangeRenamed, Entry: l.Alias, To: name, Why: why, Reason: reason})
		}
		if !l.Created.IsZero() {
			f.change(keystore.ChangeNoted, name, "PKCS12 keeps no date for certificates without a key")
		}
		wanted.Loose = append(wanted.Loose, keystore.Anchor{Alias: name, Certificate: l.Certificate})
	}
	for _, o := range s.Others {
		f.change(keystore.ChangeLost, o.Label(), "programs that read PKCS12 pass over such entries: "+string(o.Kind))
	}
	fitted := arrange(wanted)
	f.noteChains(wanted, fitted)
	fitted.Protection = f.plan.protection(fitted)
	return fitted, nil
}

// fitIdentity adds an identity to the store, or what can be kept of it.
func (f *fitter) fitIdentity(s *keystore.Store, id keystore.Identity) error {
	lost := ""
	switch {
	case id.Key == nil:
		lost = id.WhyLocked()
	case f.plan.name == ProfilePasswordlessTrust:
		lost = "the profile passwordless-trust holds no keys"
	case f.plan.open:
		return errors.New("a PKCS12 with keys needs a password: without one they would lie in it unencrypted")
	}
	if lost != "" {
		f.change(keystore.ChangeLost, id.Label(), lost+"; its certificates are kept")
		for _, c := range id.Chain {
			s.Loose = append(s.Loose, keystore.Anchor{Certificate: c})
		}
		return nil
	}
	key, err := newPrivateKey(id.Key.PKCS8, keystore.DefaultLimits.Depth, f.known)
	if err != nil {
		return fmt.Errorf("entry %q: %w", id.Alias, err)
	}
	name := f.namer.Name(id.Alias, &id)
	s.Identities = append(s.Identities, keystore.Identity{Alias: name, Created: f.date(name, id.Created), Key: key, Chain: id.Chain})
	return nil
}

// date returns the date of a key as it can be written: to the millisecond, and no other key's, since it is the
// localKeyID as well.
func (f *fitter) date(name string, created time.Time) time.Time {
	wanted := created
	if created.IsZero() {
		wanted = f.now
	}
	if wanted.IsZero() {
		wanted = time.UnixMilli(0)
	}
	ms := min(max(wanted.UnixMilli(), -maxMillis), maxMillis-int64(len(f.dates)))
	ms = f.freeDate(ms)
	if !created.IsZero() && ms != created.UnixMilli() {
		f.change(keystore.ChangeNoted, name, "its date moved by milliseconds, since in PKCS12 it must be unique")
	}
	return time.UnixMilli(ms).UTC()
}

// freeDate takes the first date from ms on that is not in use. Thousands of keys may have one date: what is found on the
// way is remembered, so that no key looks through those of all before it.
func (f *fitter) freeDate(ms int64) int64 {
	free := ms
	for next, taken := f.dates[free]; taken; next, taken = f.dates[free] {
		free = next
	}
	for at := ms; at < free; {
		at, f.dates[at] = f.dates[at], free+1
	}
	f.dates[free] = free + 1
	return free
}

// noteChains reports what arranging did to chains: PKCS12 has a heap of certificates, and readers build
// the chains by issuer.
func (f *fitter) noteChains(wanted, fitted *keystore.Store) {
	for i, id := range wanted.Identities {
		got := fitted.Identities[i].Chain
		switch {
		case len(id.Chain) > 0 && (len(got) == 0 || !got[0].Equal(id.Chain[0])):
			f.change(keystore.ChangeLost, id.Alias, "its certificate has another public key; the two are kept apart")
		case !slices.EqualFunc(id.Chain, got, keystore.Certificate.Equal):
			f.change(keystore.ChangeNoted, id.Alias,
				fmt.Sprintf("readers of PKCS12 build the chain by issuer: it has %d certificates now, not %d", len(got), len(id.Chain)))
		}
	}
	if n := len(wanted.Loose) - len(fitted.Loose); n > 0 {
		f.change(keystore.ChangeNoted, "", fmt.Sprintf("%d certificates without a key are now part of a chain", n))
	}
}

// notePasswords reports what the passwords mean for readers.
func (f *fitter) notePasswords(opts keystore.EncodeOptions, keys bool) {
	if f.plan.open {
		if opts.Password.Given() {
			f.change(keystore.ChangeNoted, "", "the profile "+f.plan.name+" does not use the password")
		}
		return
	}
	if keys && (opts.KeyPassword.Given() && !bytes.Equal(opts.KeyPassword, opts.Password) || len(opts.KeyPasswords) > 0) {
		f.change(keystore.ChangeNoted, "", "PKCS12 has one password for the store and its keys; the keys' own is not used")
	}
	for _, b := range opts.Password {
		if b < 0x20 || b > 0x7e {
			f.change(keystore.ChangeNoted, "", "Java 17 and older refuse a PKCS12 whose password is not ASCII")
			break
		}
	}
}
