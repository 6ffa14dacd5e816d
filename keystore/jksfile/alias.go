package jksfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// nameRules are those of JKS.
var nameRules = keystore.NameRules{
	Suit:      suit,
	Cut:       func(alias string, room int) string { return shorten(alias, keystore.DefaultLimits.NameBytes-room) },
	Missing:   "JKS entries need an alias",
	Duplicate: "another entry has this alias; JKS does not tell upper from lower case",
}

// suit returns the nearest alias that JKS can carry (valid text, lower-case, not too long), and why it is another one.
func suit(name string) (alias string, reason keystore.RenameReason, why string) {
	text := strings.ToValidUTF8(name, "\uFFFD")
	folded := keystore.FoldAlias(text)
	switch alias = shorten(folded, keystore.DefaultLimits.NameBytes); {
	case alias != folded:
		return alias, keystore.RenameLength, fmt.Sprintf("aliases have at most %d bytes", keystore.DefaultLimits.NameBytes)
	case text != name:
		return alias, keystore.RenameInvalid, "JKS aliases are text"
	}
	return alias, keystore.RenameCase, "JKS aliases are in lower case"
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
