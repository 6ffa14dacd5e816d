package pemfile

import (
	"github.com/mqttpki/mqttpki/keystore"
)

// item is one entry of a file, in the order of the file. It is either a key (readable or locked), a certificate, or
// something else.
type item struct {
	note
	line int

	isKey  bool
	key    *keystore.PrivateKey
	locked error

	certificate *keystore.Certificate
	bundled     bool // in a PKCS#7 block, where programs that look for certificates do not see it

	other    keystore.OtherKind
	otherRaw []byte
}

// marked reports whether a certificate says what it is, so that it is in no chain.
func (it *item) marked() bool { return it.word == wordTrusted || it.word == wordCertificate }

// flatten returns the entries of a store in the order in which they are written: each key with its chain, leaf first,
// then what is in no chain. Reading them again is assemble's job; the marks are there to make it come out the same.
func flatten(s *keystore.Store) []item {
	var items []item
	for i := range s.Identities {
		identity := &s.Identities[i]
		key := item{isKey: true, key: identity.Key, locked: identity.Locked}
		if identity.Alias != "" {
			key.note = note{word: wordKey, alias: identity.Alias}
		}
		items = append(items, key)
		for j := range identity.Chain {
			items = append(items, item{certificate: &identity.Chain[j]})
		}
	}
	for i := range s.Loose {
		loose := &s.Loose[i]
		items = append(items, item{note: note{word: wordCertificate, alias: loose.Alias}, certificate: &loose.Certificate})
	}
	for i := range s.Anchors {
		anchor := &s.Anchors[i]
		it := item{certificate: &anchor.Certificate}
		if len(s.Identities) > 0 || anchor.Alias != "" { // a file of certificates alone is one of trusted ones anyway
			it.note = note{word: wordTrusted, alias: anchor.Alias}
		}
		items = append(items, it)
	}
	for _, o := range s.Others {
		it := item{other: o.Kind, otherRaw: o.Raw}
		if o.Alias != "" {
			it.note = note{word: wordAlias, alias: o.Alias}
		}
		items = append(items, it)
	}
	return items
}
