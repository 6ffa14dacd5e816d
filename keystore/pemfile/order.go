package pemfile

import (
	"fmt"
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// Here is reported what others make of a file whose entries assemble has found together: programs that are given one file
// for a key and its chain take the first key, the first certificate for the key's own, and all further ones as they stand.

// reportOrder reports that the first certificate of the file is not the first key's, though the file has that; or that the
// issuers behind it do not stand in order. Certificates between them do no harm: who verifies a chain passes them over.
func (a *assembler) reportOrder() {
	if len(a.keys) == 0 {
		return
	}
	id := &a.store.Identities[0]
	leaf := id.Leaf()
	if leaf == nil {
		return // what reportPairs is for
	}
	first := slices.IndexFunc(a.items, func(it item) bool { return it.certificate != nil && !it.bundled })
	if first < 0 {
		a.problem("leaf-in-bundle", "error", id.Alias, "The certificate of the private key is in a PKCS#7 block, where programs that look for a certificate do not see it.")
		return
	}
	c := a.items[first].certificate
	if matches, _ := id.Key.Matches(*c); !matches && !c.Equal(*leaf) {
		a.problem("leaf-not-first", "error", id.Alias, "The first certificate of the file is not the first private key's; programs that take the first one, as Mosquitto does, refuse the file.")
	} else if !slices.IsSorted(a.issuers) {
		a.problem("chain-order", "warning", id.Alias, "The certificates do not stand in the order leaf, issuer, issuer's issuer, and most programs send them as they stand.")
	}
}

// reportPairs reports the keys that have no certificate in a file that has certificates. Where one of those is nobody's,
// the two were meant to go together: a key that was made again, or a file that was taken from another place.
func (a *assembler) reportPairs() {
	if len(a.keys) == 0 {
		return
	}
	strangers, paired := a.strangers()
	mismatch := "No certificate of the file is for the private key."
	if len(strangers) > 0 { // once for all keys, since names may be long
		mismatch = fmt.Sprintf("No certificate of the file is for the private key; that of %s is for another one.", strangers[0].Label())
	}
	for n, at := range a.keys {
		id := &a.store.Identities[n]
		switch {
		case len(a.free) == 0 || id.Leaf() != nil || a.items[at].key == nil || a.items[at].key.Damage() != "": // which has been told
		case len(strangers) > 0, !paired:
			a.problem("key-leaf-mismatch", "error", id.Alias, mismatch)
		default:
			a.problem("key-without-certificate", "warning", id.Alias, "No certificate of the file is for the key.")
		}
	}
}

// strangers returns the certificates that are in no key's chain and are no authority's, and whether any key has a
// certificate.
func (a *assembler) strangers() (list []*keystore.Certificate, paired bool) {
	for i := range a.store.Identities {
		paired = paired || a.store.Identities[i].Leaf() != nil
	}
	for at, i := range a.free {
		c := a.items[i].certificate
		if authority := c.X509 != nil && c.X509.BasicConstraintsValid && c.X509.IsCA; !authority && !a.pool.Chained(at) {
			list = append(list, c)
		}
	}
	return list, paired
}
