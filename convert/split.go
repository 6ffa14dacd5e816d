package convert

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Split builds the plan as separate files instead of one: for every key NAME.key, NAME.crt (the leaf) and
// NAME-chain.crt (leaf and intermediates: what a TLS server sends), and NAME-ca.crt, which holds the trusted
// certificates, the roots that ended a chain, and whatever other certificates there are. base is NAME; with several
// keys it is followed by the key's alias as fileName spells it. The plan's target must be a format of plain sequences,
// such as PEM; each file is read back as [Plan.Build] does. Paths are relative to the caller's folder.
func (p *Plan) Split(base string, fileName func(alias string) string) ([]keystore.Artifact, error) {
	var files []keystore.Artifact
	var cas []keystore.Certificate
	add := func(path, note string, secret bool, s *keystore.Store) error {
		data, err := p.buildPart(s)
		if err != nil {
			return fmt.Errorf("making %q: %w", path, err)
		}
		file := keystore.Artifact{Path: path, Mode: 0o644, Data: data, Secret: secret, Note: note}
		if secret {
			file.Mode = 0o600
		}
		files = append(files, file)
		return nil
	}
	for i := range p.store.Identities {
		id := &p.store.Identities[i]
		name := base
		if len(p.store.Identities) > 1 {
			part := id.Alias
			if part == "" {
				part = fmt.Sprint(i + 1)
			}
			name += "-" + fileName(part)
		}
		if err := add(name+".key", "private key", true, &keystore.Store{Identities: []keystore.Identity{{Key: id.Key}}}); err != nil {
			return nil, err
		}
		leaf, chain, root := splitChain(id.Chain)
		if len(leaf) > 0 {
			if err := add(name+".crt", "certificate", false, certificates(leaf)); err != nil {
				return nil, err
			}
			if err := add(name+"-chain.crt", "certificate and intermediates", false, certificates(chain)); err != nil {
				return nil, err
			}
		}
		cas = append(cas, root...)
	}
	for _, list := range [][]keystore.Anchor{p.store.Anchors, p.store.Loose} {
		for i := range list {
			cas = append(cas, list[i].Certificate)
		}
	}
	if cas = distinct(cas); len(cas) > 0 {
		if err := add(base+"-ca.crt", "trusted certificates", false, certificates(cas)); err != nil {
			return nil, err
		}
	}
	return files, distinctPaths(files)
}

// buildPart fits and builds one of the files. Its losses are those of the whole plan, which were judged already.
func (p *Plan) buildPart(s *keystore.Store) ([]byte, error) {
	fitted, _, err := p.recipe.Target.Fit(s, p.recipe.Options)
	if err != nil {
		return nil, err
	}
	return keystore.Build(p.recipe.Target, fitted, p.recipe.Options)
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

// certificates is a store of certificates in their order. They go without names, which some readers of PEM trip over.
func certificates(list []keystore.Certificate) *keystore.Store {
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
