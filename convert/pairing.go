package convert

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Pairing is a key that has got another certificate than its file said: the one with its public key or, of several, the
// better one.
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
	owned   map[int]bool      // by index: the leaves that are their keys' own
	leaves  map[string]int    // by PublicID: the best certificate of the key
	better  map[string]int    // the same, of those that are no key's and not marked as trusted
	pool    *keystore.Pool    // over certs
	anchors int               // the first index in certs of what is nowhere but among the trusted
	marked  int               // ... and there has a mark that says so
	names   map[int]string    // by index: the aliases of certificates on their own that have one
}

// collect gathers the certificates of a store: chains first and each in its order, since the pool prefers what stands
// behind a certificate as its issuer.
func collect(s *keystore.Store) *given {
	g := &given{owned: map[int]bool{}, leaves: map[string]int{}, better: map[string]int{}, names: map[int]string{}}
	stated := int64(0)
	for i := range s.Identities {
		id := &s.Identities[i]
		for _, c := range id.Chain {
			g.add(c)
			stated += int64(len(c.Raw))
		}
		if leaf := id.Leaf(); leaf != nil {
			if matches, known := id.Key.Matches(*leaf); matches || !known {
				g.owned[g.add(*leaf)] = true
			}
		}
	}
	for i := range s.Loose {
		g.addNamed(&s.Loose[i])
	}
	g.anchors = len(g.certs)
	for i := range s.Anchors {
		if s.Anchors[i].Assumed {
			g.addNamed(&s.Anchors[i])
		}
	}
	g.marked = len(g.certs)
	for i := range s.Anchors {
		g.add(s.Anchors[i].Certificate)
	}
	g.rank()
	g.pool = keystore.NewPool(g.certs)
	g.pool.Allow(stated)
	return g
}

// add appends a certificate, once, and returns its index.
func (g *given) add(c keystore.Certificate) int {
	i, first := g.index.Number(c)
	if first {
		g.certs = append(g.certs, c)
	}
	return i
}

// addNamed appends a certificate on its own, and remembers its name.
func (g *given) addNamed(a *keystore.Anchor) {
	if at := g.add(a.Certificate); g.names[at] == "" {
		g.names[at] = a.Alias
	}
}

// rank finds the best certificate of each key.
func (g *given) rank() {
	for i, c := range g.certs {
		id := c.PublicID()
		if id == "" {
			continue
		}
		if best, ok := g.leaves[id]; !ok || betterLeaf(c.X509, g.certs[best].X509) {
			g.leaves[id] = i
		}
		if i >= g.marked || g.owned[i] {
			continue
		}
		if best, ok := g.better[id]; !ok || betterLeaf(c.X509, g.certs[best].X509) {
			g.better[id] = i
		}
	}
}

// leafFor finds the certificate of a key that has none of its own: of several the one that another CA signed, then the
// newest. It returns nil when there is none.
func (g *given) leafFor(key *keystore.PrivateKey) *keystore.Certificate {
	id := key.PublicID()
	if i, ok := g.leaves[id]; ok && id != "" {
		return &g.certs[i]
	}
	return nil
}

