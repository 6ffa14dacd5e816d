package pemfile

import (
	"bytes"
	"sort"

	"github.com/mqttpki/mqttpki/keystore"
)

// assemble works out which entry belongs to which, whatever order they are in:
//
//   - a key's leaf is the certificate with its public key: the first one behind the key and before the next one, else
//     the first one anywhere;
//   - of a key that is locked, or does not carry its public half, the leaf can only be guessed: see guess;
//   - a leaf's chain is its issuers, as far as the file has them;
//   - what then is in no chain is trusted where the file has no key, and just there where it has one.
//
// A certificate whose comment says what it is takes no part in the first three.
func assemble(items []item, limits keystore.Limits) *keystore.Store {
	a := &assembler{store: &keystore.Store{Integrity: keystore.IntegrityAbsent}, limits: limits, items: items}
	a.collect()
	for n := range a.keys {
		a.identity(n)
	}
	a.reportPairs()
	a.reportOrder()
	if a.pool != nil && a.pool.Exhausted() {
		a.problem("long-chain", "warning", "", "All chains together are far larger than the file, and the last of them were cut.")
	}
	for i := range items {
		a.rest(&items[i], i)
	}
	return a.store
}

// assembler is one run of assemble.
type assembler struct {
	store  *keystore.Store
	limits keystore.Limits
	items  []item
	keys   []int       // the items that are keys
	free   []int       // the items that are certificates without a mark
	freeAt map[int]int // indexes into free, by item
	pool   *keystore.Pool
	byKey  map[string][]int // indexes into free, by public key, ascending
	byID   map[string]int   // the first index into free, by localKeyID

	issuers []int // of the first key's leaf: indexes into free, nearest first
}

// collect sorts the items.
func (a *assembler) collect() {
	a.freeAt, a.byKey, a.byID = map[int]int{}, map[string][]int{}, map[string]int{}
	var certificates []keystore.Certificate
	for i := range a.items {
		it := &a.items[i]
		switch {
		case it.isKey:
			a.keys = append(a.keys, i)
		case it.certificate != nil && !it.marked():
			if _, known := a.byID[it.keyID]; !known && it.keyID != "" {
				a.byID[it.keyID] = len(a.free)
			}
			a.freeAt[i] = len(a.free)
			a.free = append(a.free, i)
			certificates = append(certificates, *it.certificate)
		}
	}
	if len(a.keys) == 0 {
		return
	}
	a.pool = keystore.NewPool(certificates)
	for i, c := range certificates {
		if id := c.PublicID(); id != "" {
			a.byKey[id] = append(a.byKey[id], i)
		}
	}
}

// identity makes an identity of the key that is the nth of the file.
func (a *assembler) identity(n int) {
	at := a.keys[n]
	it := &a.items[at]
	end := len(a.items)
	if n+1 < len(a.keys) {
		end = a.keys[n+1]
	}
	identity := keystore.Identity{Alias: it.alias, Key: it.key, Locked: it.locked}
	if leaf := a.leaf(it, at, end); leaf >= 0 && a.pool.Begin(leaf) {
		certificate := &a.items[a.free[leaf]]
		if identity.Alias == "" {
			identity.Alias = certificate.alias
		}
		issuers := a.pool.Chain(leaf, a.limits.Chain-1)
		if n == 0 {
			a.issuers = issuers
		}
		for _, i := range append([]int{leaf}, issuers...) {
			identity.Chain = append(identity.Chain, *a.items[a.free[i]].certificate)
		}
	}
	a.store.Identities = append(a.store.Identities, identity)
}

// leaf returns the index in free of the certificate of the key that is item at; the next key is item end. It returns
// -1 when there is none.
func (a *assembler) leaf(it *item, at, end int) int {
	id := it.key.PublicID()
	if id == "" {
		return a.guess(it, at, end)
	}
	candidates := a.byKey[id]
	if len(candidates) == 0 {
		return -1
	}
	behind := sort.Search(len(candidates), func(i int) bool { return a.free[candidates[i]] > at })
	if behind < len(candidates) && a.free[candidates[behind]] < end {
		return candidates[behind]
	}
	return candidates[0]
}

// guess looks for the leaf of a key whose public key is not known: a certificate with the same localKeyID, else the
// first one that directly follows the key, else, where the key is the only one, the first that issued no other.
func (a *assembler) guess(it *item, at, end int) int {
	if i, ok := a.byID[it.keyID]; ok {
		return i
	}
	if i, ok := a.freeAt[at+1]; ok && at+1 < end && a.plausible(it, i) {
		return i
	}
	if len(a.keys) > 1 {
		return -1
	}
	issuers := map[string]bool{}
	for _, c := range a.free {
		if subject, issuer := a.items[c].certificate.Names(); !bytes.Equal(subject, issuer) {
			issuers[string(issuer)] = true
		}
	}
	for i, c := range a.free {
		if subject, _ := a.items[c].certificate.Names(); !issuers[string(subject)] && a.plausible(it, i) {
			return i
		}
	}
	return -1
}

// plausible reports whether the certificate could be the key's: it could not where it is for another algorithm.
func (a *assembler) plausible(it *item, i int) bool {
	matches, known := it.key.Matches(*a.items[a.free[i]].certificate)
	return matches || !known
}

// rest puts an item that is in no identity where it belongs.
func (a *assembler) rest(it *item, at int) {
	anchor := keystore.Anchor{Alias: it.alias}
	switch {
	case it.isKey:
	case it.certificate == nil:
		other := keystore.Other{Alias: it.alias, Kind: it.other, Raw: it.otherRaw}
		a.store.Others = append(a.store.Others, other)
	case it.word == wordTrusted, it.word != wordCertificate && len(a.keys) == 0:
		anchor.Certificate, anchor.Assumed = *it.certificate, it.word != wordTrusted
		a.store.Anchors = append(a.store.Anchors, anchor)
	case it.word == wordCertificate, !a.pool.Chained(a.freeAt[at]):
		anchor.Certificate = *it.certificate
		a.store.Loose = append(a.store.Loose, anchor)
	}
}

// problem adds to the list of what is odd about the file.
func (a *assembler) problem(code, severity, entry, text string) {
	a.store.Problems = append(a.store.Problems, keystore.Problem{Code: code, Severity: severity, Entry: entry, Text: text})
}
