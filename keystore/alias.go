package keystore

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// FoldAlias returns an alias as Java's key stores compare it, and JKS stores it: toLowerCase(Locale.ENGLISH), with the final
// sigma and the dotted capital I that Go's own ToLower does not do.
func FoldAlias(alias string) string {
	for i := range len(alias) {
		if alias[i] >= utf8.RuneSelf {
			return cases.Lower(language.English).String(alias)
		}
	}
	return strings.ToLower(alias)
}
