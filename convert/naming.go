package convert

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// names are what a store's entries are called, in the order of [entriesOf].
type names []name

// name is what one entry is called.
type name struct {
	kind  string
	der   []byte // with kind what tells the entry from all others but its twins
	alias string
	cert  *keystore.Certificate // nil when it has none
}

// digest stands for bytes in a map: the bytes of a hundred thousand certificates would be copied into it.
type digest [sha256.Size]byte

// label is the name for people: the alias, else the subject, else "".
func (n name) label() string {
	if n.alias == "" && n.cert != nil {
		return n.cert.Label()
	}
	return n.alias
}

// is reports whether both are of the same entry, by its content.
func (n name) is(o name) bool { return n.kind == o.kind && bytes.Equal(n.der, o.der) }

// places finds the entries of a store among the names from before, and returns the index of each, -1 where it was not
// there. Entries are known again by their content: a format may lose some or put them in another order. Where it did
// neither, as nearly always, there is nothing to search.
func (n names) places(now names) []int {
	at := make([]int, len(now))
	if slices.EqualFunc(n, now, name.is) {
		for i := range at {
			at[i] = i
		}
		return at
	}
	type content struct {
		kind string
		sum  digest
	}
	where := map[content][]int{}
	for i, e := range n {
		is := content{e.kind, sha256.Sum256(e.der)}
		where[is] = append(where[is], i)
	}
	for i, e := range now {
		is := content{e.kind, sha256.Sum256(e.der)}
		at[i] = -1
		if list := where[is]; len(list) > 0 {
			at[i], where[is] = list[0], list[1:]
		}
	}
	return at
}

// namedEntries lists the fitted store, and says of every entry that has another name why: was has the names from the
// beginning, asked those that the recipe made of them, changes what the format did then.
func namedEntries(fitted *keystore.Store, was, asked names, changes []keystore.Change) []Entry {
	byFormat := map[string]keystore.Change{}
	for _, c := range changes {
		if c.Kind == keystore.ChangeRenamed {
			byFormat[c.To] = c
		}
	}
	list := entriesOf(fitted)
	now := namesOf(fitted)
	for i, place := range was.places(now) {
		e, alias := &list[i], now[i].alias
		var first, wanted name
		if place >= 0 {
			first, wanted = was[place], asked[place]
		}
		if alias == first.alias || alias == "" { // a format without names says so by itself
			continue
		}
		e.Was = first.label()
		var why []string
		if wanted.alias != first.alias {
			why, e.Reasons = append(why, "asked for"), append(e.Reasons, keystore.RenameAsked)
		}
		if c, ok := byFormat[alias]; ok && wanted.alias != alias {
			why, e.Reasons = append(why, c.Why), append(e.Reasons, c.Reason)
		}
		e.Why = strings.Join(why, "; ")
	}
	return list
}

// namesOf lists the names of all entries.
func namesOf(s *keystore.Store) names {
	list := make(names, 0, countOf(s))
	for i := range s.Identities {
		id := &s.Identities[i]
		n := name{kind: "key", alias: id.Alias, cert: id.Leaf()}
		if id.Key != nil {
			n.der = id.Key.PKCS8
		}
		list = append(list, n)
	}
	for _, anchors := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range anchors {
			a := &anchors[i]
			list = append(list, name{"certificate", a.Certificate.Raw, a.Alias, &a.Certificate})
		}
	}
	for i := range s.Others {
		o := &s.Others[i]
		list = append(list, name{string(o.Kind), o.Raw, o.Alias, nil})
	}
	return list
}
