package p12file

import (
	"github.com/mqttpki/mqttpki/keystore"
)

// entriesOf lays a store out as the bags it is written in: each key's certificate, then what is left of its chain,
// then trusted certificates, then loose ones. A certificate in several chains is written once; a leaf once for
// each of its keys, since its attributes pair them.
func entriesOf(s *keystore.Store) ([]keyEntry, []certEntry) {
	keys := make([]keyEntry, 0, len(s.Identities))
	certs := make([]certEntry, 0, 2*len(s.Identities)+len(s.Anchors)+len(s.Loose))
	var written keystore.Distinct
	for _, id := range s.Identities {
		attrs := attributes{name: id.Alias, id: keyID(id.Created)}
		keys = append(keys, keyEntry{attributes: attrs, key: id.Key})
		for i, c := range id.Chain {
			switch _, first := written.Number(c); {
			case i == 0:
				certs = append(certs, certEntry{attributes: attrs, cert: c})
			case first:
				certs = append(certs, certEntry{cert: c})
			}
		}
	}
	for _, a := range s.Anchors {
		certs = append(certs, certEntry{attributes: attributes{name: a.Alias, trusted: true}, cert: a.Certificate})
	}
	for _, l := range s.Loose {
		certs = append(certs, certEntry{attributes: attributes{name: l.Alias}, cert: l.Certificate})
	}
	return keys, certs
}

// arrange returns the store as it would be read back.
func arrange(s *keystore.Store) *keystore.Store {
	keys, certs := entriesOf(s)
	return assemble(keys, certs, keystore.DefaultLimits, &report{})
}
