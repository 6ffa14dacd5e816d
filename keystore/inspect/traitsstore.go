package inspect

import (
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// Traits of key stores that are about which certificate a reader gives to which key, and what it passes over.
const (
	javaPairing        = "java-pairing" // the code of the problem, as the next ones
	nssPairing         = "nss-pairing"
	keyWithoutID       = "key-without-id"
	nestedSafe         = "nested-safe"
	unknownBag         = "unknown-bag"
	unknownCRL         = "unknown-crl"
	unknownCertificate = "unknown-certificate"
	unpairedKey        = "key alone, nowhere its certificate" // not among the trusted ones either
	holdsCRL           = "CRL"
	sameKey            = "one key twice"
)

// storeProblems are those that a decoder tells.
var storeProblems = []string{javaPairing, nssPairing, keyWithoutID, nestedSafe, unknownBag, unknownCRL, unknownCertificate}

// storeTraits collects them.
func storeTraits(s *keystore.Store, sealed bool) []string {
	var has []string
	for _, p := range s.Problems {
		if slices.Contains(storeProblems, p.Code) {
			has = append(has, p.Code)
		}
	}
	if slices.ContainsFunc(s.Others, func(o keystore.Other) bool { return o.Kind == keystore.KindCRL }) {
		has = append(has, holdsCRL)
	}
	if anyOnOwnCurve(s) {
		has = append(has, ownCurve)
	}
	if len(s.Identities) == 0 {
		return has // a trust store may be large
	}
	trusted := map[string]bool{} // public keys
	for _, a := range s.Anchors {
		trusted[a.Certificate.PublicID()] = true
	}
	seen := map[string]bool{}
	for i := range s.Identities {
		id := &s.Identities[i]
		public := id.Key.PublicID()
		if len(id.Chain) == 0 && !sealed && (public == "" || !trusted[public]) {
			has = append(has, unpairedKey)
		}
		if public != "" && seen[public] {
			has = append(has, sameKey)
		}
		seen[public] = true
	}
	return has
}
