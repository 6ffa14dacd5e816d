package pbe

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Protection describes how a [Sealer] with these parameters encrypts, as reading the result tells it. Parameters that
// NewSealer refuses give an empty description.
func (p Params) Protection() keystore.Protection {
	s, err := NewSealer(keystore.Secret{}, p, blank{})
	if err != nil {
		return keystore.Protection{}
	}
	alg, err := s.algorithm()
	if err != nil {
		return keystore.Protection{}
	}
	description, _ := Describe(alg, keystore.DefaultLimits)
	return description
}

// MACProtection is Protection for what [Sealer.MAC] or, with pbmac1, [Sealer.PBMAC1] makes.
func (p Params) MACProtection(pbmac1 bool) keystore.Protection {
	name, oid := hashSHA256.Name, oidSHA256
	if p.Scheme == TripleDES {
		name, oid = digests[oidSHA1].Name, oidSHA1
	}
	d := keystore.Protection{Part: "mac", Algorithm: "PKCS12 HMAC-" + name, OID: oid, Iterations: p.Iterations, Weak: weakCount(p.Iterations)}
	if pbmac1 {
		d.OID, d.Algorithm = oidPBMAC1, fmt.Sprintf("PBMAC1 PBKDF2-HMAC-%s HMAC-%s", hashSHA256.Name, hashSHA256.Name)
	}
	return d
}

// blank stands in for randomness where only the form of what is made counts.
type blank struct{}

func (blank) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
