package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Plan is what a conversion will make, decided before anything is encoded.
type Plan struct {
	Entries     []Entry // of the result, in its order
	Lost        []Note  // entries that the result will not have, and first keys without their certificate; see [Plan.Refusal]
	Paired      []Pairing
	Reencrypted []Reencryption
	Noted       []Note   // kept; something harmless about it is not, or was put right
	LeftOut     []string // what the recipe's selection left out

	store      *keystore.Store // what will be encoded: Entries with their bytes
	recipe     Recipe
	mismatched bool            // Lost begins with a key without its certificate
	replaced   map[string]bool // by DER: certificates in whose place their keys have got better ones
}

// Note is one thing to be said about an entry, or with an empty Entry about a whole file.
type Note struct {
	Entry string // what it is called in messages
	Text  string // one clause
}

// NewPlan decides what becomes of every entry of the sources. Several sources are merged; keys are paired with their
// leaves and chains put in order across all of them. The sources stay as they are.
//
// It fails with [LockedError] for a key that is wanted and could not be decrypted, with keystore.ErrFormat for one that is
// damaged, with [ErrNotFound] for a selector or rename that matches nothing, with [ErrNothingToTrust], and with [ErrEmpty]
// when nothing is left. A loss is no failure: see [Plan.Refusal].
func NewPlan(sources []Source, recipe Recipe) (*Plan, error) {
	w := combine(sources)
	w.pair()
	w.promote(sources, recipe.Target, recipe.Options)
	left, err := w.selectEntries(recipe)
	if err != nil {
		return nil, err
	}
	w.forget(left)
	if err := w.unusableKey(); err != nil {
		return nil, err
	}
	w.refuseMismatches(recipe)
	if err := w.trust(recipe.Trust); err != nil {
		return nil, err
	}
	w.retire(recipe.Target, recipe.Options)
	w.noteIncomplete()
	if countOf(&w.store) == 0 {
		return nil, fmt.Errorf("converting %s: %w", sourceNames(sources), ErrEmpty)
	}
	w.noteSources(sources, recipe)
	was := namesOf(&w.store)
	if err := w.rename(recipe); err != nil {
		return nil, err
	}
	asked := was
	if len(recipe.Rename) > 0 || recipe.Alias != "" {
		asked = namesOf(&w.store)
	}
	fitted, changes, err := recipe.Target.Fit(&w.store, recipe.Options)
	if err != nil {
		return nil, fmt.Errorf("fitting %s into the format %s: %w", sourceNames(sources), recipe.Target.Name(), err)
	}
	if recipe.Options.KeyPasswords, err = keyPasswords(sources, recipe, fitted); err != nil {
		return nil, err
	}
	w.noteKeyPasswords(sources, recipe, fitted)
	w.fitted(changes)
	return &Plan{
		Entries:     namedEntries(fitted, was, asked, changes),
		Lost:        append(w.mismatches, w.lost...),
		Paired:      w.paired,
		Reencrypted: reencryptions(sources, fitted),
		Noted:       w.notes,
		LeftOut:     left,
		store:       fitted,
		recipe:      recipe,
		mismatched:  len(w.mismatches) > 0,
		replaced:    w.retired(),
	}, nil
}

// fitted takes over what the format changes, but for new names, which entries have themselves.
func (w *work) fitted(changes []keystore.Change) {
	for _, c := range changes {
		switch c.Kind {
		case keystore.ChangeLost:
			w.lost = append(w.lost, Note{c.Entry, c.Why})
		case keystore.ChangeNoted:
			w.notes = append(w.notes, Note{c.Entry, c.Why})
		}
	}
}

// selectEntries applies Only and Remove.
func (w *work) selectEntries(r Recipe) (left []string, err error) {
	if len(r.Only) > 0 {
		only := newSelection(r.Only, r.Options.Now)
		left = filter(&w.store, only.has)
		if err := only.unused(); err != nil {
			return nil, err
		}
	}
	if len(r.Remove) > 0 {
		remove := newSelection(r.Remove, r.Options.Now)
		left = append(left, filter(&w.store, func(alias string, e Entry) bool { return !remove.has(alias, e) })...)
		if err := remove.unused(); err != nil && !r.MayRemoveNothing {
			return nil, err
		}
	}
	return left, nil
}

// forget drops what was noted of entries that were left out: nobody asked for them.
func (w *work) forget(left []string) {
	if len(left) == 0 || len(w.notes)+len(w.paired) == 0 {
		return
	}
	gone := map[string]bool{}
	for _, name := range left {
		gone[name] = true
	}
	for _, e := range entriesOf(&w.store) {
		delete(gone, e.Name) // another one of this name is kept
	}
	w.notes = slices.DeleteFunc(w.notes, func(n Note) bool { return gone[n.Entry] })
	w.paired = slices.DeleteFunc(w.paired, func(p Pairing) bool { return gone[p.Entry] })
}

// sourceNames lists the files in a message.
func sourceNames(sources []Source) string {
	names := make([]string, len(sources))
	for i := range sources {
		names[i] = fmt.Sprintf("%q", sources[i].Name)
	}
	return strings.Join(names, ", ")
}

// Store returns what will be encoded. The caller must not change it.
func (p *Plan) Store() *keystore.Store { return p.store }

// Kept names the entries of the result that have the name they had.
func (p *Plan) Kept() []string {
	var kept []string
	for _, e := range p.Entries {
		if !e.Renamed() {
			kept = append(kept, e.Name)
		}
	}
	return kept
}

// Refusal returns an error that says what would be lost, or which key would go on without its certificate. It wraps
// [ErrLoss] or [ErrMismatch], and is nil when there is neither.
func (p *Plan) Refusal() error {
	if len(p.Lost) == 0 {
		return nil
	}
	more := ""
	if len(p.Lost) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(p.Lost)-1)
	}
	kind := ErrLoss
	if p.mismatched {
		kind = ErrMismatch
	}
	return fmt.Errorf("%w: %q: %s%s", kind, p.Lost[0].Entry, p.Lost[0].Text, more)
}

// Changes reports whether the result is anything else than the store: whether it has other entries, or protects them
// otherwise. That it has another password it does not tell.
func (p *Plan) Changes(s *keystore.Store) bool {
	return len(p.Lost)+len(p.Paired)+len(p.Reencrypted) > 0 || keystore.Compare(s, p.store) != nil
}

// HasKeys reports whether the result holds a private key, so that it must be protected.
func (p *Plan) HasKeys() bool { return len(p.store.Identities) > 0 }