// successor finds a better certificate for a key than its own one, such as a CA's reply or a renewed one. What is marked
// as trusted was given for another purpose, and what another entry of the same key has is that entry's.
func (g *given) successor(key *keystore.PrivateKey, leaf keystore.Certificate) *keystore.Certificate {
	id := key.PublicID()
	if i, ok := g.better[id]; ok && id != "" && betterLeaf(g.certs[i].X509, leaf.X509) {
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

// whyBetter says what [betterLeaf] went by. The two may well have one subject: their dates tell them apart.
func whyBetter(a, b *x509.Certificate) string {
	if b == nil {
		return "the other one cannot be read"
	}
	layout, from, other := time.DateOnly, a.NotBefore.UTC(), b.NotBefore.UTC()
	if from.Format(layout) == other.Format(layout) {
		layout = time.DateTime
	}
	if keystore.SelfIssued(a) != keystore.SelfIssued(b) {
		return fmt.Sprintf("a CA signed it, on %s; the other one, of %s, is self-signed", from.Format(layout), other.Format(layout))
	}
	return fmt.Sprintf("both are its own, and this one is newer: from %s, the other one from %s", from.Format(layout), other.Format(layout))
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
		if id.Key != nil && w.pairKey(id, g) {
			had = 0 // of its new chain nothing was there before
		}
		w.orderChain(id, had, g)
	}
	w.supersede()
	w.dropUsed()
}

// pairKey looks for the certificate of a key: another one where the leaf is another key's, a better one where it is its
// own. It reports whether the key has got a new chain.
func (w *work) pairKey(id *keystore.Identity, g *given) bool {
	leaf, own := id.Leaf(), false
	if leaf != nil {
		own, _ = id.Key.Matches(*leaf)
	}
	right, why := g.leafFor(id.Key), "the file had it with the certificate of another key"
	if own {
		if right = g.successor(id.Key, *leaf); right != nil {
			why = whyBetter(right.X509, leaf.X509)
		}
	}
	if right == nil {
		return false
	}
	name := id.Label()
	if at := slices.IndexFunc(id.Chain, right.Equal); at >= 0 { // only the order was wrong; orderChain sees to the rest
		if own {
			w.replaced[w.number(*leaf)] = true
		} else {
			why = "its own certificate was not the first of its chain"
		}
		w.repaired(id, Pairing{name, right.Label(), leaf.Label(), why})
		id.Chain = slices.Insert(slices.Delete(slices.Clone(id.Chain), at, at+1), 0, *right)
		return false
	}
	if id.Alias == "" { // the name that the certificate had on its own
		id.Alias = g.names[g.add(*right)]
	}
	if leaf != nil {
		w.repaired(id, Pairing{name, right.Label(), leaf.Label(), why})
		w.setAside(id.Chain, own)
	}
	id.Chain = []keystore.Certificate{*right}
	return true
}

// setAside makes certificates of their own of a chain. A chain of the key's own has done its duty: see [work.retire].
func (w *work) setAside(chain []keystore.Certificate, own bool) {
	for _, c := range chain {
		w.store.Loose = append(w.store.Loose, keystore.Anchor{Certificate: c})
		if own {
			w.replaced[w.number(c)] = true
		}
	}
}

// supersede finds the certificates of keys that have a better one. They are no longer trusted where all that said so is that
// their file had no key: a self-signed one beside the CA's reply, say, is nobody's CA.
func (w *work) supersede() {
	keys := map[string]bool{}
	for i := range w.store.Identities {
		if id := w.store.Identities[i].Key.PublicID(); id != "" {
			keys[id] = true
		}
	}
	for i := range w.store.Loose {
		if c := w.store.Loose[i].Certificate; keys[c.PublicID()] {
			w.replaced[w.number(c)] = true
		}
	}
	w.store.Anchors = slices.DeleteFunc(w.store.Anchors, func(a keystore.Anchor) bool {
		if !a.Assumed || !keys[a.Certificate.PublicID()] {
			return false
		}
		a.Assumed = false
		w.store.Loose = append(w.store.Loose, a)
		w.replaced[w.number(a.Certificate)] = true
		return true
	})
}

// retire leaves out the certificates that better ones have replaced, where the format has no place for what is neither a
// key's nor trusted. Whoever brings a renewed certificate means it to take the place of the old one, so that this is said,
// but is no loss.
func (w *work) retire(target keystore.Codec, opts keystore.EncodeOptions) {
	isReplaced := func(a keystore.Anchor) bool { return w.replaced[w.number(a.Certificate)] }
	at := slices.IndexFunc(w.store.Loose, isReplaced)
	if at < 0 || len(w.store.Identities) == 0 { // on their own they are what was selected
		return
	}
	_, changes, err := target.Fit(&keystore.Store{Loose: w.store.Loose[at : at+1]}, opts)
	if err != nil || !slices.ContainsFunc(changes, func(c keystore.Change) bool { return c.Kind == keystore.ChangeLost }) {
		return
	}
	w.store.Loose = slices.DeleteFunc(w.store.Loose, func(a keystore.Anchor) bool {
		if isReplaced(a) {
			w.noted(a.Label(), "was replaced, and is not in the result: %s has no place for it", target.Name())
			return true
		}
		return false
	})
}

// retired are the certificates that better ones have replaced and that are kept on their own, by DER.
func (w *work) retired() map[string]bool {
	list := map[string]bool{}
	for i := range w.store.Loose {
		if c := w.store.Loose[i].Certificate; w.replaced[w.number(c)] {
			list[string(c.Raw)] = true
		}
	}
	return list
}

// repaired notes that a key has got another leaf.
func (w *work) repaired(id *keystore.Identity, p Pairing) {
	w.judged[id.Alias] = true
	w.paired = append(w.paired, p)
}
