package convert

import (
	"fmt"
	"path"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// trust adds the certificates of the recipe's trust files as trusted entries, behind those that are there.
func (w *work) trust(files []Trust) error {
	if len(files) == 0 {
		return nil
	}
	have := map[string]string{}
	for i := range w.store.Anchors {
		a := &w.store.Anchors[i]
		have[string(a.Certificate.Raw)] = a.Label()
	}
	for _, file := range files {
		certificates, left := trustable(file.Store)
		if len(certificates) == 0 {
			return fmt.Errorf("trusting the certificates of %q: %w", file.Name, ErrNothingToTrust)
		}
		if left > 0 {
			w.noted(file.Name, "it marks what is trusted; the other certificates of its keys, %d, were not added", left)
		}
		for i, a := range certificates {
			a.Assumed = false
			a.Alias = trustAlias(file, a.Alias, i, len(certificates))
			if name, ok := have[string(a.Certificate.Raw)]; ok {
				w.noted(name, "is trusted already; %q was not added again", a.Alias)
				continue
			}
			have[string(a.Certificate.Raw)] = a.Alias
			w.store.Anchors = append(w.store.Anchors, a)
			w.noted(a.Alias, "added as a trusted entry")
		}
	}
	w.dropUsed()
	return nil
}

// trustable lists the certificates of a file that is to be trusted, and how many it leaves out. A file that marks some as
// trusted says by that which are: those, and what belongs to no key. Of any other file it is every certificate, the chains
// of its keys too, each with the leaf first: of a self-signed server's PEM that leaf is what keytool would export.
func trustable(s *keystore.Store) (list []keystore.Anchor, left int) {
	list = append(s.Anchors[:len(s.Anchors):len(s.Anchors)], s.Loose...)
	seen := map[string]bool{}
	for i := range list {
		seen[string(list[i].Certificate.Raw)] = true
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		for at, c := range id.Chain {
			if seen[string(c.Raw)] {
				continue
			}
			seen[string(c.Raw)] = true
			a := keystore.Anchor{Certificate: c}
			if at == 0 {
				a.Alias = id.Alias
			}
			if len(s.Anchors) > 0 {
				left++
				continue
			}
			list = append(list, a)
		}
	}
	return list, left
}

// trustAlias names the i-th of n trusted certificates of a file: as asked for, as it is called there, or as the file.
func trustAlias(file Trust, own string, i, n int) string {
	base := file.Alias
	if base == "" && own != "" {
		return own
	}
	if base == "" {
		base = path.Base(strings.ReplaceAll(file.Name, `\`, "/"))
		base = strings.TrimSuffix(base, path.Ext(base))
	}
	if base == "" {
		base = "trusted"
	}
	if n == 1 || i == 0 && file.Alias != "" {
		return base
	}
	return fmt.Sprintf("%s-%d", base, i+1)
}
