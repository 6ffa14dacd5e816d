package convert

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Plan is what a conversion will make, decided before anything is encoded.
type Plan struct {
	Entries []Entry           // of the result, in its order
	Changes []keystore.Change // on the way there: renamed, lost and noted
	LeftOut []string          // what the recipe's selection left out

	store  *keystore.Store // what will be encoded: Entries with their bytes
	recipe Recipe
}

// NewPlan decides what becomes of every entry of the sources. Several sources are merged; keys are paired with their
// leaves and chains put in order across all of them. The sources stay as they are.
//
// It fails with [LockedError] for a key that is wanted and could not be decrypted, with [ErrNotFound] for a selector or
// rename that matches nothing, and with [ErrEmpty] when nothing is left. A loss is no failure: see [Plan.Refusal].
func NewPlan(sources []Source, recipe Recipe) (*Plan, error) {
	w := combine(sources)
	w.pair()
	w.promote(sources, recipe.Target, recipe.Options)
	left, err := w.selectEntries(recipe)
	if err != nil {
		return nil, err
	}
	if err := w.lockedKey(); err != nil {
		return nil, err
	}
	if err := w.trust(recipe.Trust); err != nil {
		return nil, err
	}
	if err := w.rename(recipe); err != nil {
		return nil, err
	}
	if len(entriesOf(&w.store)) == 0 {
		return nil, fmt.Errorf("converting %s: %w", sourceNames(sources), ErrEmpty)
	}
	w.noteSources(sources)
	fitted, changes, err := recipe.Target.Fit(&w.store, recipe.Options)
	if err != nil {
		return nil, fmt.Errorf("fitting %s into the format %s: %w", sourceNames(sources), recipe.Target.Name(), err)
	}
	return &Plan{
		Entries: entriesOf(fitted),
		Changes: append(w.changes, changes...),
		LeftOut: left,
		store:   fitted,
		recipe:  recipe,
	}, nil
}

// selectEntries applies Only and Remove.
func (w *work) selectEntries(r Recipe) (left []string, err error) {
	if len(r.Only) > 0 {
		only := newSelection(r.Only)
		left = filter(&w.store, only.has)
		if err := only.unused(); err != nil {
			return nil, err
		}
	}
	if len(r.Remove) > 0 {
		remove := newSelection(r.Remove)
		left = append(left, filter(&w.store, func(alias string, e Entry) bool { return !remove.has(alias, e) })...)
		if err := remove.unused(); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// noteSources says what was not checked about the files themselves.
func (w *work) noteSources(sources []Source) {
	for _, s := range sources {
		if s.Store.Integrity == keystore.IntegrityUnchecked {
			w.noted(s.Name, "read without its password: its integrity was not checked")
		}
	}
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

// Of returns the changes of one kind.
func (p *Plan) Of(kind keystore.ChangeKind) []keystore.Change {
	var list []keystore.Change
	for _, c := range p.Changes {
		if c.Kind == kind {
			list = append(list, c)
		}
	}
	return list
}

// Kept names the entries of the result that have the alias they had.
func (p *Plan) Kept() []string {
	renamed := map[string]bool{}
	for _, c := range p.Of(keystore.ChangeRenamed) {
		renamed[c.To] = true
	}
	var kept []string
	for _, e := range p.Entries {
		if !renamed[e.Name] {
			kept = append(kept, e.Name)
		}
	}
	return kept
}

// Refusal returns an error that wraps [ErrLoss] and says what would be lost, or nil when nothing would.
func (p *Plan) Refusal() error {
	lost := p.Of(keystore.ChangeLost)
	if len(lost) == 0 {
		return nil
	}
	more := ""
	if len(lost) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(lost)-1)
	}
	return fmt.Errorf("%w: %q: %s%s", ErrLoss, lost[0].Entry, lost[0].Why, more)
}

// HasKeys reports whether the result holds a private key, so that it must be protected.
func (p *Plan) HasKeys() bool { return len(p.store.Identities) > 0 }
