package convert

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Layout is how [Plan.Split] writes its files.
type Layout struct {
	Target   keystore.Codec                // of each file
	Key      string                        // the ending of keys: ".key"
	Cert     string                        // the ending of certificates: ".crt"
	OneEach  bool                          // a file holds one object, as in DER
	FileName func(alias string) string     // how an alias is spelled in a file's name
	Other    map[keystore.OtherKind]string // the endings of everything else
}

// Split builds the plan as separate files instead of one. For every key these are NAME.key, NAME.crt (the leaf) and
// NAME-chain.crt (leaf and intermediates: what a TLS server sends), and for all of them NAME-ca.crt, which holds the
// trusted certificates, the roots that ended a chain, and whatever other certificates there are; but what better ones have
// replaced, which nobody should trust by mistake, is in NAME-old.crt. Then comes what else there is. base is NAME; with several keys it is followed by the key's alias, and that by a number where two have one. Where a
// file holds one object, NAME-chain-1.crt and so on are the intermediates, and several others are numbered likewise.
//
// The plan's own target must be a format that loses nothing, such as PEM; each file is proven as [Plan.Build] does.
// Paths are relative to the caller's folder.
func (p *Plan) Split(base string, layout Layout) ([]keystore.Artifact, error) {
	s := &splitter{plan: p, layout: layout, stems: map[string]bool{strings.ToLower(base + "-ca"): true, strings.ToLower(base + "-old"): true}}
	var cas, old []keystore.Certificate
	for i := range p.store.Identities {
		id := &p.store.Identities[i]
		name := base
		if len(p.store.Identities) > 1 {
			part := id.Alias
			if part == "" {
				part = fmt.Sprint(i + 1)
			}
			name = s.stem(name + "-" + layout.FileName(part))
		}
		s.add(name+layout.Key, "private key", true, &keystore.Store{Identities: []keystore.Identity{{Key: id.Key}}})
		leaf, chain, root := splitChain(id.Chain)
		s.certificates(name, "certificate", leaf)
		switch {
		case layout.OneEach && len(chain) > 1:
			s.numbered(name+"-chain", "intermediate certificate", chain[1:])
		case !layout.OneEach:
			s.certificates(name+"-chain", "certificate and intermediates", chain)
		}
		cas = append(cas, root...)
	}
	for i := range p.store.Anchors {
		cas = append(cas, p.store.Anchors[i].Certificate)
	}
	for i := range p.store.Loose {
		if c := p.store.Loose[i].Certificate; p.replaced[string(c.Raw)] {
			old = append(old, c)
		} else {
			cas = append(cas, c)
		}
	}
	s.certificates(base+"-ca", "trusted certificates", distinct(cas))
	s.certificates(base+"-old", "certificates that were replaced", old)
	s.others(base)
	if s.err != nil {
		return nil, s.err
	}
	return s.files, distinctPaths(s.files)
}

// splitter collects files; the first error stays.
type splitter struct {
	plan   *Plan
	layout Layout
	stems  map[string]bool // how the names of files begin that are taken, in lower case
	files  []keystore.Artifact
	err    error
}

// stem returns how the names of a key's files begin: as asked for, or with a number behind it where another key's do. Case
// does not count, as on Windows and macOS.
func (s *splitter) stem(wanted string) string {
	name := wanted
	for n := 2; s.stems[strings.ToLower(name)] || s.stems[strings.ToLower(name+"-chain")]; n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	s.stems[strings.ToLower(name)], s.stems[strings.ToLower(name+"-chain")] = true, true
	return name
}

// add builds one file. Its losses are those of the whole plan, which were judged already.
func (s *splitter) add(path, note string, secret bool, part *keystore.Store) {
	if s.err != nil {
		return
	}
	opts := s.plan.recipe.Options
	fitted, _, err := s.layout.Target.Fit(part, opts)
	var data []byte
	if err == nil {
		data, err = keystore.Build(s.layout.Target, fitted, opts)
	}
	if err != nil {
		s.err = fmt.Errorf("making %q: %w", path, err)
		return
	}
	file := keystore.Artifact{Path: path, Mode: 0o644, Data: data, Secret: secret, Note: note}
	if secret {
		file.Mode = 0o600
	}
	s.files = append(s.files, file)
}

// certificates adds a file of certificates, if there are any; they go without names, which some readers of PEM trip over.
func (s *splitter) certificates(name, note string, list []keystore.Certificate) {
	switch {
	case len(list) == 0:
	case s.layout.OneEach && len(list) > 1:
		s.numbered(name, note, list)
	default:
		s.add(name+s.layout.Cert, note, false, unnamed(list))
	}
}

// numbered adds a file for each certificate.
func (s *splitter) numbered(name, note string, list []keystore.Certificate) {
	for i := range list {
		s.add(fmt.Sprintf("%s-%d%s", name, i+1, s.layout.Cert), note, false, unnamed(list[i:i+1]))
	}
}

// others adds the requests, CRLs and public keys: a file for each kind or, where that holds one object, for each.
func (s *splitter) others(base string) {
	kinds := map[keystore.OtherKind][]keystore.Other{}
	var order []keystore.OtherKind
	for _, o := range s.plan.store.Others {
		if kinds[o.Kind] == nil {
			order = append(order, o.Kind)
		}
		o.Alias = ""
		kinds[o.Kind] = append(kinds[o.Kind], o)
	}
	for _, kind := range order {
		list, ending := kinds[kind], s.layout.Other[kind]
		if !s.layout.OneEach || len(list) == 1 {
			s.add(base+ending, string(kind), false, &keystore.Store{Others: list})
			continue
		}
		for i := range list {
			s.add(fmt.Sprintf("%s-%d%s", base, i+1, ending), string(kind), false, &keystore.Store{Others: list[i : i+1]})
		}
	}
}

// splitChain returns the leaf alone, what a server sends (everything but a root), and the root that ends the chain.
// A certificate that is its own issuer and the key's own is the leaf, and no root.
func splitChain(chain []keystore.Certificate) (leaf, sent, root []keystore.Certificate) {
	if len(chain) == 0 {
		return nil, nil, nil
	}
	last := chain[len(chain)-1]
	if len(chain) > 1 && last.X509 != nil && keystore.SelfIssued(last.X509) {
		return chain[:1], chain[:len(chain)-1], chain[len(chain)-1:]
	}
	return chain[:1], chain, nil
}

// unnamed is a store of certificates in their order.
func unnamed(list []keystore.Certificate) *keystore.Store {
	s := &keystore.Store{}
	for _, c := range list {
		s.Anchors = append(s.Anchors, keystore.Anchor{Certificate: c})
	}
	return s
}

// distinct keeps the first of equal certificates.
func distinct(list []keystore.Certificate) []keystore.Certificate {
	var kept []keystore.Certificate
	seen := map[string]bool{}
	for _, c := range list {
		kept = appendNew(kept, c, string(c.Raw), seen)
	}
	return kept
}

// distinctPaths fails when two files would have the same name where case does not count, as on Windows and macOS.
func distinctPaths(files []keystore.Artifact) error {
	seen := map[string]bool{}
	for _, f := range files {
		if lower := strings.ToLower(f.Path); seen[lower] {
			return fmt.Errorf("splitting: %w: two entries would be written to %q; rename one", ErrAmbiguous, f.Path)
		}
		seen[strings.ToLower(f.Path)] = true
	}
	return nil
}
