package inspect

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// finder collects problems; each code once an entry, since a decoder may have seen the same, and a certificate may be
// in several chains.
type finder struct {
	now    time.Time
	found  []Problem
	seen   map[[2]string]bool
	sealed bool                              // there may be more in what could not be opened
	named  map[string][]keystore.Certificate // all certificates of the file by their subjects
	checks int                               // see maxChecks
	judged map[*byte]bool                    // issuers in chains, by where they are
}

func (f *finder) add(code string, severity Severity, entry, format string, args ...any) {
	key := [2]string{code, entry}
	if f.seen[key] {
		return
	}
	f.seen[key] = true
	f.found = append(f.found, Problem{code, severity, entry, fmt.Sprintf(format, args...)})
}

// problems lists what the decoder found and what is found here, the worst first. docs/inspect.md has every code.
func problems(s *keystore.Store, o Options) []Problem {
	f := &finder{now: o.Now, found: []Problem{}, seen: map[[2]string]bool{}, named: bySubject(s), checks: maxChecks, judged: map[*byte]bool{}}
	for _, p := range s.Problems {
		f.add(p.Code, Severity(p.Severity), p.Entry, "%s", sentence(p.Text))
		f.sealed = f.sealed || p.Code == "sealed"
	}
	f.file(s, o)
	f.protection(s, o)
	for i := range s.Identities {
		f.identity(&s.Identities[i], o)
	}
	for _, a := range s.Anchors {
		f.certificate(a.Certificate, entryName(a.Alias, a.Certificate))
		if a.Alias != "" || !slices.Contains(textFormats, o.Format) { // see textFormats
			f.trusted(a)
		} else {
			f.issuer("", a.Certificate)
		}
	}
	for _, a := range s.Loose {
		f.certificate(a.Certificate, entryName(a.Alias, a.Certificate))
	}
	for i := range s.Others {
		f.other(&s.Others[i])
	}
	rank := map[Severity]int{Error: 0, Warning: 1, Notice: 2}
	slices.SortStableFunc(f.found, func(a, b Problem) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	return f.found
}

// sentence gives a decoder's text the form of all others.
func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// entryName is what a problem calls an entry: its alias, else its subject.
func entryName(alias string, c keystore.Certificate) string {
	if alias != "" {
		return alias
	}
	return subjectOf(c)
}

// subjectOf is the subject of a certificate, also of one that Go refuses.
func subjectOf(c keystore.Certificate) string {
	subject, _ := c.Names()
	return keystore.DistinguishedName(subject)
}

// endings are the formats that a file name's ending announces. Endings that are not here announce nothing.
var endings = map[string][]string{
	".jks": {"jks"}, ".jceks": {"jceks"}, ".p12": {"p12"}, ".pfx": {"p12"}, ".pkcs12": {"p12"},
	".pem": {"pem"}, ".der": {"der"}, ".crt": {"pem", "der"}, ".cer": {"pem", "der"}, ".key": {"pem", "der"},
	".csr": {"pem", "der"}, ".crl": {"pem", "der"}, ".p7b": {"pkcs7"}, ".p7c": {"pkcs7"},
}

// ending returns the ending of a file's name in lower case, whichever system wrote the path.
func ending(file string) string {
	return strings.ToLower(path.Ext(strings.ReplaceAll(file, `\`, "/")))
}

// NameMismatch says that a file's name ends as that of another format than its content is of, as Options.Format has it. It
// is "" where the name fits, or announces nothing.
func NameMismatch(file, format string) string {
	announced, known := endings[ending(file)]
	if !known || slices.Contains(announced, format) {
		return ""
	}
	return fmt.Sprintf("The name ends in %s, but the content is %s; programs that go by the name will refuse it.", ending(file), formatName(format))
}

// file judges the file as a whole.
func (f *finder) file(s *keystore.Store, o Options) {
	if text := NameMismatch(o.File, o.Format); text != "" {
		f.add("name-mismatch", Warning, "", "%s", text)
	}
	if e := ending(o.File); len(s.Identities) > 0 && (e == ".crt" || e == ".cer") {
		f.add("key-in-certificate-file", Warning, "", "The name ends in %s, as of a certificate that may be handed out, but there is a private key in it.", e)
	}
	if !isStore(s) && len(s.Others) == 0 {
		f.add("no-entries", Notice, "", "There is no key, certificate, request or CRL in the file.")
	}
	if s.Integrity == keystore.IntegrityUnchecked {
		f.add("integrity-unchecked", Notice, "", "Without the password it cannot be told whether the file was changed.")
	}
}

// formatName is how people call a format.
func formatName(format string) string {
	switch format {
	case "p12":
		return "PKCS12"
	case "pkcs7":
		return "PKCS#7"
	}
	return strings.ToUpper(format)
}
