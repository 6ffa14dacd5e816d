package convert

import (
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// names are what a store's entries are called, by content and in the order of the store where that is the same. Entries
// are known again by their content: a format may lose some or put them in another order.
type names map[string][]name

// name is what one entry is called.
type name struct {
	alias string
	label string // for people: the alias, else the subject, else ""
}

// namesOf lists the names of all entries.
func namesOf(s *keystore.Store) names {
	n := names{}
	walk(s, func(content, alias string, c *keystore.Certificate) {
		label := alias
		if label == "" && c != nil {
			label = c.Label()
		}
		n[content] = append(n[content], name{alias, label})
	})
	return n
}

// take returns the next name of a content, and "" when there is none.
func (n names) take(content string) (next name) {
	if list := n[content]; len(list) > 0 {
		next, n[content] = list[0], list[1:]
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
	walk(fitted, func(content, alias string, _ *keystore.Certificate) {
		e := &list[i]
		i++
		first, wanted := was.take(content), asked.take(content)
		if alias == first.alias {
			return
		}
		e.Was = first.label
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

// walk visits the entries of a store in the order of entriesOf, each with what tells it from all others but its twins.
func walk(s *keystore.Store, visit func(content, alias string, c *keystore.Certificate)) {
	for i := range s.Identities {
		id := &s.Identities[i]
		content := "key "
		if id.Key != nil {
			content += string(id.Key.PKCS8)
		}
		visit(content, id.Alias, id.Leaf())
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range list {
			visit("certificate "+string(list[i].Certificate.Raw), list[i].Alias, &list[i].Certificate)
		}
	}
	for i := range s.Others {
		visit(string(s.Others[i].Kind)+" "+string(s.Others[i].Raw), s.Others[i].Alias, nil)
	}
}
