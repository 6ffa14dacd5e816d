package p12file

import (
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// none stands for "no certificate" where an index is expected.
const none = -1

// index finds entries by a key and hands each out once, in the order of the file and in constant time.
type index map[string][]int

func (x index) add(key string, i int) { x[key] = append(x[key], i) }

// take returns the first entry under key that nobody has claimed, and claims it.
func (x index) take(key string, claimed []bool) int {
	list := x[key]
	for len(list) > 0 && claimed[list[0]] {
		list = list[1:]
	}
	x[key] = list
	if len(list) == 0 {
		return none
	}
	claimed[list[0]] = true
	return list[0]
}

// matcher pairs keys with certificates. Its indexes hold what some key may ask for, and nothing else.
type matcher struct {
	certs   []certEntry // those not marked as trusted: Java never takes a trusted one for a key's
	claimed []bool
	report  *report

	byPublic, byPublicID, byPublicName index
	byID, byName                       index          // for keys that can't be compared
	opaqueByID                         index          // only certificates that can't be compared
	firstByPublic, firstByID           map[string]int // claimed or not
}

// assemble makes a store of the keys and certificates of a file: pairs them, builds the chains, and tells
// the certificates that belong to no key apart.
func assemble(keys []keyEntry, certs []certEntry, lim keystore.Limits, r *report) *keystore.Store {
	s := &keystore.Store{Identities: slices.Grow([]keystore.Identity(nil), len(keys))}
	var plain []certEntry
	for _, c := range certs {
		if c.trusted {
			s.Anchors = append(s.Anchors, keystore.Anchor{Alias: c.name, Certificate: c.cert})
		} else {
			plain = append(plain, c)
		}
	}
	publics := make([]string, len(keys))
	for i, k := range keys {
		publics[i] = k.key.PublicID()
	}
	m := newMatcher(plain, keys, publics, r)
	leaves := m.pair(keys, publics)
	chains := newChains(plain, lim, r)
	for i, k := range keys {
		id := keystore.Identity{Alias: k.name, Created: dateOf(k.id), Key: k.key, Locked: k.locked}
		if leaf := leaves[i]; leaf != none {
			if id.Alias == "" {
				id.Alias = plain[leaf].name
			}
			id.Chain = chains.from(leaf)
		}
		s.Identities = append(s.Identities, id)
	}
	if chains.exhausted() {
		r.add("warning", "long-chain", "", "all chains together are far larger than the file, and the last of them were cut")
	}
	for i, c := range plain {
		if !chains.used(i) {
			s.Loose = append(s.Loose, keystore.Anchor{Alias: c.name, Certificate: c.cert})
		}
	}
	return s
}

// newMatcher indexes certificates for keys, whose public halves are given, "" where one can't be told.
func newMatcher(certs []certEntry, keys []keyEntry, publics []string, r *report) *matcher {
	m := &matcher{
		certs: certs, claimed: make([]bool, len(certs)), report: r,
		byPublic: index{}, byPublicID: index{}, byPublicName: index{},
		byID: index{}, byName: index{}, opaqueByID: index{},
		firstByPublic: map[string]int{}, firstByID: map[string]int{},
	}
	if len(keys) == 0 {
		return m
	}
	wanted, marks := map[string]bool{}, map[string]bool{}
	for i, k := range keys {
		wanted[publics[i]] = true
		marks[k.id] = true
	}
	for i, c := range certs {
		public := c.cert.PublicID()
		if public != "" && wanted[public] {
			m.byPublic.add(public, i)
			m.byPublicID.add(public+c.id, i)
			m.byPublicName.add(public+strings.ToLower(c.name), i)
			remember(m.firstByPublic, public, i)
		}
		if c.id != "" && marks[c.id] {
			m.byID.add(c.id, i)
			if public == "" {
				m.opaqueByID.add(c.id, i)
			}
			remember(m.firstByID, c.id, i)
		}
		if c.name != "" && wanted[""] { // a key without a public half goes by its name
			m.byName.add(strings.ToLower(c.name), i)
		}
	}
	return m
}

func remember(first map[string]int, key string, i int) {
	if _, ok := first[key]; !ok {
		first[key] = i
	}
}

// pair returns the index of each key's certificate, or none. Keys whose public half is known choose first.
func (m *matcher) pair(keys []keyEntry, publics []string) []int {
	leaves := make([]int, len(keys))
	for i, k := range keys {
		leaves[i] = none
		if publics[i] != "" {
			leaves[i] = m.byKey(k, publics[i])
		}
	}
	for i, k := range keys {
		if publics[i] == "" {
			leaves[i] = m.byMark(k)
		}
	}
	return leaves
}

// byKey finds the certificate with a key's public half; among several the one with the same id, then the same name.
func (m *matcher) byKey(k keyEntry, public string) int {
	leaf := none
	if k.id != "" {
		leaf = m.byPublicID.take(public+k.id, m.claimed)
	}
	if leaf == none && k.name != "" {
		leaf = m.byPublicName.take(public+strings.ToLower(k.name), m.claimed)
	}
	if leaf == none {
		leaf = m.byPublic.take(public, m.claimed)
	}
	if leaf == none {
		if shared, ok := m.firstByPublic[public]; ok {
			leaf = shared // the same key twice, with one certificate for both
		} else if k.id != "" {
			leaf = m.opaqueByID.take(k.id, m.claimed)
		}
	}
	m.judge(k, leaf)
	return leaf
}

// judge reports where ids and names say something else than the public keys do. A certificate with the key's id and the
// same public key is no contradiction: it may have been renewed.
func (m *matcher) judge(k keyEntry, leaf int) {
	marked, ok := m.firstByID[k.id]
	if leaf == none {
		if ok {
			m.report.add("error", "key-leaf-mismatch", k.name,
				"the certificate that the file pairs with the key has another public key; the key is without a certificate")
		}
		return
	}
	other := m.certs[leaf]
	if k.id != other.id && (ok && m.certs[marked].cert.PublicID() != other.cert.PublicID() || !ok && other.id != "") {
		m.report.add("warning", "key-leaf-mismatch", k.name,
			"by its localKeyID the key has no certificate or a wrong one; it was paired by its public key")
	}
	if k.name != "" && other.name != "" && !strings.EqualFold(k.name, other.name) {
		m.report.add("notice", "certificate-name", k.name, "the certificate of the key is named %q", other.name)
	}
}

// byMark finds the certificate of a key that is locked or of an algorithm that Go does not know.
func (m *matcher) byMark(k keyEntry) int {
	leaf := none
	if k.id != "" {
		leaf = m.byID.take(k.id, m.claimed)
	}
	if leaf == none && k.name != "" {
		leaf = m.byName.take(strings.ToLower(k.name), m.claimed)
	}
	return leaf
}
