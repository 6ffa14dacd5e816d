package keystore

import "strconv"

// NameRules says which names a format can carry.
type NameRules struct {
	// Suit returns the nearest name that the format can carry, "" when there is none, and where that is another one why.
	Suit func(name string) (suited string, reason RenameReason, why string)
	// Cut shortens a name that fits until there is room for that many more bytes.
	Cut func(name string, room int) string
	// Missing and Duplicate are one clause each: why an entry cannot stay without a name, or with another one's.
	Missing, Duplicate string
}

// Namer gives the entries of one store names that a format can carry, each its own as Java tells them apart ([FoldAlias]).
type Namer struct {
	rules   NameRules
	taken   map[string]bool // by folded name: whether an entry has it; false: one asks for it
	next    map[string]int  // by folded name: where to look on for a free "name-N"
	numbers int             // the last number given to an entry without a name
	changes []Change
}

// NewNamer returns a namer for entries that ask for these names. What is asked for is not given to an entry without a
// name, or with another one's, even if that comes first.
func NewNamer(rules NameRules, asked []string) *Namer {
	n := &Namer{rules: rules, taken: make(map[string]bool, len(asked)), next: map[string]int{}}
	for _, name := range asked {
		if suited, _, _ := rules.Suit(name); suited != "" {
			n.taken[FoldAlias(suited)] = false
		}
	}
	return n
}

// Labelled is an entry that messages have a name for.
type Labelled interface{ Label() string }

// Name returns the name for the next entry, which asks for one, or with "" for any.
func (n *Namer) Name(asked string, entry Labelled) string {
	name, reason, why := n.rules.Suit(asked)
	switch {
	case name == "":
		name, reason, why = n.number(), RenameMissing, n.rules.Missing
	case n.taken[FoldAlias(name)]:
		name, reason, why = n.another(name), RenameDuplicate, n.rules.Duplicate
	}
	n.taken[FoldAlias(name)] = true
	if name != asked {
		n.changes = append(n.changes, Change{Kind: ChangeRenamed, Entry: entry.Label(), To: name, Why: why, Reason: reason})
	}
	return name
}

// Changes returns what was renamed.
func (n *Namer) Changes() []Change { return n.changes }

// number returns the next free number, as Java names entries of a PKCS12 file that have no name.
func (n *Namer) number() string {
	for {
		n.numbers++
		name := strconv.Itoa(n.numbers)
		if _, known := n.taken[name]; !known {
			return name
		}
	}
}

// another returns a free name made of one that is taken.
func (n *Namer) another(name string) string {
	base := FoldAlias(name)
	for {
		n.next[base]++
		tail := "-" + strconv.Itoa(n.next[base]+1)
		candidate := n.rules.Cut(name, len(tail)) + tail
		if _, known := n.taken[FoldAlias(candidate)]; !known {
			return candidate
		}
	}
}
