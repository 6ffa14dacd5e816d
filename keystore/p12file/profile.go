package p12file

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// The profiles of writing, for [keystore.EncodeOptions].Profile.
const (
	// ProfileModern is AES-256 with PBKDF2-HMAC-SHA256 and an HMAC-SHA256: what Java since 16 and OpenSSL 3
	// write, and what every current reader takes. It is the default.
	ProfileModern = "modern"
	// ProfileLegacy is 3DES with an HMAC-SHA1, for Java before 8u301 and Windows before Server 2019. OpenSSL 3 reads
	// it without its -legacy, unlike files with RC2.
	ProfileLegacy = "legacy"
	// ProfilePBMAC1 is modern with the MAC of RFC 9579. OpenSSL from 3.4 and Java from 26 read it.
	ProfilePBMAC1 = "pbmac1"
	// ProfilePasswordlessTrust holds trusted certificates alone, with neither encryption nor MAC, as Java's cacerts do.
	ProfilePasswordlessTrust = "passwordless-trust"
)

// Profiles lists the names of the profiles, the default first.
func Profiles() []string {
	return []string{ProfileModern, ProfileLegacy, ProfilePBMAC1, ProfilePasswordlessTrust}
}

// profile is what a name stands for.
type profile struct {
	name   string
	scheme pbe.Scheme
	pbmac1 bool
	open   bool // neither encryption nor MAC
}

// profileOf returns the profile of a name, or keystore.ErrUnsupported.
func profileOf(name string) (profile, error) {
	switch name {
	case "", ProfileModern:
		return profile{name: ProfileModern, scheme: pbe.AES256}, nil
	case ProfileLegacy:
		return profile{name: ProfileLegacy, scheme: pbe.TripleDES}, nil
	case ProfilePBMAC1:
		return profile{name: ProfilePBMAC1, scheme: pbe.AES256, pbmac1: true}, nil
	case ProfilePasswordlessTrust:
		return profile{name: ProfilePasswordlessTrust, open: true}, nil
	}
	return profile{}, fmt.Errorf("PKCS12 profile %q: %w", name, keystore.ErrUnsupported)
}

// plan is a profile as the options complete it.
type plan struct {
	profile
	password   keystore.Secret
	iterations int
}

// planFor settles how a store is protected. Without a password it is not protected at all.
func planFor(opts keystore.EncodeOptions) (plan, error) {
	p, err := profileOf(opts.Profile)
	if err != nil {
		return plan{}, err
	}
	if !opts.Password.Given() {
		p.open = true
	}
	n := opts.Iterations
	if n == 0 {
		n = pbe.StoreIterations
	}
	if n < 1 {
		return plan{}, fmt.Errorf("PKCS12 with %d iterations: %w", n, keystore.ErrUnsupported)
	}
	if n > keystore.DefaultLimits.Iterations {
		return plan{}, fmt.Errorf("PKCS12 with %d iterations, which no reader takes: %w", n, keystore.ErrTooLarge)
	}
	return plan{p, opts.Password, n}, nil
}

// params is how the parts of the file are encrypted.
func (p plan) params() pbe.Params { return pbe.Params{Scheme: p.scheme, Iterations: p.iterations} }

// protection describes how a fitted store will be protected, in the words and the order of reading it.
func (p plan) protection(s *keystore.Store) []keystore.Protection {
	if p.open {
		return nil
	}
	list := []keystore.Protection{p.params().MACProtection(p.pbmac1)}
	part := p.params().Protection()
	add := func(what, alias string) {
		part.Part, part.Alias = what, alias
		list = append(list, part)
	}
	if _, certs := entriesOf(s); len(certs) > 0 {
		add("certificates", "")
	}
	for _, id := range s.Identities {
		add("key", id.Alias)
	}
	return list
}
