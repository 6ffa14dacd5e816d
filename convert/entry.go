package convert

import "github.com/mqttpki/mqttpki/keystore"

// EntryType is what an entry of a store is, in the words of the command line and of inspect's report.
type EntryType string

// The types of entries; those of [keystore.Other] keep their own names.
const (
	TypeKey         EntryType = "key"         // a private key with its chain
	TypeTrusted     EntryType = "trusted"     // a certificate marked as trusted
	TypeCertificate EntryType = "certificate" // a certificate that is neither
)

// Entry is one line of a plan: an entry of the result.
type Entry struct {
	Name        string // the alias, or the subject where the format has no aliases
	Type        EntryType
	Chain       int                   // number of certificates
	Certificate *keystore.Certificate // the leaf, or the certificate; nil when there is none

	Was     string                  // the name it had, where it has another now; "" when it had none
	Why     string                  // it has another: one clause, "" when it has not
	Reasons []keystore.RenameReason // the same for machines; empty when it has not

	key     *keystore.PrivateKey
	unnamed bool // a trusted certificate without an alias, which in PEM is any certificate: selectors take it for both
}

// Renamed reports whether the entry has another name than it had.
func (e *Entry) Renamed() bool { return len(e.Reasons) > 0 }

// entriesOf lists a store: identities, trusted certificates, other certificates, everything else.
func entriesOf(s *keystore.Store) []Entry {
	entries := make([]Entry, 0, countOf(s))
	for i := range s.Identities {
		entries = append(entries, identityEntry(&s.Identities[i]))
	}
	for i := range s.Anchors {
		entries = append(entries, anchorEntry(&s.Anchors[i], TypeTrusted))
	}
	for i := range s.Loose {
		entries = append(entries, anchorEntry(&s.Loose[i], TypeCertificate))
	}
	for i := range s.Others {
		entries = append(entries, otherEntry(&s.Others[i]))
	}
	return entries
}

// countOf is how many entries a store has.
func countOf(s *keystore.Store) int {
	return len(s.Identities) + len(s.Anchors) + len(s.Loose) + len(s.Others)
}

func identityEntry(id *keystore.Identity) Entry {
	return Entry{Name: id.Label(), Type: TypeKey, Chain: len(id.Chain), Certificate: id.Leaf(), key: id.Key}
}

func anchorEntry(a *keystore.Anchor, t EntryType) Entry {
	return Entry{Name: a.Label(), Type: t, Chain: 1, Certificate: &a.Certificate, unnamed: t == TypeTrusted && a.Alias == ""}
}

func otherEntry(o *keystore.Other) Entry {
	return Entry{Name: o.Label(), Type: EntryType(o.Kind)}
}
