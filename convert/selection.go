package convert

import (
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// selection is a set of selectors: an entry is in it when, of each field that is mentioned, one selector matches. So
// "type=trusted type=key" takes both types, and "type=trusted subject=Plant" the trusted ones of that plant.
type selection struct {
	selectors []Selector
	alone     []bool    // which of them matched an entry by itself
	used      []bool    // which of them matched an entry that is in the selection
	now       time.Time // what expired= goes by
}

func newSelection(selectors []Selector, now time.Time) *selection {
	return &selection{selectors, make([]bool, len(selectors)), make([]bool, len(selectors)), now}
}

// Takes reports whether the recipe selects a key as it stands in its file. Whoever opens files asks, so that nobody is
// asked for the password of a key that is left out anyway. The time is what expired= goes by.
func (r *Recipe) Takes(id *keystore.Identity, now time.Time) bool {
	e := identityEntry(id)
	if len(r.Only) > 0 && !newSelection(r.Only, now).has(id.Alias, e) {
		return false
	}
	return !newSelection(r.Remove, now).has(id.Alias, e)
}

// has reports whether the entry is in the selection, and remembers which selectors were of use.
func (s *selection) has(alias string, e Entry) bool {
	fields := map[string]bool{}
	hits := make([]bool, len(s.selectors))
	for i, selector := range s.selectors {
		hits[i] = selector.matches(alias, e, s.now)
		s.alone[i] = s.alone[i] || hits[i]
		fields[selector.field] = fields[selector.field] || hits[i]
	}
	for _, hit := range fields {
		if !hit {
			return false
		}
	}
	for i, hit := range hits {
		s.used[i] = s.used[i] || hit
	}
	return len(fields) > 0
}

// unused is an error for a selector that picked no entry: a slip that would otherwise pass as success.
func (s *selection) unused() error {
	for i, alone := range s.alone {
		if !alone {
			return fmt.Errorf("selecting %q: %w", s.selectors[i].text, ErrNotFound)
		}
	}
	for i, used := range s.used {
		if !used {
			return fmt.Errorf("selecting %q together with the selectors of other kinds: %w", s.selectors[i].text, ErrNotFound)
		}
	}
	return nil
}

// filter keeps the entries of the store that keep says to keep, and returns the names of the others.
func filter(s *keystore.Store, keep func(alias string, e Entry) bool) (left []string) {
	s.Identities = filterList(s.Identities, func(id *keystore.Identity) (string, Entry) { return id.Alias, identityEntry(id) }, keep, &left)
	s.Anchors = filterList(s.Anchors, func(a *keystore.Anchor) (string, Entry) { return a.Alias, anchorEntry(a, TypeTrusted) }, keep, &left)
	s.Loose = filterList(s.Loose, func(a *keystore.Anchor) (string, Entry) { return a.Alias, anchorEntry(a, TypeCertificate) }, keep, &left)
	s.Others = filterList(s.Others, func(o *keystore.Other) (string, Entry) { return o.Alias, otherEntry(o) }, keep, &left)
	return left
}

// filterList is filter for one of the store's lists.
func filterList[T any](list []T, describe func(*T) (string, Entry), keep func(string, Entry) bool, left *[]string) []T {
	var kept []T
	for i := range list {
		alias, entry := describe(&list[i])
		if keep(alias, entry) {
			kept = append(kept, list[i])
		} else {
			*left = append(*left, entry.Name)
		}
	}
	return kept
}
