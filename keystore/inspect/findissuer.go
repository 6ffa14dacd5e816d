package inspect

import (
	"bytes"
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// What a file may cost. Honest ones have a few certificates of one name, and chains of a few; of a file that has more the
// rest counts as signed by whom it names.
const (
	maxNamesakes = 16
	maxChecks    = 1000
)

// bySubject finds certificates by their subject, each once and one more of a name than are tried.
func bySubject(s *keystore.Store) map[string][]keystore.Certificate {
	named := map[string][]keystore.Certificate{}
	add := func(c keystore.Certificate) {
		subject, _ := c.Names()
		same := named[string(subject)]
		if subject != nil && len(same) <= maxNamesakes && !slices.ContainsFunc(same, c.Equal) {
			named[string(subject)] = append(same, c)
		}
	}
	for i := range s.Identities {
		for _, c := range s.Identities[i].Chain {
			add(c)
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			add(a.Certificate)
		}
	}
	return named
}

// kin is what a file has of a certificate's issuer.
type kin struct {
	namesake bool // a certificate of its name
	signer   bool // one whose key signed the certificate
}

// has looks for the issuer of a certificate in the file.
func (f *finder) has(c keystore.Certificate) kin {
	_, issuer := c.Names()
	namesakes := f.named[string(issuer)]
	for i, n := range namesakes {
		if i == maxNamesakes || f.checks == 0 {
			return kin{true, true}
		}
		f.checks--
		if keystore.Issued(n, c) {
			return kin{true, true}
		}
	}
	return kin{namesake: len(namesakes) > 0}
}

// chain judges that of a key.
func (f *finder) chain(id *keystore.Identity) {
	for i := 1; i < len(id.Chain); i++ {
		above, below := id.Chain[i], id.Chain[i-1]
		if keystore.Issued(above, below) {
			continue
		}
		name, _ := above.Names()
		if _, wanted := below.Names(); bytes.Equal(name, wanted) {
			f.impostor(id.Alias, below)
		} else {
			f.add("chain-order", Warning, id.Alias, "Certificate %d of the chain did not sign certificate %d; readers that take the chain as it stands refuse it.", i+1, i)
		}
		return
	}
	last := id.Chain[len(id.Chain)-1]
	if f.issuer(id.Alias, last).namesake || len(id.Chain) > 1 || f.sealed {
		return
	}
	if subject, issuer := last.Names(); issuer != nil && !bytes.Equal(subject, issuer) {
		f.add("missing-intermediate", Warning, id.Alias, "The chain ends with the leaf; whoever does not have the certificate of %s cannot verify it.", keystore.DistinguishedName(issuer))
	}
}

// issuer judges whether the file's own certificate of the issuer's name is the issuer.
func (f *finder) issuer(entry string, c keystore.Certificate) kin {
	subject, issuer := c.Names()
	if issuer == nil || bytes.Equal(subject, issuer) {
		return kin{}
	}
	found := f.has(c)
	if found.namesake && !found.signer && !f.sealed {
		f.impostor(entryName(entry, c), c)
	}
	return found
}

// impostor reports a certificate with the name of another's issuer and another key.
func (f *finder) impostor(entry string, c keystore.Certificate) {
	_, issuer := c.Names()
	f.add("issuer-mismatch", Error, entry, "%s was not signed with the key of the certificate of %s that is here: an authority that was made anew under its name has another key. Nobody can verify the one with the other.",
		subjectOf(c), keystore.DistinguishedName(issuer))
}
