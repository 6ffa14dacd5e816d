package convert

import (
	"fmt"
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// work is a store being shaped, and what has changed about it so far.
type work struct {
	store  keystore.Store
	lost   []Note
	paired []Pairing
	notes  []Note

	mismatches []Note // keys without a certificate of their own, where there should be one

	judged   map[string]bool         // by what the entry is called: keys whose file had another's certificate
	locked   map[string]*LockedError // by the alias and leaf of the identity: which keys could not be decrypted
	distinct keystore.Distinct       // numbers of certificates
	replaced map[int]bool            // by number: certificates in whose place their keys have got better ones
	sameKey  map[string][]int        // the identities by their PKCS#8 bytes
}

// noted records something harmless.
func (w *work) noted(entry, format string, args ...any) {
	w.notes = append(w.notes, Note{entry, fmt.Sprintf(format, args...)})
}

// combine merges the sources into one store, in their order. What is the same in two of them is kept once. The
// sources' own stores stay as they are.
func combine(sources []Source) *work {
	w := &work{judged: map[string]bool{}, locked: map[string]*LockedError{}, replaced: map[int]bool{}, sameKey: map[string][]int{}}
	type named struct {
		alias string
		cert  int
	}
	anchors, seenLoose, seenOther := map[named]int{}, map[int]bool{}, map[string]bool{}
	for _, source := range sources {
		for _, id := range source.Store.Identities {
			if id.Key == nil {
				w.locked[lockKey(&id)] = &LockedError{Source: source.Name, Entry: id.Label(), Alias: id.Alias, Err: lockedBy(&id)}
			}
			w.addIdentity(id)
		}
		for _, a := range source.Store.Anchors {
			is := named{a.Alias, w.number(a.Certificate)}
			if at, known := anchors[is]; known { // one file that calls it trusted is enough
				w.store.Anchors[at].Assumed = w.store.Anchors[at].Assumed && a.Assumed
				continue
			}
			anchors[is] = len(w.store.Anchors)
			w.store.Anchors = append(w.store.Anchors, a)
		}
		for _, a := range source.Store.Loose {
			w.store.Loose = appendNew(w.store.Loose, a, w.number(a.Certificate), seenLoose)
		}
		for _, o := range source.Store.Others {
			key := string(o.Kind) + "\x00" + string(o.Raw)
			if o.Raw == nil { // a secret key, whose bytes were not kept: no two are known to be the same
				key = fmt.Sprint(len(w.store.Others))
			}
			w.store.Others = appendNew(w.store.Others, o, key, seenOther)
		}
	}
	return w
}

// number tells a certificate by its content.
func (w *work) number(c keystore.Certificate) int {
	n, _ := w.distinct.Number(c)
	return n
}

// appendNew appends v unless key was seen before.
func appendNew[T any, K comparable](list []T, v T, key K, seen map[K]bool) []T {
	if seen[key] {
		return list
	}
	seen[key] = true
	return append(list, v)
}

// addIdentity adds a key. A key that is there already, from another file, is kept once, and with an alias if one of the
// two has one; see [work.mergeChain] for its certificates. Under two aliases it is two entries.
func (w *work) addIdentity(id keystore.Identity) {
	if id.Key != nil {
		key := string(id.Key.PKCS8)
		for _, i := range w.sameKey[key] {
			have := &w.store.Identities[i]
			if have.Alias != "" && id.Alias != "" && have.Alias != id.Alias {
				continue
			}
			if have.Alias == "" {
				have.Alias, have.Created = id.Alias, id.Created
			}
			w.noted(have.Label(), "the same key was given twice")
			w.mergeChain(have, id)
			return
		}
		w.sameKey[key] = append(w.sameKey[key], len(w.store.Identities))
	}
	w.store.Identities = append(w.store.Identities, id)
}

// mergeChain sees to the certificates of a key that came twice. The longer chain of one and the same stays; of two, the
// other is set aside, where [work.pair] finds it if it is the better one.
func (w *work) mergeChain(have *keystore.Identity, other keystore.Identity) {
	mine, others := have.Leaf(), other.Leaf()
	switch {
	case others == nil:
		return
	case mine == nil:
		have.Chain = other.Chain
		return
	case !mine.Equal(*others):
		w.noted(have.Label(), "it came with two certificates; it has the better one")
		own, _ := have.Key.Matches(*others)
		w.setAside(other.Chain, own)
		return
	case len(other.Chain) > len(have.Chain):
		have.Chain, other.Chain = other.Chain, have.Chain
	}
	w.setAside(other.Chain, false)
}

// lockKey identifies a locked identity: it has no key to be known by.
func lockKey(id *keystore.Identity) string {
	if leaf := id.Leaf(); leaf != nil {
		return id.Alias + "\x00" + string(leaf.Raw)
	}
	return id.Alias
}

// lockedBy is why an identity has no key.
func lockedBy(id *keystore.Identity) error {
	if id.Locked != nil {
		return id.Locked
	}
	return keystore.ErrPassword
}

// unusableKey returns the error of the first key that could not be decrypted or is damaged, of those that are still in the
// store.
func (w *work) unusableKey() error {
	for i := range w.store.Identities {
		id := &w.store.Identities[i]
		if id.Key != nil {
			if why := id.Key.Damage(); why != "" {
				return fmt.Errorf("entry %q: the private key is damaged: %s: %w", id.Label(), why, keystore.ErrFormat)
			}
			continue
		}
		if locked := w.locked[lockKey(id)]; locked != nil {
			return locked
		}
		return &LockedError{Entry: id.Label(), Alias: id.Alias, Err: lockedBy(id)}
	}
	return nil
}

// dropUsed removes the loose certificates that are in a chain or trusted: they are kept there. A certificate in a
// chain is no longer trusted either when all that said so is that its file had no key: server.crt beside server.key.
func (w *work) dropUsed() {
	used := map[int]bool{}
	for i := range w.store.Identities {
		for _, c := range w.store.Identities[i].Chain {
			used[w.number(c)] = true
		}
	}
	if len(used) > 0 {
		w.store.Anchors = slices.DeleteFunc(w.store.Anchors, func(a keystore.Anchor) bool {
			return a.Assumed && used[w.number(a.Certificate)]
		})
	}
	if len(w.store.Loose) == 0 {
		return
	}
	for _, a := range w.store.Anchors {
		used[w.number(a.Certificate)] = true
	}
	w.store.Loose = slices.DeleteFunc(w.store.Loose, func(a keystore.Anchor) bool {
		cert := w.number(a.Certificate)
		again := used[cert]
		used[cert] = true
		return again
	})
}

// promote makes trusted entries of the certificates of sources without keys, where the target tells trusted ones from
// others: a store of certificates alone is a trust store, and most readers see nothing else in it. It does so only
// between formats; what stays in its own format keeps its own marks.
func (w *work) promote(sources []Source, target keystore.Codec, opts keystore.EncodeOptions) {
	if len(w.store.Identities) > 0 || len(w.store.Loose) == 0 {
		return
	}
	for i := range sources {
		if sources[i].Format == target.Name() {
			return
		}
	}
	promoted := append(w.store.Anchors[:len(w.store.Anchors):len(w.store.Anchors)], w.store.Loose...)
	fitted, _, err := target.Fit(&keystore.Store{Anchors: promoted}, opts)
	if err != nil || len(fitted.Anchors) != len(promoted) {
		return // the format has no trusted entries
	}
	for _, a := range w.store.Loose {
		w.noted(a.Label(), "becomes a trusted entry, as in every %s store of certificates alone", target.Name())
	}
	w.store.Anchors, w.store.Loose = promoted, nil
}
