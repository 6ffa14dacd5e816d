package keystore

import "bytes"

// What a search for a contradiction looks at, so that a hostile file cannot buy time with it.
const (
	maxContradictable = 32 // certificates
	maxContradictions = 64 // signatures
)

// Contradicted returns the index of a certificate that nobody can have written as it is: its public key can be read, but
// it cannot, or its signature is not that of the issuer which it names and which is among certs too. It is -1 when there
// is none among the first 32. An honest file has one hardly ever (where a CA that was renewed kept its name and has no key
// identifiers), so that it tells damage where something else is amiss already.
func Contradicted(certs []Certificate) int {
	parsed := make([]Certificate, min(len(certs), maxContradictable))
	for i := range parsed {
		if parsed[i] = certs[i]; parsed[i].X509 == nil {
			parsed[i] = NewCertificate(certs[i].Raw)
		}
	}
	checks := 0
	for i, c := range parsed {
		wrong := c.X509 == nil && c.PublicKey() != nil
		for _, issuer := range parsed {
			if checks == maxContradictions || !claims(c, issuer) {
				continue
			}
			checks++
			if wrong = c.signedBy(issuer.X509) == SignatureWrong; !wrong {
				break
			}
		}
		if wrong {
			return i
		}
	}
	return -1
}

// claims reports whether c says of itself that the key of issuer signed it, by name and by key identifiers as far as there
// are any.
func claims(c, issuer Certificate) bool {
	return c.X509 != nil && issuer.X509 != nil && bytes.Equal(c.X509.RawIssuer, issuer.X509.RawSubject) &&
		keyIDsFit(issuer.X509, c.X509)
}
