package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
)

// maxCheckedKey is the longest public key whose signatures are checked while chains are built; RSA with 16,384 bits
// needs 2 KiB. Beyond it names alone decide: the time of a check grows faster than the file that asks for it.
const maxCheckedKey = 4 << 10

// maxCandidates is how many certificates of one name are tried as the issuer of another. Honest files hold a few, a
// hostile one could hold a hundred thousand.
const maxCandidates = 64

// Pool is a set of certificates in which the chain of a leaf can be found, whatever order they are in. It is not for
// use by several goroutines at once.
type Pool struct {
	certs     []Certificate
	bySubject map[string][]int
	issuers   map[int]int // what issuer found out, by the index it was asked about
}

// NewPool returns a pool of certs, which it keeps without copying.
func NewPool(certs []Certificate) *Pool {
	p := &Pool{certs: certs, bySubject: make(map[string][]int, len(certs)), issuers: make(map[int]int)}
	for i, c := range certs {
		if subject, _ := c.Names(); subject != nil {
			p.bySubject[string(subject)] = append(p.bySubject[string(subject)], i)
		}
	}
	return p
}

// Chain returns the indexes of the issuers of the certificate at index leaf, nearest first, at most limit of them. It
// ends at a self-issued certificate or where the pool has no issuer. Where several would do (a CA signed twice), the
// next one after the certificate it issued is taken, else the first, so that a chain in its usual order stays as it is.
func (p *Pool) Chain(leaf, limit int) []int {
	var chain []int
	used := map[string]bool{string(p.certs[leaf].Raw): true} // by content: the same certificate may be there twice
	for at := leaf; len(chain) < limit; {
		next := p.issuer(at)
		if next < 0 || used[string(p.certs[next].Raw)] {
			break
		}
		used[string(p.certs[next].Raw)] = true
		chain = append(chain, next)
		at = next
	}
	return chain
}

// issuer returns the index of the issuer of the certificate at index at, or -1.
func (p *Pool) issuer(at int) int {
	if known, ok := p.issuers[at]; ok {
		return known
	}
	found := -1
	if subject, issuer := p.certs[at].Names(); issuer != nil && !bytes.Equal(subject, issuer) {
		found = p.search(at, p.bySubject[string(issuer)])
	}
	p.issuers[at] = found
	return found
}

// search looks for the issuer of the certificate at index at: first behind it, then from the beginning.
func (p *Pool) search(at int, candidates []int) int {
	behind, _ := slices.BinarySearch(candidates, at)
	tried := 0
	for _, part := range [][]int{candidates[behind:], candidates[:behind]} {
		for _, i := range part {
			if tried == maxCandidates {
				return -1
			}
			tried++
			if Issued(p.certs[i], p.certs[at]) {
				return i
			}
		}
	}
	return -1
}

// Issued reports whether issuer signed c: by name and key identifiers, and by the signature where it can be checked.
// It asks nothing about validity or extensions. Of certificates that Go refuses, the names decide.
func Issued(issuer, c Certificate) bool {
	name, _ := issuer.Names()
	_, wanted := c.Names()
	if name == nil || !bytes.Equal(name, wanted) {
		return false
	}
	if issuer.X509 == nil || c.X509 == nil {
		return true
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
