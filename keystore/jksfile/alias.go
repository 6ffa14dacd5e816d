package jksfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// namer gives the entries of one store aliases that JKS can carry, each its own.
type namer struct {
	taken   map[string]bool // by an entry that has its final name, or asked for exactly this one
	next    map[string]int  // where to look on for a free "name-N"
	numbers int             // the last number given to an entry without a name
	changes []keystore.Change
}

// newNamer returns a namer for entries that ask for these names. What is asked for is not given to an entry without a
// name, even if that comes first.
func newNamer(names []string) *namer {
	n := &namer{taken: map[string]bool{}, next: map[string]int{}}
	for _, name := range names {
		if name != "" {
			alias, _ := suit(name)
			n.taken[alias] = false
		}
	}
	return n
}

// suit returns the nearest alias that JKS can carry (valid text, lower-case, not too long), and why it is another one.
func suit(name string) (alias string, why change) {
	text := strings.ToValidUTF8(name, "\uFFFD")
	folded := keystore.FoldAlias(text)
	switch alias = shorten(folded, keystore.DefaultLimits.NameBytes); {
	case alias != folded:
		return alias, change{keystore.RenameLength, fmt.Sprintf("aliases have at most %d bytes", keystore.DefaultLimits.NameBytes)}
	case text != name:
		return alias, change{keystore.RenameInvalid, "JKS aliases are text"}
	}
	return alias, change{keystore.RenameCase, "JKS aliases are in lower case"}
}

// change is why an alias is another one, for machines and for people.
type change struct {
	reason keystore.RenameReason
	text   string
}

// shorten cuts runes off the end of s until it takes at most limit bytes in the file.
func shorten(s string, limit int) string {
	for len(appendModifiedUTF8(nil, s)) > limit {
		// A rune has at most six bytes there, so this many must go at once; a long name is not measured for each.
		excess := max(1, (len(appendModifiedUTF8(nil, s))-limit)/6)
		for range excess {
			_, size := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-size]
		}
	}
	return s
}

// name returns the alias for the next entry that asks for name, and records the change if it is another one. Subject
// says which entry it is when it has no name.
func (n *namer) name(name, subject string) string {
	if name == "" {
		alias := n.number()
		n.changed(subject, alias, change{keystore.RenameMissing, "JKS entries need an alias"})
		return alias
	}
	alias, why := suit(name)
	if n.taken[alias] {
		alias = n.another(alias)
		why = change{keystore.RenameDuplicate, "another entry has this alias; JKS does not tell upper from lower case"}
	}
	n.taken[alias] = true
	if alias != name {
		n.changed(name, alias, why)
	}
	return alias
}

// number returns the next free number as an alias, as Java names entries of a PKCS12 file that have no name.
func (n *namer) number() string {
	for {
		n.numbers++
		alias := strconv.Itoa(n.numbers)
		if _, known := n.taken[alias]; !known {
			n.taken[alias] = true
			return alias
		}
	}
}

// another returns a free alias made of one that is taken.
func (n *namer) another(alias string) string {
	for {
		n.next[alias]++
		tail := "-" + strconv.Itoa(n.next[alias]+1)
		candidate := shorten(alias, keystore.DefaultLimits.NameBytes-len(tail)) + tail
		if _, known := n.taken[candidate]; !known {
			return candidate
		}
	}
}

// changed records that an entry is kept under another alias.
func (n *namer) changed(entry, to string, why change) {
	n.changes = append(n.changes, keystore.Change{Kind: keystore.ChangeRenamed, Entry: entry, To: to, Why: why.text, Reason: why.reason})
}
