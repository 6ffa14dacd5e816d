package convert

import (
	"crypto/x509"

	"github.com/mqttpki/mqttpki/keystore"
)

// Pairing is a key that has got another certificate than its file said: the one with its public key.
type Pairing struct {
	Entry       string // what the key is called
	Certificate string // the subject of its certificate
	Instead     string // the subject of the certificate that the file had in its place, "" for none
	Why         string // one clause
}

// given is every certificate that the sources hold, to find leaves and issuers in.
type given struct {
	certs   []keystore.Certificate
	index   keystore.Distinct // of certs
	leaves  map[string]int    // by PublicID: the best certificate of the key
	pool    *keystore.Pool    // over certs
	anchors int               // the first index in certs of what is nowhere but among the trusted
	names   map[int]string    // by index: the aliases of loose certificates that have one
}

// collect gathers the certificates of a store: chains first and each in its order, since the pool prefers what stands
// behind a certificate as its issuer.
func collect(s *keystore.Store) *given {
	g := &given{leaves: map[string]int{}, names: map[int]string{}}
	stated := int64(0)
	for i := range s.Identities {
		for _, c := range s.Identities[i].Chain {
			g.add(c)
			stated += int64(len(c.Raw))
		}
	}
	for i := range s.Loose {
		if at := g.add(s.Loose[i].Certificate); g.names[at] == "" {
			g.names[at] = s.Loose[i].Alias
		}
	}
	g.anchors = len(g.certs)
	for i := range s.Anchors {
		g.add(s.Anchors[i].Certificate)
	}
	g.pool = keystore.NewPool(g.certs)
	g.pool.Allow(stated)
	return g
}

// add appends a certificate, once, and returns its index.
func (g *given) add(c keystore.Certificate) int {
	i, first := g.index.Number(c)
	if !first {
		return i
	}
	g.certs = append(g.certs, c)
	if id := c.PublicID(); id != "" {
		if best, ok := g.leaves[id]; !ok || betterLeaf(c.X509, g.certs[best].X509) {
			g.leaves[id] = i
		}
	}
	return i
}

// leafFor finds the certificate of a key: of several the one that another CA signed, then the newest. It returns nil
// when there is none.
func (g *given) leafFor(key *keystore.PrivateKey) *keystore.Certificate {
	id := key.PublicID()
	if i, ok := g.leaves[id]; ok && id != "" {
		return &g.certs[i]
	}
	return nil
}

// betterLeaf reports whether a is to be preferred to b as the certificate of the key that both have. What Go cannot parse,
// nil, comes last: nothing is known of it but its key.
func betterLeaf(a, b *x509.Certificate) bool {
	if a == nil || b == nil {
		return a != nil
	}
	if keystore.SelfIssued(a) != keystore.SelfIssued(b) {
		return !keystore.SelfIssued(a)
	}
	return a.NotBefore.After(b.NotBefore)
}

// pair gives every key the leaf that has its public key, and puts its chain in order behind it.
func (w *work) pair() {
	if len(w.store.Identities) == 0 {
		w.dropUsed()
		return
	}
	g := collect(&w.store)
	for i := range w.store.Identities {
		id := &w.store.Identities[i]
		had := len(id.Chain)
		if id.Key != nil {
			w.pairKey(id, g)
		}
		w.orderChain(id, had, g)
	}
	w.dropUsed()
}

// pairKey checks that the leaf of a key is its own, and looks for another one when it is not.
func (w *work) pairKey(id *keystore.Identity, g *given) {
	leaf, another := id.Leaf(), false
	if leaf != nil {
		matches, sure := id.Key.Matches(*leaf)
		if matches {
			return
		}
		another = sure
	}
	right := g.leafFor(id.Key)
	if right == nil {
		switch {
		case another:
			w.judged[id.Alias] = true
			w.noted(id.Label(), "its certificate belongs to another key, and the right one was not given")
		case leaf == nil && len(g.certs) > 0:
			w.noted(id.Label(), "none of the certificates has its public key")
		}
		return
	}
	name := id.Label()
	for i, c := range id.Chain {
		if c.Equal(*right) { // only the order was wrong; orderChain sees to the rest
			rest := append(id.Chain[:i:i], id.Chain[i+1:]...)
			id.Chain = append([]keystore.Certificate{c}, rest...)
			w.repaired(id, Pairing{name, c.Label(), leaf.Label(), "its own certificate was not the first of its chain"})
			return
		}
	}
	if id.Alias == "" { // the name that the certificate had on its own
		id.Alias = g.names[g.add(*right)]
	}
	if leaf != nil {
		w.repaired(id, Pairing{name, right.Label(), leaf.Label(), "the file had it with the certificate of another key"})
		for _, c := range id.Chain {
			w.store.Loose = append(w.store.Loose, keystore.Anchor{Certificate: c})
		}
	}
	id.Chain = []keystore.Certificate{*right}
}

// repaired notes that a key has got another leaf.
func (w *work) repaired(id *keystore.Identity, p Pairing) {
	w.judged[id.Alias] = true
	w.paired = append(w.paired, p)
}
