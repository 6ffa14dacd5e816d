package convert

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Rename gives entries another alias; make one with [ParseRename].
type Rename struct {
	from, to string
}

// ParseRename reads OLD=NEW. OLD may hold one star, which stands for any text, and NEW one star, which stands for the
// text that the first one matched: "srv*=mqtt-*". Errors wrap [ErrSelector].
func ParseRename(text string) (Rename, error) {
	from, to, ok := strings.Cut(text, "=")
	if !ok || from == "" || to == "" {
		return Rename{}, fmt.Errorf("%w: %q; write OLD=NEW", ErrSelector, text)
	}
	if strings.Count(from, "*") > 1 || strings.Count(to, "*") > strings.Count(from, "*") {
		return Rename{}, fmt.Errorf("%w: %q; one star on the left, and on the right only what the left one matched", ErrSelector, text)
	}
	return Rename{from, to}, nil
}

// apply returns the new alias, and whether the rename is for this one. Case does not count.
func (r Rename) apply(alias string) (string, bool) {
	if strings.EqualFold(alias, r.from) {
		return r.to, true
	}
	before, after, star := strings.Cut(r.from, "*")
	if !star || len(alias) < len(before)+len(after) {
		return "", false
	}
	head, tail := alias[:len(before)], alias[len(alias)-len(after):]
	if !strings.EqualFold(head, before) || !strings.EqualFold(tail, after) {
		return "", false
	}
	return strings.Replace(r.to, "*", alias[len(before):len(alias)-len(after)], 1), true
}

// aliases lists where each alias of the store is kept.
func aliases(s *keystore.Store) (fields []*string) {
	for i := range s.Identities {
		fields = append(fields, &s.Identities[i].Alias)
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range list {
			fields = append(fields, &list[i].Alias)
		}
	}
	for i := range s.Others {
		fields = append(fields, &s.Others[i].Alias)
	}
	return fields
}

// rename applies the recipe's renames and its one alias.
func (w *work) rename(r Recipe) error {
	for _, rename := range r.Rename {
		hit := false
		for _, field := range aliases(&w.store) {
			if to, ok := rename.apply(*field); ok {
				hit = true
				*field = to
			}
		}
		if !hit {
			return fmt.Errorf("renaming %q: %w", rename.from, ErrNotFound)
		}
	}
	if r.Alias == "" {
		return nil
	}
	field, err := theOne(&w.store)
	if err != nil {
		return fmt.Errorf("giving the alias %q: %w", r.Alias, err)
	}
	*field = r.Alias
	return nil
}

// theOne finds the alias of the store's one key or, where there is no key, of its one certificate.
func theOne(s *keystore.Store) (*string, error) {
	certificates := len(s.Anchors) + len(s.Loose)
	switch {
	case len(s.Identities) == 1:
		return &s.Identities[0].Alias, nil
	case len(s.Identities) > 1:
		return nil, fmt.Errorf("%w: there are %d keys", ErrAmbiguous, len(s.Identities))
	case len(s.Anchors) == 1 && certificates == 1:
		return &s.Anchors[0].Alias, nil
	case certificates == 1:
		return &s.Loose[0].Alias, nil
	case certificates > 1:
		return nil, fmt.Errorf("%w: there are %d certificates", ErrAmbiguous, certificates)
	}
	return nil, fmt.Errorf("%w: there is neither a key nor a certificate", ErrNotFound)
}
