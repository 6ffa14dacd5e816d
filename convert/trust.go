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
		certificates := trustable(file.Store)
		if len(certificates) == 0 {
			return fmt.Errorf("trusting the certificates of %q: %w", file.Name, ErrNothingToTrust)
		}
		for i, a := range certificates {
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

// trustable lists the certificates of a file that is to be trusted: those marked as trusted and those with no mark.
// Of a file with a key, such as the combined PEM of a self-signed server, it is the leaf, as keytool's export has it.
func trustable(s *keystore.Store) []keystore.Anchor {
	list := append(s.Anchors[:len(s.Anchors):len(s.Anchors)], s.Loose...)
	if len(list) > 0 {
		return list
	}
	for i := range s.Identities {
		if leaf := s.Identities[i].Leaf(); leaf != nil {
			list = append(list, keystore.Anchor{Alias: s.Identities[i].Alias, Certificate: *leaf})
		}
	}
	return list
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
