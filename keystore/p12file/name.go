package p12file

import (
	"strings"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxName is the longest alias in bytes that is written; the names of files and of Java's entries end earlier.
const maxName = 255

// nameRules are those of PKCS12, as Java reads it.
var nameRules = keystore.NameRules{
	Suit:      suit,
	Cut:       func(name string, room int) string { return cutName(name, maxName-room) },
	Missing:   "it has no name, and Java counts such entries",
	Duplicate: "another entry has this alias; Java, which does not tell upper from lower case, would drop one of two",
}

// suit returns the name that would be read back after writing, and why it is another one.
func suit(name string) (suited string, reason keystore.RenameReason, why string) {
	text := strings.TrimRight(strings.ToValidUTF8(name, "\ufffd"), "\x00")
	reason = keystore.RenameInvalid
	if len(text) > maxName {
		reason = keystore.RenameLength
	}
	return cutName(text, maxName), reason, "PKCS12 names are Unicode text without NUL, of 255 bytes at most"
}

// cutName cuts characters off the end of a name until it has at most limit bytes.
func cutName(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	for !utf8.RuneStart(name[limit]) {
		limit--
	}
	return strings.TrimRight(name[:limit], "\x00")
}
