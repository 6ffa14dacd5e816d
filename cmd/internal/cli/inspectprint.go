package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// fullEntries is how many entries a report may have to be printed at length without --verbose; a system's trust store
// is a table.
const fullEntries = 12

// reportPrinter writes one report for a person. Everything from the file is made printable.
type reportPrinter struct {
	w io.Writer
}

// line prints one line.
func (p reportPrinter) line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, strings.TrimRight(printableLine(fmt.Sprintf(format, args...)), " "))
}

// reportWidth is how many columns a report keeps to where there are spaces to break lines at.
const reportWidth = 100

// wrapped prints a text behind a lead, broken at spaces, all lines but the first indented by as much as the lead takes.
func (p reportPrinter) wrapped(lead, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(lead))
	line := lead
	for i, word := range strings.Split(text, " ") {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > reportWidth {
			p.line("%s", line)
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	p.line("%s", line)
}

// printReport prints a file's report.
func printReport(w io.Writer, f *inspect.File, verbose bool) {
	p := reportPrinter{w}
	p.line("file: %s", f.File)
	p.line("format: %s, %d bytes", formatTitle(f.Format), f.Bytes)
	p.line("integrity: %s", integrityText(f))
	p.protection(f.Protection)
	for i := range f.Entries {
		if len(f.Entries) > fullEntries && !verbose {
			p.brief(f.Entries)
			break
		}
		p.entry(&f.Entries[i], verbose)
	}
	if len(f.Entries) == 0 {
		p.line("")
		p.line("no entries%s", map[bool]string{true: " can be seen without the password"}[f.Password == passNeeded])
	}
	p.problems(f.Problems, verbose)
	p.readers(f.Readers, verbose)
}

// formatTitle is how people call a format.
func formatTitle(format string) string {
	switch format {
	case "p12":
		return "PKCS12"
	case "pkcs7":
		return "PKCS#7"
	}
	return strings.ToUpper(format)
}

// integrityText says what vouches for the file.
func integrityText(f *inspect.File) string {
	switch {
	case f.Integrity == "verified" && f.Password == passEmpty:
		return "verified, with the empty password"
	case f.Integrity == "verified":
		return "verified with the password"
	case f.Integrity == "unchecked":
		return "not checked, for want of the password"
	}
	return "nothing vouches for the file as a whole"
}

// protection prints each way of protection once, with the parts that have it.
func (p reportPrinter) protection(list []inspect.Protection) {
	type kind struct {
		text string
		weak bool
	}
	var order []kind
	parts := map[kind][]string{}
	for _, x := range list {
		k := kind{text: x.Algorithm, weak: x.Weak != ""}
		if x.Iterations > 0 {
			k.text += ", " + counted(x.Iterations, "iteration")
		}
		if parts[k] == nil {
			order = append(order, k)
		}
		if n := len(parts[k]); n == 0 || parts[k][n-1] != x.Part {
			parts[k] = append(parts[k], x.Part)
		}
	}
	for _, k := range order {
		weak := ""
		if k.weak {
			weak = ", weak"
		}
		p.line("protection: %s%s (%s)", k.text, weak, strings.Join(parts[k], ", "))
	}
}

// brief prints many entries as a table.
func (p reportPrinter) brief(entries []inspect.Entry) {
	p.line("")
	p.line("%d entries (--verbose shows all of each)", len(entries))
	width := 0
	for _, e := range entries {
		width = max(width, min(len(e.Alias), 40))
	}
	for _, e := range entries {
		what := ""
		if len(e.Certificates) > 0 {
			what = fmt.Sprintf("%s  %s", e.Certificates[0].NotAfter.Format(time.DateOnly), e.Certificates[0].Subject)
		}
		p.line("  %-*s  %-11s  %s", width, e.Alias, e.Type, what)
	}
}

// problems prints what is wrong, at most fullEntries of one kind without --verbose.
func (p reportPrinter) problems(list []inspect.Problem, verbose bool) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("problems:")
	count := map[string]int{}
	for _, x := range list {
		count[x.Code]++
		if count[x.Code] > fullEntries && !verbose {
			continue
		}
		p.wrapped(fmt.Sprintf("  %-8s ", x.Severity), x.Code+": "+entryLead(&x)+x.Text)
	}
	for code, n := range count {
		if n > fullEntries && !verbose {
			p.line("  ...      %s: %d more (--verbose shows them)", code, n-fullEntries)
		}
	}
}

// entryLead is the entry that a problem is of, before its text. Of a certificate without an alias that is its subject, with
// which the text mostly begins; an alias may be any word of the sentence, and is not looked for in it.
func entryLead(x *inspect.Problem) string {
	isSubject := strings.Contains(x.Entry, "=") && strings.HasPrefix(x.Text, x.Entry+" ")
	if x.Entry == "" || isSubject {
		return ""
	}
	return x.Entry + ": "
}

// readers prints who can read the file; at length also how that is known.
func (p reportPrinter) readers(list []inspect.Reader, verbose bool) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("readers:")
	name := func(r inspect.Reader) string { return strings.TrimSpace(r.Program + " " + r.Version) }
	width := 0
	for _, r := range list {
		width = max(width, len(name(r)))
	}
	for _, r := range list {
		lead := fmt.Sprintf("  %-*s  %-4s  ", width, name(r), r.Reads)
		p.wrapped(lead, r.Why)
		if verbose {
			p.wrapped(strings.Repeat(" ", len(lead)), "("+r.Source+")")
		}
	}
}
