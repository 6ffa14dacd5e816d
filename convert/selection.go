package convert

import (
	"fmt"
	"path"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Selector picks entries by one of their properties; make one with [ParseSelector].
type Selector struct {
	field   string // alias, type, subject or sha256
	pattern string // lower case
	text    string // as it was given, for messages
}

// selectable are the types that type= may name.
var selectable = []EntryType{TypeKey, TypeTrusted, TypeCertificate, EntryType(keystore.KindRequest), EntryType(keystore.KindCRL),
	EntryType(keystore.KindPublicKey), EntryType(keystore.KindSecret)}

// ParseSelector reads one of alias=PATTERN, type=TYPE, subject=TEXT and sha256=HEX; a bare word is an alias. Case does
// not count anywhere, since it does not in Java's stores. An alias may have the wildcards * ? and [...] (path.Match),
// a subject is searched for the text, and a fingerprint may be cut short and have colons. Errors wrap [ErrSelector].
func ParseSelector(text string) (Selector, error) {
	field, pattern, found := strings.Cut(text, "=")
	switch field {
	case "alias", "type", "subject", "sha256":
	default:
		found = false
	}
	if !found { // a bare alias, which may hold a "=" itself
		field, pattern = "alias", text
	}
	s := Selector{field: field, pattern: strings.ToLower(pattern), text: text}
	if pattern == "" {
		return Selector{}, fmt.Errorf("%w: %q says nothing of what to select", ErrSelector, text)
	}
	switch field {
	case "alias":
		if _, err := path.Match(s.pattern, ""); err != nil {
			return Selector{}, fmt.Errorf("%w: %q has an unfinished pattern", ErrSelector, text)
		}
	case "type":
		var names []string
		for _, t := range selectable {
			if string(t) == s.pattern {
				return s, nil
			}
			names = append(names, string(t))
		}
		return Selector{}, fmt.Errorf("%w: %q: a type is one of %s", ErrSelector, text, strings.Join(names, ", "))
	case "sha256":
		s.pattern = strings.ReplaceAll(s.pattern, ":", "")
		if strings.Trim(s.pattern, "0123456789abcdef") != "" || len(s.pattern) < 8 || len(s.pattern) > 64 {
			return Selector{}, fmt.Errorf("%w: %q: a fingerprint is 8 to 64 hex digits", ErrSelector, text)
		}
	}
	return s, nil
}

// String returns the selector as it was given.
func (s Selector) String() string { return s.text }

// matches reports whether the selector picks the entry of this alias.
func (s Selector) matches(alias string, e Entry) bool {
	switch s.field {
	case "alias":
		if strings.EqualFold(alias, s.pattern) { // an alias that holds a wildcard character itself
			return true
		}
		// path.Match stops a star at slashes, which mean nothing in an alias.
		ok, _ := path.Match(strings.ReplaceAll(s.pattern, "/", "\x00"), strings.ReplaceAll(strings.ToLower(alias), "/", "\x00"))
		return ok && alias != ""
	case "type":
		return string(e.Type) == s.pattern || e.unnamed && s.pattern == string(TypeCertificate)
	case "subject":
		return e.Certificate != nil && strings.Contains(strings.ToLower(e.Certificate.Subject()), s.pattern)
	case "sha256":
		return e.Certificate != nil && strings.HasPrefix(fingerprint(e.Certificate), s.pattern)
	}
	return false
}

// selection is a set of selectors: an entry is in it when, of each field that is mentioned, one selector matches. So
// "type=trusted type=key" takes both types, and "type=trusted subject=Plant" the trusted ones of that plant.
type selection struct {
	selectors []Selector
	used      []bool // which of them matched an entry by itself
}

func newSelection(selectors []Selector) *selection {
	return &selection{selectors, make([]bool, len(selectors))}
}

// has reports whether the entry is in the selection, and remembers which selectors were of use.
func (s *selection) has(alias string, e Entry) bool {
	fields := map[string]bool{}
	for i, selector := range s.selectors {
		hit := selector.matches(alias, e)
		s.used[i] = s.used[i] || hit
		fields[selector.field] = fields[selector.field] || hit
	}
	for _, hit := range fields {
		if !hit {
			return false
		}
	}
	return len(fields) > 0
}

// unused is an error for a selector that no entry matched: a slip that would otherwise pass as success.
func (s *selection) unused() error {
	for i, used := range s.used {
		if !used {
			return fmt.Errorf("selecting %q: %w", s.selectors[i].text, ErrNotFound)
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
