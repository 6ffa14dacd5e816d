package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// reportsAside reports whether the report on a single conversion goes to standard error: standard output has the result.
func (o *convertOptions) reportsAside() bool { return o.form.Output == standardStream && !o.DryRun }

// printConversion prints the report on a single conversion.
func (o *convertOptions) printConversion(r *conversion) error {
	to := o.out
	if o.reportsAside() {
		to = o.err
	}
	r.DryRun = o.DryRun
	if o.json {
		r.Schema = "mqttpki.convert/1"
		quiet := *o.deps
		quiet.out = to
		return quiet.printJSON(r)
	}
	if !o.quiet {
		o.printPlan(to, r)
	}
	o.printWritten(to, r)
	return nil
}

// shownEntries is how many entries of one conversion are listed without --verbose.
const shownEntries = 20

// printPlan lists what becomes of the entries.
func (o *convertOptions) printPlan(w io.Writer, r *conversion) {
	var names []string
	for _, s := range r.Sources {
		names = append(names, fmt.Sprintf("%s (%s)", s.File, s.Format))
	}
	line := func(format string, args ...any) {
		_, _ = fmt.Fprintln(w, printableLine(fmt.Sprintf(format, args...)))
	}
	line("%s -> %s (%s)", strings.Join(names, " + "), r.Target, r.TargetFormat)
	renamed := map[string][]renamedEntry{} // names need not be unique, in PEM
	for _, e := range r.Renamed {
		renamed[e.To] = append(renamed[e.To], e)
	}
	for i, e := range r.Entries {
		if i == shownEntries && !o.verbose {
			line("  ...      and %d more", len(r.Entries)-i)
			break
		}
		if from := renamed[e.Alias]; len(from) > 0 {
			renamed[e.Alias] = from[1:]
			line("  renamed  %s -> %s: %s (%s)", cmp.Or(from[0].From, "(no name)"), e.Alias, e.what(), from[0].Why)
		} else {
			line("  kept     %s: %s", e.Alias, e.what())
		}
	}
	for _, e := range r.Repaired {
		line("  re-paired %s with %s", e.Entry, e.what())
	}
	for _, e := range gatheredParts(r.Reencrypted) {
		line("  re-encrypted %s: %s -> %s", e.Entry, e.From, e.To)
	}
	for _, e := range r.Lost {
		line("  lost     %s: %s", e.Entry, e.Why)
	}
	if o.form.InPlace && r.Password != "" {
		line("  password %s", map[string]string{
			outNone: "none", outSame: "as before", outGiven: "another, as named by --out-pass", outMade: "another, made up",
		}[r.Password])
	}
	for _, name := range r.LeftOut {
		line("  left out %s", name)
	}
	if len(r.Planned) > 1 { // one has been named above
		for _, path := range r.Planned {
			line("  file     %s", path)
		}
	}
	for _, e := range gathered(r.Noted) {
		line("  note     %s", strings.TrimPrefix(e.Entry+": "+e.Text, ": ")) // some are about the whole file
	}
}

// gathered makes one note of those that say the same of different entries.
func gathered(notes []notedEntry) []notedEntry {
	var list []notedEntry
	place, count := map[string]int{}, map[string]int{}
	for _, n := range notes {
		if _, ok := place[n.Text]; !ok {
			place[n.Text] = len(list)
			list = append(list, n)
		}
		count[n.Text]++
	}
	for i := range list {
		if more := count[list[i].Text] - 1; more > 0 {
			list[i].Entry += fmt.Sprintf(" and %d more", more)
		}
	}
	return list
}

// what names the certificate that a key has got, and what it had.
func (e repairedEntry) what() string {
	if e.Instead == "" {
		return fmt.Sprintf("%s (%s)", e.Certificate, e.Why)
	}
	return fmt.Sprintf("%s, not with %s (%s)", e.Certificate, e.Instead, e.Why)
}

// reencryptedLine is what is printed of parts that are all protected anew in the same way.
type reencryptedLine struct {
	Entry    string
	From, To protectionText
	more     int
	isKey    bool
}

// gatheredParts makes one line of the parts of one kind that are re-encrypted alike.
func gatheredParts(parts []reencryptedPart) []reencryptedLine {
	type alike struct {
		part     string
		from, to protectionText
	}
	var list []reencryptedLine
	place := map[alike]int{}
	for _, p := range parts {
		key := alike{p.Part, p.From, p.To}
		if at, ok := place[key]; ok {
			list[at].more++
			continue
		}
		place[key] = len(list)
		name := map[string]string{"mac": "integrity", "certificates": "certificates", "key": "key " + p.Entry}[p.Part]
		list = append(list, reencryptedLine{Entry: name, From: p.From, To: p.To, isKey: p.Part == "key"})
	}
	for i := range list {
		if list[i].more > 0 && list[i].isKey { // of several inputs the other parts go without saying
			list[i].Entry += fmt.Sprintf(" and %d more", list[i].more)
		}
	}
	return list
}

// String is the algorithm with its iterations.
func (p protectionText) String() string {
	if p.Iterations == 0 {
		return p.Algorithm
	}
	return fmt.Sprintf("%s, %d iterations", p.Algorithm, p.Iterations)
}

// what describes an entry in a few words.
func (e conversionEntry) what() string {
	switch e.Type {
	case "key":
		return "key, " + counted(e.Certificates, "certificate")
	case "trusted":
		return "trusted certificate"
	}
	return e.Type
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printWritten names what was made, one line each.
func (o *convertOptions) printWritten(w io.Writer, r *conversion) {
	for _, path := range r.Written {
		switch {
		case path == r.PasswordFile:
			_, _ = fmt.Fprintf(w, "%s  its password\n", printableLine(path))
		case o.Split:
			_, _ = fmt.Fprintln(w, printableLine(path))
		default:
			_, _ = fmt.Fprintf(w, "%s  %s\n", printableLine(path), r.summary(o.now()))
		}
	}
	if r.PlainKey && len(r.Written) > 0 && o.form.OutDir == "" {
		o.notice("note: the private key in %s is not encrypted; only its permissions protect it", r.Written[0])
	}
	for _, b := range r.Backups {
		o.notice("note: the old file is kept as %s", b)
	}
}

// summary says in a few words what is in the result, and when the first of it expires.
func (r *conversion) summary(now time.Time) string {
	count := map[string]int{}
	var first *time.Time
	for _, e := range r.Entries {
		count[e.Type]++
		aside := e.Type == "certificate" && count["key"] > 0 // beside keys, which come first: such as one that was replaced
		if !aside && e.NotAfter != nil && (first == nil || e.NotAfter.Before(*first)) {
			first = e.NotAfter
		}
	}
	var parts []string
	for _, t := range []struct{ name, noun string }{
		{"key", "key"}, {"trusted", "trusted certificate"}, {"certificate", "certificate"}, {"request", "request"},
		{"crl", "CRL"}, {"public-key", "public key"}, {"secret", "secret key"},
	} {
		if n := count[t.name]; n > 0 {
			parts = append(parts, counted(n, t.noun))
		}
	}
	if first != nil && first.Before(now) {
		parts = append(parts, "expired "+first.Format(time.DateOnly))
	} else if first != nil {
		parts = append(parts, "expires "+first.Format(time.DateOnly))
	}
	return strings.Join(parts, ", ")
}
