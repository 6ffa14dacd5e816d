package convert

import (
	"cmp"

	"github.com/mqttpki/mqttpki/keystore"
)

// refuseMismatches finds the keys that would go on without a certificate of their own though one was meant to be there: the
// file has another key's in its place, or certificates came with the key of which none is its own. A file made of that
// looks right and works nowhere, so that it is refused like a loss.
//
// A key on its own is fine, and so is one beside the certificates of CAs alone where the recipe says so.
func (w *work) refuseMismatches(r Recipe) {
	var s *strays
	for i := range w.store.Identities {
		id := &w.store.Identities[i]
		if id.Key == nil {
			continue
		}
		if leaf := id.Leaf(); leaf != nil {
			if matches, known := id.Key.Matches(*leaf); known && !matches {
				w.mismatched(id, "its certificate, "+leaf.Label()+", belongs to another key, and the right one was not given")
			}
			continue
		}
		if id.Key.PublicID() == "" {
			continue // its certificate may be there, and nobody could tell
		}
		if s == nil {
			s = straysOf(&w.store)
		}
		switch {
		case s.leaf != nil:
			w.mismatched(id, "none of the certificates is its own; "+s.leaf.Label()+" belongs to another key")
		case s.ca != nil && !s.paired && !r.LoneKeys:
			w.mismatched(id, "none of the certificates is its own; "+s.ca.Label()+", for one, is a CA's")
		case s.some:
			w.noted(id.Label(), "none of the certificates has its public key")
		}
	}
}

// mismatched records a key that has no certificate of its own.
func (w *work) mismatched(id *keystore.Identity, why string) {
	w.judged[id.Alias] = true
	w.mismatches = append(w.mismatches, Note{id.Label(), why})
}

// strays are the certificates of a store that belong to none of its keys and are not marked as trusted: who gave them may
// have meant them for a key.
type strays struct {
	leaf   *keystore.Certificate // one that is surely no CA's, nil when there is none
	ca     *keystore.Certificate // one that may be
	paired bool                  // another key has its certificate, and a CA's may be there for that one
	some   bool                  // there is a certificate at all
}

func straysOf(s *keystore.Store) *strays {
	found := &strays{some: len(s.Anchors)+len(s.Loose) > 0}
	own := map[string]bool{}
	for i := range s.Identities {
		id := &s.Identities[i]
		own[id.Key.PublicID()] = true
		if leaf := id.Leaf(); leaf != nil {
			found.paired, found.some = true, true
			own[leaf.PublicID()] = true
		}
	}
	for i := range s.Loose {
		found.add(&s.Loose[i].Certificate, own)
	}
	for i := range s.Anchors {
		if s.Anchors[i].Assumed {
			found.add(&s.Anchors[i].Certificate, own)
		}
	}
	return found
}

// add takes a certificate, unless it is that of one of the store's keys.
func (s *strays) add(c *keystore.Certificate, own map[string]bool) {
	public := c.PublicID()
	switch {
	case public != "" && own[public]:
	case public != "" && surelyLeaf(*c):
		s.leaf = cmp.Or(s.leaf, c)
	default:
		s.ca = cmp.Or(s.ca, c)
	}
}

// surelyLeaf reports whether a certificate is no CA's: it says so, and somebody else signed it. Self-signed ones are
// handed out to be trusted, whatever they say.
func surelyLeaf(c keystore.Certificate) bool {
	return c.X509 != nil && !c.X509.IsCA && !keystore.SelfIssued(c.X509)
}
