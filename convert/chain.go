package convert

import (
	"bytes"

	"github.com/mqttpki/mqttpki/keystore"
)

// orderChain puts a key's chain in order, each certificate before its issuer, and completes it from the other
// certificates that were given; only a trusted root stays where it is, since nobody needs it to be sent along. What
// does not belong to the chain becomes a certificate of its own. had is the length of the chain as it was given, 0 for a
// key that came without a certificate.
func (w *work) orderChain(id *keystore.Identity, had int, g *given) {
	leaf := id.Leaf()
	if leaf == nil || leaf.X509 == nil {
		return
	}
	at := g.add(*leaf)
	if !g.pool.Begin(at) {
		w.noted(id.Label(), "its certificate is that of too many keys to stand with each of them")
		id.Chain = nil
		return
	}
	chain, in := []keystore.Certificate{*leaf}, map[int]bool{at: true}
	for _, i := range g.pool.Chain(at, keystore.DefaultLimits.Chain-1) {
		if c := g.certs[i]; i < g.anchors || !isRoot(c) {
			chain = append(chain, c)
			in[i] = true
		}
	}
	for _, c := range id.Chain {
		if i := g.add(c); !in[i] {
			in[i] = true
			w.noted(c.Label(), "does not belong to the chain of %q", id.Label())
			w.store.Loose = append(w.store.Loose, keystore.Anchor{Certificate: c})
		}
	}
	if len(chain) > had && had > 0 {
		w.noted(id.Label(), "its chain was completed from the other certificates: %d, was %d", len(chain), had)
	}
	id.Chain = chain
}

// isRoot reports whether a certificate names itself as its issuer, also of one that Go cannot parse.
func isRoot(c keystore.Certificate) bool {
	subject, issuer := c.Names()
	return bytes.Equal(subject, issuer)
}

// noteIncomplete says where chains stop, unless that is at a root or below a trusted certificate: it is right when the
// readers have the rest, and a fault that is hard to find when not.
func (w *work) noteIncomplete() {
	trusted := map[string]bool{}
	for i := range w.store.Anchors {
		if subject, _ := w.store.Anchors[i].Certificate.Names(); subject != nil {
			trusted[string(subject)] = true
		}
	}
	for i := range w.store.Identities {
		id := &w.store.Identities[i]
		if len(id.Chain) == 0 {
			continue
		}
		last := id.Chain[len(id.Chain)-1]
		if last.X509 == nil || keystore.SelfIssued(last.X509) || trusted[string(last.X509.RawIssuer)] {
			continue
		}
		w.noted(id.Label(), "its chain stops at %s; the certificate of the issuer, %s, was not given", last.Label(), last.Issuer())
	}
}
