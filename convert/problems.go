package convert

import (
	"sync"

	"github.com/mqttpki/mqttpki/keystore"
)

// What the decoders found odd about the sources is a part of the plan: whoever converts a file does not look at it first.

// missed are the codes of problems that mean that something in the file has no place in [keystore.Store]: it is lost. What
// OpenSSL trusts a certificate for is such a thing, and without it the certificate is trusted for more.
var missed = map[string]bool{"unknown-bag": true, "unknown-certificate": true, "unknown-crl": true, "unknown-block": true, "trust-settings": true}

// untold are those that need not be said: the plan shows by itself what becomes of it.
var untold = map[string]bool{
	"duplicate-alias": true, "mixed-case-alias": true, "key-without-certificate": true, "sealed": true,
	"java-pairing": true, "nss-pairing": true, "key-without-id": true,
	"blank-lines": true, "block-headers": true, "byte-order-mark": true, "cr-line-ends": true, "trailing-blanks": true,
	"trusted-label": true, "no-entries": true,
}

// mismatch is the code of a key that the file pairs with another key's certificate, or with none.
const mismatch = "key-leaf-mismatch"

// noteSources says what was odd about the files themselves. With a selection, what has no place in a store was not asked
// for.
func (w *work) noteSources(sources []Source, r Recipe) {
	left := sync.OnceValue(func() map[string]bool { // of most files there is nothing to say
		names := map[string]bool{"": true}
		for _, e := range entriesOf(&w.store) {
			names[e.Name] = true
		}
		return names
	})
	for _, s := range sources {
		if s.Store.Integrity == keystore.IntegrityUnchecked {
			w.noted(s.Name, "read without its password: its integrity was not checked")
		}
		for _, p := range s.Store.Problems {
			entry := p.Entry
			if entry == "" {
				entry = s.Name
			}
			switch {
			case untold[p.Code], missed[p.Code] && len(r.Only) > 0, !left()[p.Entry]:
			case missed[p.Code]:
				w.lost = append(w.lost, Note{entry, p.Text})
			case p.Code == mismatch && w.judged[entry]: // by pair, which knows more
			case p.Code == mismatch && p.Severity == "warning": // the decoder has put it right
				w.paired = append(w.paired, Pairing{Entry: entry, Certificate: w.leafOf(entry), Why: p.Text})
			default:
				w.noted(entry, "%s", p.Text)
			}
		}
	}
}

// leafOf names the certificate of the key that is called so.
func (w *work) leafOf(entry string) string {
	for i := range w.store.Identities {
		if id := &w.store.Identities[i]; id.Alias == entry && id.Leaf() != nil {
			return id.Leaf().Label()
		}
	}
	return ""
}
