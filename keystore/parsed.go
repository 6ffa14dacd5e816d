package keystore

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// Parsed holds certificates and keys that have been parsed, so that the same bytes are not parsed again: [Build] decodes
// what it has just encoded, and to parse a certificate takes far longer than to compare it. Whether the bytes are the same
// is what is compared, all of them; what they mean cannot differ then. A nil Parsed holds nothing.
type Parsed struct {
	seed         maphash.Seed
	certificates map[uint64]Certificate // by the hash of Raw; of two with one hash the first
	keys         map[uint64]*PrivateKey // by the hash of PKCS8
}

// ParsedOf holds what is in a store.
func ParsedOf(s *Store) *Parsed {
	p := &Parsed{seed: maphash.MakeSeed(), certificates: map[uint64]Certificate{}, keys: map[uint64]*PrivateKey{}}
	for i := range s.Identities {
		id := &s.Identities[i]
		if id.Key != nil {
			p.keys[maphash.Bytes(p.seed, id.Key.PKCS8)] = id.Key
		}
		for _, c := range id.Chain {
			p.certificates[maphash.Bytes(p.seed, c.Raw)] = c
		}
	}
	for _, list := range [][]Anchor{s.Anchors, s.Loose} {
		for i := range list {
			p.certificates[maphash.Bytes(p.seed, list[i].Certificate.Raw)] = list[i].Certificate
		}
	}
	return p
}

// Certificate is [ParseCertificate].
func (p *Parsed) Certificate(der []byte) (Certificate, error) {
	c, err := p.Outline(der)
	if err == nil && c.X509 == nil {
		c = NewCertificate(der)
	}
	return c, err
}

// Outline is [ParseCertificate] without what takes long: the certificate has no X509, unless it is known. [ParseAll]
// completes it.
func (p *Parsed) Outline(der []byte) (Certificate, error) {
	if !shaped(der) {
		return Certificate{}, fmt.Errorf("reading a certificate: not an X.509 certificate: %w", ErrFormat)
	}
	if p != nil {
		if c, ok := p.certificates[maphash.Bytes(p.seed, der)]; ok && bytes.Equal(c.Raw, der) {
			return c, nil
		}
	}
	return Certificate{Raw: der}, nil
}

// PrivateKey is [NewPrivateKey].
func (p *Parsed) PrivateKey(pkcs8 []byte) (*PrivateKey, error) {
	if p != nil {
		if k, ok := p.keys[maphash.Bytes(p.seed, pkcs8)]; ok && bytes.Equal(k.PKCS8, pkcs8) {
			return k, nil
		}
	}
	return NewPrivateKey(pkcs8)
}
