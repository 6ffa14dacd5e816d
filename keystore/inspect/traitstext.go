package inspect

import (
	"slices"

	"github.com/mqttpki/mqttpki/keystore"
)

// Further traits: what is odd about text, by the codes of the problems that decoders report; what belongs together; and
// what OpenSSL's TLS refuses.
const (
	crLines      = "cr-line-ends"
	blankLines   = "blank-lines"
	blockHeaders = "block-headers"
	orderMark    = "byte-order-mark"
	trustedLabel = "trusted-label"
	textBlanks   = "trailing-blanks"
	leafNotFirst = "leaf-not-first"
	leafBundled  = "leaf-in-bundle"
	mismatched   = "key-leaf-mismatch" // a key's certificate, or the only one beside it, is for another key
	inText       = "text"              // PEM, not binary
	binary       = "binary"            // the other
	smallKey     = "small key"         // see belowLevel2
	weaklySigned = "weakly signed"     // a certificate is, and is no root
	secretsOnly  = "secret keys alone" // there is no other entry
)

// fromProblems are those that a decoder tells.
var fromProblems = []string{crLines, blankLines, blockHeaders, orderMark, trustedLabel, textBlanks, leafNotFirst, leafBundled}

// moreTraits collects them.
func moreTraits(s *keystore.Store, o Options) []string {
	var has []string
	for _, p := range s.Problems {
		if slices.Contains(fromProblems, p.Code) || p.Code == mismatched && Severity(p.Severity) == Error {
			has = append(has, p.Code)
		}
	}
	has = append(has, map[bool]string{true: inText, false: binary}[o.Text])
	if onlySecrets(s) {
		has = append(has, secretsOnly)
	}
	for i := range s.Identities {
		if leaf := s.Identities[i].Leaf(); leaf != nil {
			if matches, sure := s.Identities[i].Key.Matches(*leaf); sure && !matches {
				has = append(has, mismatched)
			}
		}
	}
	if o.Format == "pem" {
		has = append(has, levelTraits(s)...)
	}
	return has
}

// levelTraits tells what OpenSSL refuses at security level 2 (SSL_CTX_set_security_level(3)), at which Debian's, Ubuntu's
// and from 3.2 on everybody's programs do TLS: of every certificate that they are given, not only of those in the chain.
func levelTraits(s *keystore.Store) []string {
	small, weak := false, false
	judge := func(c keystore.Certificate) {
		if x := parsed(c); x != nil {
			small = small || belowLevel2(describePublic(x.PublicKey, x.RawSubjectPublicKeyInfo))
			weak = weak || weakSignatures[x.SignatureAlgorithm] && !keystore.SelfIssued(x)
		}
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		if id.Key != nil && len(id.Chain) == 0 {
			small = small || belowLevel2(describePrivate(id.Key))
		}
		for _, c := range id.Chain {
			judge(c)
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			judge(a.Certificate)
		}
	}
	var has []string
	if small {
		has = append(has, smallKey)
	}
	if weak {
		has = append(has, weaklySigned)
	}
	return has
}

// belowLevel2 reports whether a key has less than 112 bits of security by NIST SP 800-57 part 1, table 2. What is not known
// of a key speaks for it.
func belowLevel2(k Key) bool {
	switch k.Algorithm {
	case "RSA", "RSA-PSS", "DSA":
		return k.Bits > 0 && k.Bits < 2048
	case "EC":
		return k.Bits > 0 && k.Bits < 224
	}
	return false
}
