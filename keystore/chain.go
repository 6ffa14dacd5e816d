package keystore

import (
	"bytes"
	"slices"
)

// maxCandidates is how many certificates of one name are tried as the issuer of another. Honest files hold a few, a
// hostile one could hold a hundred thousand.
const maxCandidates = 64

// What a pool may be asked for, so that time and memory stay proportional to its size. In honest files a certificate has
// one candidate or few, and is in a chain of five at most.
const (
	freeMisses       = 256    // candidates that turn out to be no issuer, whatever the size of the pool
	missesPerMember  = 2      // further ones for each certificate
	freeMembers      = 10_000 // certificates in all chains together, whatever the size of the pool
	membersPerMember = 8      // further ones for each certificate
)

// Pool is a set of certificates in which the chain of a leaf can be found, whatever order they are in. It is not for
// use by several goroutines at once.
type Pool struct {
	certs     []Certificate
	bySubject map[string][]int
	issuers   map[int]int // what issuer found out, by the index it was asked about
	misses    int         // candidates that may still turn out to be no issuer
	members   int         // certificates that chains may still have
}

// NewPool returns a pool of certs, which it keeps without copying.
func NewPool(certs []Certificate) *Pool {
	p := &Pool{
		certs: certs, bySubject: make(map[string][]int, len(certs)), issuers: make(map[int]int),
		misses: freeMisses + missesPerMember*len(certs), members: freeMembers + membersPerMember*len(certs),
	}
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
// Where a hostile pool has far longer chains than certificates, the last of them end early: see [Pool.Exhausted].
func (p *Pool) Chain(leaf, limit int) []int {
	var chain []int
	used := map[string]bool{string(p.certs[leaf].Raw): true} // by content: the same certificate may be there twice
	for at := leaf; len(chain) < limit && p.members > 0; p.members-- {
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

// Exhausted reports whether a chain may have ended early, since all together have more certificates than any honest pool's.
func (p *Pool) Exhausted() bool { return p.members <= 0 }

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
			if tried == maxCandidates || p.misses == 0 {
				return -1
			}
			tried++
			if Issued(p.certs[i], p.certs[at]) {
				return i
			}
			p.misses--
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
	return c.signedBy(issuer.X509) != SignatureWrong
}
