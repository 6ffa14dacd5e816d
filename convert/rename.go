package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Rename gives entries another alias; make one with [ParseRename].
type Rename struct {
	text  string // OLD=NEW as it was given, for messages
	forms []renameForm
}

// renameForm is one way to understand a rename: which of its equal signs is the one between OLD and NEW.
type renameForm struct {
	from, to string
}

// ParseRename reads OLD=NEW. OLD may hold one star, which stands for any text, and NEW one star, which stands for the
// text that the first one matched: "srv*=mqtt-*". Both may hold equal signs themselves: OLD ends at the one before which
// there is the alias of an entry, and where that goes for two of them, the rename is ambiguous. Errors wrap [ErrSelector].
func ParseRename(text string) (Rename, error) {
	r := Rename{text: text}
	starred := false
	for i := range len(text) {
		from, to := text[:i], text[min(i+1, len(text)):]
		switch {
		case text[i] != '=' || from == "" || to == "":
		case strings.Count(from, "*") > 1 || strings.Count(to, "*") > strings.Count(from, "*"):
			starred = true
		default:
			r.forms = append(r.forms, renameForm{from, to})
		}
	}
	switch {
	case len(r.forms) > 0:
		return r, nil
	case starred:
		return Rename{}, fmt.Errorf("%w: %q; one star on the left, and on the right only what the left one matched", ErrSelector, text)
	}
	return Rename{}, fmt.Errorf("%w: %q; write OLD=NEW", ErrSelector, text)
}

// among returns the form that one of the aliases is meant by. It fails with [ErrNotFound] when there is none, and with
// [ErrSelector] when there are two.
func (r Rename) among(aliases []string) (renameForm, error) {
	var meant []renameForm
	for _, form := range r.forms {
		if slices.ContainsFunc(aliases, func(alias string) bool { _, ok := form.apply(alias); return ok }) {
			meant = append(meant, form)
		}
	}
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(meant) > 1:
		return renameForm{}, fmt.Errorf("%w: %q may mean the entry %q or %q; one star more in OLD may tell them apart",
			ErrSelector, r.text, meant[0].from, meant[1].from)
	case len(r.forms) > 1:
		return renameForm{}, fmt.Errorf("renaming by %q: %w", r.text, ErrNotFound)
	}
	return renameForm{}, fmt.Errorf("renaming %q: %w", r.forms[0].from, ErrNotFound)
}

// apply returns the new alias, and whether the rename is for this one. Case does not count.
func (r renameForm) apply(alias string) (string, bool) {
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

// rename applies the recipe's renames, all at once to the names that the entries came with, so that two can swap theirs,
// and its one alias.
func (w *work) rename(r Recipe) error {
	fields := aliases(&w.store)
	was := make([]string, len(fields))
	for i, field := range fields {
		was[i] = *field
	}
	forms := make([]renameForm, len(r.Rename))
	for i := range forms {
		var err error
		if forms[i], err = r.Rename[i].among(was); err != nil {
			return err
		}
	}
	for i, field := range fields {
		for _, form := range forms {
			if to, ok := form.apply(was[i]); ok {
				*field = to
				break
			}
		}
	}
	if r.Alias != "" {
		field, err := theOne(&w.store)
		if err != nil {
			return fmt.Errorf("giving the alias %q: %w", r.Alias, err)
		}
		*field = r.Alias
	}
	return w.nameTaken(was)
}

// nameTaken fails with [ErrTaken] where an entry that was renamed has now the name of another one. Entries that had one name
// before may have one again: that was nobody's wish, and the format gives them numbers. Only keys and trusted certificates
// count, since others need no name of their own.
func (w *work) nameTaken(was []string) error {
	fields := aliases(&w.store)[:len(w.store.Identities)+len(w.store.Anchors)]
	holder := map[string]int{} // by the name that entries have now, the first of them
	for i, field := range fields {
		name := strings.ToLower(*field)
		first, held := holder[name]
		renamed, too := *field != was[i], *fields[first] != was[first]
		switch {
		case name == "":
		case !held:
			holder[name] = i
		case !renamed && !too, strings.EqualFold(was[i], was[first]):
		case renamed && too:
			return fmt.Errorf("renaming %q and %q to %q: %w", was[first], was[i], *field, ErrTaken)
		case renamed:
			return fmt.Errorf("renaming %q to %q: %w, and keeps it: %q", was[i], *field, ErrTaken, was[first])
		default:
			return fmt.Errorf("renaming %q to %q: %w, and keeps it: %q", was[first], *fields[first], ErrTaken, was[i])
		}
	}
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
