package pemfile

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A comment line of ours stands directly before its block. Its word says what the entry is, what follows the colon is
// its alias: quoted as in Go where it could be mistaken, and left out with its colon where there is none.
//
//	# key: sensor-17
//	# trusted: plant CA
//	# certificate
//
// OpenSSL, GnuTLS, Java, Python and Go take any text between blocks, but not alike: Java's keytool fails when text
// begins with the digit 0 (it takes that for DER), GnuTLS looks for BEGIN anywhere in a line. So the line begins with
// a #, and names with dashes in a row are quoted.
const (
	wordKey         = "key"         // a private key
	wordTrusted     = "trusted"     // a certificate to be trusted
	wordCertificate = "certificate" // a certificate that is neither trusted nor part of a chain
	wordAlias       = "alias"       // anything else that has a name
)

// emptyFile is how a store without entries is written: a file of no bytes is more often an accident.
const emptyFile = "# no entries\n"

// note is what the text before a block says about it.
type note struct {
	word  string // one of the words above, or "" where the text does not say
	alias string
	keyID string // localKeyID of OpenSSL's Bag Attributes: the same on a key and its certificate
}

// readNote reads the text before a block: our comments, and what programs that list a store print of each entry.
func readNote(text []byte) note {
	var n note
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		switch {
		case bytes.HasPrefix(line, []byte("#")):
			n.readComment(string(bytes.TrimSpace(line[1:])))
		case bytes.IndexByte(line, ':') >= 0:
			n.readAttribute(string(line))
		}
	}
	return n
}

// readComment reads one of our comments, or anybody's.
func (n *note) readComment(line string) {
	word, alias, _ := strings.Cut(line, ":")
	switch word {
	case wordKey, wordTrusted, wordCertificate, wordAlias:
		n.word, n.alias = word, unquote(strings.TrimSpace(alias))
	}
}

// readAttribute reads a line of what other programs print.
func (n *note) readAttribute(line string) {
	name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
	value = strings.TrimSpace(value)
	switch {
	case name == "friendlyName", name == "Friendly name", name == "Alias name": // OpenSSL, GnuTLS, keytool -list -rfc
		n.alias = fromLatin1(value)
	case name == "localKeyID":
		n.keyID = value
	case name == "2.16.840.1.113894.746875.1.1", strings.HasPrefix(name, "Trusted key usage"):
		n.word = wordTrusted // Java's mark, as OpenSSL prints it before and since 3.2
	}
}

// fromLatin1 returns text that is no UTF-8 as what it can only be then: OpenSSL prints names in Latin-1 where the locale
// it runs under has nothing better.
func fromLatin1(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		out.WriteRune(rune(text[i]))
	}
	return out.String()
}

// appendNote appends the comment line of an entry.
func appendNote(out []byte, word, alias string) []byte {
	out = append(append(out, "# "...), word...)
	if alias != "" {
		out = append(append(out, ": "...), quote(alias)...)
	}
	return append(out, '\n')
}

// quote returns the alias as it can stand in a comment.
func quote(alias string) string {
	plain := !strings.HasPrefix(alias, `"`) && strings.TrimSpace(alias) == alias && !strings.Contains(alias, "--")
	for _, r := range alias {
		if !unicode.IsPrint(r) {
			plain = false
		}
	}
	if plain {
		return alias
	}
	return strings.ReplaceAll(strconv.Quote(alias), "-", `\x2d`)
}

// unquote is the inverse of quote. What only looks quoted stays as it is.
func unquote(text string) string {
	if strings.HasPrefix(text, `"`) {
		if alias, err := strconv.Unquote(text); err == nil {
			return alias
		}
	}
	return text
}
