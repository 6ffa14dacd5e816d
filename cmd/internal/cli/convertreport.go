package cli

import (
	"time"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
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
	Repaired     []repairedEntry    `json:"re_paired"`
	Reencrypted  []reencryptedPart  `json:"re_encrypted"`
	Lost         []lostEntry        `json:"lost"`
	Noted        []notedEntry       `json:"noted"`
	LeftOut      []string           `json:"left_out"`
	Planned      []string           `json:"planned"`
	Written      []string           `json:"written"`
	Backups      []string           `json:"backups"`
	Password     string             `json:"password,omitempty"` // an out... constant; "" when it did not come so far
	PasswordFile string             `json:"password_file,omitempty"`
	DryRun       bool               `json:"dry_run"`
	Error        *fileError         `json:"error,omitempty"` // in a document of many, or where this one is on standard error

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
	From    string                  `json:"from"`
	To      string                  `json:"to"`
	Why     string                  `json:"why"`
	Reasons []keystore.RenameReason `json:"reasons"`
}

type repairedEntry struct {
	Entry       string `json:"entry"`
	Certificate string `json:"certificate"`
	Instead     string `json:"instead_of,omitempty"`
	Why         string `json:"why"`
}

type reencryptedPart struct {
	Source string         `json:"source"`
	Part   string         `json:"part"`
	Entry  string         `json:"entry,omitempty"`
	From   protectionText `json:"from"`
	To     protectionText `json:"to"`
}

// protectionText is how a part is protected, as inspect reports it.
type protectionText struct {
	Algorithm  string `json:"algorithm"`
	Iterations int    `json:"iterations,omitempty"`
	Weak       string `json:"weak,omitempty"`
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
	Hint     string `json:"hint,omitempty"`
	ExitCode int    `json:"exit_code"`
}

func newFileError(err error) *fileError {
	o := outcomeOf(err)
	return &fileError{Kind: o.name, Message: err.Error(), Hint: hintOf(err), ExitCode: o.code}
}

// newConversion reports on a plan.
func newConversion(j convertJob, p *convert.Plan) *conversion {
	r := emptyConversion(j.Sources[0].Name, j.Output, j.Target.Name())
	r.SourceFormat = j.Sources[0].sourceFormat()
	for _, s := range j.Sources {
		r.Sources = append(r.Sources, conversionSource{s.Name, s.sourceFormat()})
		if text := inspect.NameMismatch(s.Name, s.Format); text != "" {
			r.Noted = append(r.Noted, notedEntry{s.Name, text})
		}
		if j.dropsRemarks(s) {
			r.Noted = append(r.Noted, notedEntry{s.Name, "comments and other text beside its blocks are not kept"})
		}
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
		if e.Renamed() {
			r.Renamed = append(r.Renamed, renamedEntry{e.Was, e.Name, e.Why, e.Reasons})
		}
	}
	for _, c := range p.Paired {
		r.Repaired = append(r.Repaired, repairedEntry(c))
	}
	for _, c := range p.Reencrypted {
		r.Reencrypted = append(r.Reencrypted, reencryptedPart{c.Source, c.Part, c.Entry, textOf(c.From), textOf(c.To)})
	}
	for _, c := range p.Lost {
		r.Lost = append(r.Lost, lostEntry{c.Entry, c.Text})
	}
	for _, c := range p.Noted {
		r.Noted = append(r.Noted, notedEntry(c))
	}
	return r
}

// dropsRemarks reports whether a PEM file is written anew as one, and has text that a person would miss.
func (j convertJob) dropsRemarks(s *openedStore) bool {
	return s.Codec.Name() == "pem" && j.Target.Name() == "pem" && pemfile.HasRemarks(s.Data)
}

// sourceFormat is the word for a file's format that convert takes and prints of results as well; JCEKS alone is never one.
func (s *openedStore) sourceFormat() string {
	if s.Format == jceks {
		return jceks
	}
	return s.Codec.Name()
}

// noteNames says of which entries the name is not kept by separate files. Of several keys it is in the files' names.
func (r *conversion) noteNames(s *keystore.Store) {
	note := func(alias string) {
		if alias != "" {
			r.Noted = append(r.Noted, notedEntry{alias, "separate files record no names"})
		}
	}
	if len(s.Identities) == 1 {
		note(s.Identities[0].Alias)
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range list {
			note(list[i].Alias)
		}
	}
	for i := range s.Others {
		note(s.Others[i].Alias)
	}
}

func textOf(p keystore.Protection) protectionText {
	return protectionText{p.Algorithm, p.Iterations, p.Weak}
}

// emptyConversion is a report without anything: lists are never null in JSON.
func emptyConversion(source, target, format string) *conversion {
	return &conversion{
		Source: source, Sources: []conversionSource{}, Target: target, TargetFormat: format,
		Entries: []conversionEntry{}, Kept: []string{}, Renamed: []renamedEntry{}, Repaired: []repairedEntry{},
		Reencrypted: []reencryptedPart{}, Lost: []lostEntry{}, Noted: []notedEntry{},
		LeftOut: []string{}, Planned: []string{}, Written: []string{}, Backups: []string{},
	}
}
