package convert

import (
	"crypto/sha256"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// names are what a store's entries are called, by content and in the order of the store where that is the same. Entries
// are known again by their content: a format may lose some or put them in another order.
type names map[content][]name

// content tells an entry from all others but its twins.
type content struct {
	kind string
	sum  digest
}

// digest stands for bytes in a map: the bytes of a hundred thousand certificates would be copied into it.
type digest [sha256.Size]byte

// name is what one entry is called.
type name struct {
	alias string
	cert  *keystore.Certificate // nil when it has none
}

// label is the name for people: the alias, else the subject, else "".
func (n name) label() string {
	if n.alias == "" && n.cert != nil {
		return n.cert.Label()
	}
	return n.alias
}

// namesOf lists the names of all entries.
func namesOf(s *keystore.Store) names {
	n := names{}
	walk(s, func(is content, alias string, c *keystore.Certificate) { n[is] = append(n[is], name{alias, c}) })
	return n
}

// take returns the next name of a content, and "" when there is none.
func (n names) take(is content) (next name) {
	if list := n[is]; len(list) > 0 {
		next, n[is] = list[0], list[1:]
	}
	return next
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
	i := 0
	walk(fitted, func(is content, alias string, _ *keystore.Certificate) {
		e := &list[i]
		i++
		first, wanted := was.take(is), asked.take(is)
		if alias == first.alias || alias == "" { // a format without names says so by itself
			return
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
	})
	return list
}

// walk visits the entries of a store in the order of entriesOf.
func walk(s *keystore.Store, visit func(is content, alias string, c *keystore.Certificate)) {
	for i := range s.Identities {
		id := &s.Identities[i]
		is := content{kind: "key"}
		if id.Key != nil {
			is.sum = sha256.Sum256(id.Key.PKCS8)
		}
		visit(is, id.Alias, id.Leaf())
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range list {
			visit(content{"certificate", sha256.Sum256(list[i].Certificate.Raw)}, list[i].Alias, &list[i].Certificate)
		}
	}
	for i := range s.Others {
		visit(content{string(s.Others[i].Kind), sha256.Sum256(s.Others[i].Raw)}, s.Others[i].Alias, nil)
	}
}
