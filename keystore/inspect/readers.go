package inspect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// program is something that reads such files, and what is known of how.
type program struct {
	name, version string
	source        string               // where that comes from
	formats       map[string]knowledge // by Options.Format
	otherwise     string               // why it refuses every other format
	byName        map[string]string    // the format it takes a file for by its ending, "" any other; nil: by content
}

// knowledge is what a program makes of the files of one format. A file is refused for the first of its traits that is
// among refuses, or for an algorithm or kind of key that is not among those known; else it is read, with what needs asks for.
type knowledge struct {
	algorithms []string          // what it knows of MACs and encryption; nil: all of it
	keys       []string          // kinds of private keys that it can use; nil: all
	refuses    map[string]string // by trait or kind of key: why
	needs      map[string]string // by trait or algorithm: the option, step or newer version
}

// readers asks every program. Requests and CRLs alone are for other programs than those, and what has nothing in it, or
// could not be read, is for none.
func readers(s *keystore.Store, o Options) []Reader {
	list := make([]Reader, 0, len(programs))
	if o.Format == "" || !isStore(s) {
		return list
	}
	t := traitsOf(s, o)
	for i := range programs {
		p := &programs[i]
		reads, why := p.judge(t, o)
		list = append(list, Reader{p.name, p.version, reads, why, p.source})
	}
	return list
}

// isStore reports whether there is a key or certificate in a file, or may be.
func isStore(s *keystore.Store) bool {
	return len(s.Identities)+len(s.Anchors)+len(s.Loose) > 0 || sealed(s) || onlySecrets(s)
}

// sealed reports whether there may be more in a file than could be seen.
func sealed(s *keystore.Store) bool {
	return slices.ContainsFunc(s.Problems, func(p keystore.Problem) bool { return p.Code == "sealed" })
}

// onlySecrets reports whether a file is a store of symmetric keys.
func onlySecrets(s *keystore.Store) bool {
	secret := func(o keystore.Other) bool { return o.Kind == keystore.KindSecret }
	return len(s.Identities)+len(s.Anchors)+len(s.Loose) == 0 && slices.ContainsFunc(s.Others, secret)
}

// judge says what the program makes of the file, with the reason for all but a plain yes, and for that as well where not all
// of the file could be seen.
func (p *program) judge(t traits, o Options) (Answer, string) {
	k, known := p.formats[o.Format]
	if !known {
		return No, p.otherwise
	}
	if p.name != "Java" && slices.Contains(t.has, secretsOnly) {
		return No, "there are symmetric keys in it alone, and TLS has no use for those"
	}
	if p.byName != nil {
		takenFor := p.byName[ending(o.File)]
		if takenFor == "" {
			takenFor = p.byName[""]
		}
		if takenFor != o.Format {
			return No, fmt.Sprintf("a name that ends in %q is read as %s, and the content is %s", ending(o.File), formatName(takenFor), formatName(o.Format))
		}
	}
	if slices.Contains(t.has, damagedKey) { // some load it, and fail when they use it
		return No, "a private key is damaged"
	}
	if slices.Contains(t.has, wideText) { // all that can be tried refuse it
		return No, "it reads no UTF-16; iconv -f UTF-16 -t UTF-8 helps"
	}
	return k.judge(t)
}

// judge applies the rules of one format.
func (k knowledge) judge(t traits) (Answer, string) {
	for _, trait := range slices.Concat(t.has, t.kinds) {
		if why := k.refuses[trait]; why != "" {
			return No, why
		}
	}
	for _, algorithm := range t.algorithms {
		if k.algorithms != nil && !slices.Contains(k.algorithms, algorithm) {
			return No, "it does not know " + algorithm
		}
	}
	for _, kind := range t.kinds {
		if k.keys != nil && !slices.Contains(k.keys, kind) {
			return No, "it cannot use keys of the kind " + kind
		}
	}
	unseen := ""
	if t.sealed {
		unseen = "as far as can be told without the password"
	}
	for _, name := range slices.Concat(t.algorithms, t.has) {
		if need := k.needs[name]; need != "" {
			return Flag, strings.TrimSuffix(need+"; "+unseen, "; ")
		}
	}
	return Yes, unseen
}
