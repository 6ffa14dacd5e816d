package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
)

// maxCheckedKey is the longest public key whose signatures are checked while chains are built; RSA with 16,384 bits
// needs 2 KiB. Beyond it names alone decide: the time of a check grows faster than the file that asks for it.
const maxCheckedKey = 4 << 10

// Pool is a set of certificates in which the chain of a leaf can be found, whatever order they are in.
type Pool struct {
	certs     []Certificate
	bySubject map[string][]int
}

// NewPool returns a pool of certs, which it keeps without copying.
func NewPool(certs []Certificate) *Pool {
	p := &Pool{certs: certs, bySubject: make(map[string][]int, len(certs))}
	for i, c := range certs {
		if c.X509 != nil {
			subject := string(c.X509.RawSubject)
			p.bySubject[subject] = append(p.bySubject[subject], i)
		}
	}
	return p
}

// Chain returns the indexes of the issuers of the certificate at index leaf, nearest first, at most limit of them. It
// ends at a self-issued certificate or where the pool has no issuer. Where several would do (a CA signed twice), the
// next one after the certificate it issued is taken, else the first, so that a chain in its usual order stays as it is.
func (p *Pool) Chain(leaf, limit int) []int {
	var chain []int
	used := map[int]bool{leaf: true}
	for at := leaf; len(chain) < limit; {
		c := p.certs[at]
		if c.X509 == nil || bytes.Equal(c.X509.RawSubject, c.X509.RawIssuer) {
			break
		}
		next := p.issuer(at, used)
		if next < 0 {
			break
		}
		used[next] = true
		chain = append(chain, next)
		at = next
	}
	return chain
}

// issuer returns the index of an issuer of the certificate at index at that is not used yet, or -1.
func (p *Pool) issuer(at int, used map[int]bool) int {
	found := -1
	for _, i := range p.bySubject[string(p.certs[at].X509.RawIssuer)] {
		if used[i] || i < at && found >= 0 || !Issued(p.certs[i], p.certs[at]) {
			continue
		}
		found = i
		if i > at {
			break
		}
	}
	return found
}

// Issued reports whether issuer signed c: by name and key identifiers, and by the signature where it can be checked.
// It asks nothing about validity or extensions.
func Issued(issuer, c Certificate) bool {
	if issuer.X509 == nil || c.X509 == nil || !bytes.Equal(issuer.X509.RawSubject, c.X509.RawIssuer) {
		return false
	}
	want, have := c.X509.AuthorityKeyId, issuer.X509.SubjectKeyId
	if len(want) > 0 && len(have) > 0 && !bytes.Equal(want, have) {
		return false
	}
	if len(issuer.X509.RawSubjectPublicKeyInfo) > maxCheckedKey {
		return true
	}
	err := issuer.X509.CheckSignature(c.X509.SignatureAlgorithm, c.X509.RawTBSCertificate, c.X509.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.Is(err, x509.ErrUnsupportedAlgorithm) || errors.As(err, &insecure)
}
