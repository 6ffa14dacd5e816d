package keystore

import (
	"maps"
	"slices"
)

// Passwords are those that a decoder may try, in the order that opens most at the least cost. It is not for use by several
// goroutines at once.
type Passwords struct {
	store, keys Secret
	own         map[string]Secret // by alias
	folded      map[string]Secret // by alias as Java compares them
	single      []Secret          // the same, in the order of the aliases
	fitted      Secret            // what opened the last key; nil: nothing yet
}

// NewPasswords returns the passwords of the options.
func NewPasswords(o DecodeOptions) *Passwords {
	p := &Passwords{store: o.Password, keys: o.KeyPassword, own: o.KeyPasswords, folded: make(map[string]Secret, len(o.KeyPasswords))}
	for alias, password := range o.KeyPasswords {
		p.folded[FoldAlias(alias)] = password
	}
	for _, alias := range slices.Sorted(maps.Keys(o.KeyPasswords)) {
		p.single = append(p.single, o.KeyPasswords[alias])
	}
	return p
}

// OfStore returns what to try on the whole of a file: the store's password, then that of keys, which covers files whose MAC
// and contents have different ones.
func (p *Passwords) OfStore() []Secret { return given(p.store, p.keys) }

// OfKey returns what to try on the key of an alias, each once: its own, in whatever case it was named; what opened the last
// key, since deriving a key in vain takes as long as deriving the right one; the store's; that of keys; and on a key without
// an alias those of single keys, which it may have got a name for from its certificate.
func (p *Passwords) OfKey(alias string) []Secret {
	if alias == "" {
		return given(append([]Secret{p.fitted, p.store, p.keys}, p.single...)...)
	}
	return given(p.own[alias], p.folded[FoldAlias(alias)], p.fitted, p.store, p.keys)
}

// Fits notes that a password has opened a key.
func (p *Passwords) Fits(password Secret) { p.fitted = password }

// Count returns how many different ones there are: under so many a key may have to be tried.
func (p *Passwords) Count() int { return len(p.OfKey("")) }

// given returns those of a list that there are, each once.
func given(list ...Secret) []Secret {
	different := make([]Secret, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, password := range list {
		if password.Given() && !seen[string(password)] {
			seen[string(password)] = true
			different = append(different, password)
		}
	}
	return different
}
