package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

// conversion is the report on one conversion: the JSON document of convert, and what is printed of it.
type conversion struct {
	Schema       string             `json:"schema,omitempty"` // not within a document of many
	Source       string             `json:"source"`           // the first of sources
	SourceFormat string             `json:"source_format,omitempty"`
	Sources      []conversionSource `json:"sources"`
	Target       string             `json:"target"`
	TargetFormat string             `json:"target_format"`
	Entries      []conversionEntry  `json:"entries"`
	Kept         []string           `json:"kept"`
	Renamed      []renamedEntry     `json:"renamed"`
	Lost         []lostEntry        `json:"lost"`
	Noted        []notedEntry       `json:"noted"`
	LeftOut      []string           `json:"left_out"`
	Written      []string           `json:"written"`
	Backups      []string           `json:"backups"`
	PasswordFile string             `json:"password_file,omitempty"`
	DryRun       bool               `json:"dry_run"`
	Error        *fileError         `json:"error,omitempty"` // in a document of many

	Loss     bool `json:"-"` // something would be, or was, lost
	PlainKey bool `json:"-"` // a private key was written without encryption
}

type conversionSource struct {
	File   string `json:"file"`
	Format string `json:"format"`
}

type conversionEntry struct {
	Alias        string     `json:"alias"`
	Type         string     `json:"type"`
	Certificates int        `json:"certificates"`
	NotAfter     *time.Time `json:"not_after,omitempty"`
}

type renamedEntry struct {
	From string `json:"from"`
	To   string `json:"to"`
	Why  string `json:"why"`
}

type lostEntry struct {
	Entry string `json:"entry"`
	Why   string `json:"why"`
}

type notedEntry struct {
	Entry string `json:"entry"`
	Text  string `json:"text"`
}

// fileError is what went wrong with one file of many.
type fileError struct {
	Kind     string `json:"kind"`
	Message  string `json:"message"`
	ExitCode int    `json:"exit_code"`
}

func newFileError(err error) *fileError {
	o := outcomeOf(err)
	return &fileError{o.name, err.Error(), o.code}
}

// newConversion reports on a plan.
func newConversion(j convertJob, p *convert.Plan) *conversion {
	r := emptyConversion(j.Sources[0].Name, j.Output, j.Target.Name())
	r.SourceFormat, r.Sources = j.Sources[0].Format, nil
	for _, s := range j.Sources {
		r.Sources = append(r.Sources, conversionSource{s.Name, s.Format})
	}
	r.Kept = append(r.Kept, p.Kept()...)
	r.LeftOut = append(r.LeftOut, p.LeftOut...)
	for _, e := range p.Entries {
		entry := conversionEntry{Alias: e.Name, Type: string(e.Type), Certificates: e.Chain}
		if e.Certificate != nil && e.Certificate.X509 != nil {
			end := e.Certificate.X509.NotAfter.UTC()
			entry.NotAfter = &end
		}
		r.Entries = append(r.Entries, entry)
	}
	for _, c := range p.Changes {
		switch c.Kind {
		case keystore.ChangeRenamed:
			r.Renamed = append(r.Renamed, renamedEntry{c.Entry, c.To, c.Why})
		case keystore.ChangeLost:
			r.Lost = append(r.Lost, lostEntry{c.Entry, c.Why})
		default:
			r.Noted = append(r.Noted, notedEntry{c.Entry, c.Why})
		}
	}
	return r
}

// emptyConversion is a report without anything: lists are never null in JSON.
func emptyConversion(source, target, format string) *conversion {
	return &conversion{
		Source: source, Sources: []conversionSource{}, Target: target, TargetFormat: format,
		Entries: []conversionEntry{}, Kept: []string{}, Renamed: []renamedEntry{}, Lost: []lostEntry{}, Noted: []notedEntry{},
		LeftOut: []string{}, Written: []string{}, Backups: []string{},
	}
}

// printConversion prints the report on a single conversion, on standard error where standard output has the result.
func (o *convertOptions) printConversion(r *conversion) error {
	to := o.out
	if r.Target == standardStream && !o.DryRun {
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
	renamed := map[string]renamedEntry{}
	for _, e := range r.Renamed {
		renamed[e.To] = e
	}
	for i, e := range r.Entries {
		if i == shownEntries && !o.verbose {
			line("  ...      and %d more", len(r.Entries)-i)
			break
		}
		if from, ok := renamed[e.Alias]; ok {
			line("  renamed  %s -> %s: %s (%s)", cmp.Or(from.From, "(no name)"), e.Alias, e.what(), from.Why)
		} else {
			line("  kept     %s: %s", e.Alias, e.what())
		}
	}
	for _, e := range r.Lost {
		line("  lost     %s: %s", e.Entry, e.Why)
	}
	for _, name := range r.LeftOut {
		line("  left out %s", name)
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
	if r.PlainKey && len(r.Written) > 0 && !o.plainSaid {
		o.plainSaid = true
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
		if e.NotAfter != nil && (first == nil || e.NotAfter.Before(*first)) {
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
