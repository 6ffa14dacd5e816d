package keystore

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// maxCandidates is how many certificates of one name are tried as the issuer of another. Honest files hold a few, a
// hostile one could hold a hundred thousand.
const maxCandidates = 64

// What a pool may be asked for, so that time and memory stay proportional to its size. In honest files a certificate has
// one candidate or few, and the issuers of a leaf, of which there are five at most, take a few times as many bytes as it.
const (
	freeMisses      = 256     // candidates that turn out to be no issuer, whatever the size of the pool
	missesPerMember = 2       // further ones for each certificate
	freeRepeats     = 4 << 20 // bytes of certificates that are in a chain already, whatever the size of the pool
	repeatsPerByte  = 10      // further ones for each byte of its certificates, copies not counted
)

// Pool is a set of certificates in which the chain of a leaf can be found, whatever order they are in. It is not for
// use by several goroutines at once.
type Pool struct {
	certs     []Certificate
	numbers   []int // by index; the same for the same content
	bySubject map[string][]int
	issuers   map[int]int // what issuer found out, by the index it was asked about
	misses    int         // candidates that may still turn out to be no issuer
	chained   []bool      // by number: what is in a chain
	repeats   int64       // bytes that chains may still have of what is in another one
	cut       bool        // a chain wanted more
}

// NewPool returns a pool of certs, which it keeps without copying.
func NewPool(certs []Certificate) *Pool {
	p := &Pool{
		certs: certs, numbers: make([]int, len(certs)), chained: make([]bool, len(certs)),
		bySubject: make(map[string][]int, len(certs)), issuers: make(map[int]int),
		misses: freeMisses + missesPerMember*len(certs), repeats: freeRepeats,
	}
	var distinct Distinct
	for i, c := range certs {
		var first bool
		if p.numbers[i], first = distinct.Number(c); first {
			p.repeats += repeatsPerByte * int64(len(c.Raw))
		}
		if subject, _ := c.Names(); subject != nil {
			p.bySubject[string(subject)] = append(p.bySubject[string(subject)], i)
		}
	}
	return p
}

// Allow lets chains have that many bytes more of certificates that are in another one: those of chains that were stated,
// which somebody has paid for already.
func (p *Pool) Allow(bytes int64) { p.repeats += bytes }

// Chain returns the indexes of the issuers of the certificate at index leaf, nearest first, at most limit of them. It
// ends at a self-issued certificate or where the pool has no issuer. Where several would do (a CA signed twice), the
// next one after the certificate it issued is taken, else the first, so that a chain in its usual order stays as it is.
// Where a hostile pool has far longer chains than certificates, the last of them end early: see [Pool.Exhausted].
func (p *Pool) Chain(leaf, limit int) []int {
	var chain []int
	used := map[int]bool{p.numbers[leaf]: true} // by content: the same certificate may be there twice
	for at := leaf; len(chain) < limit; {
		next := p.issuer(at)
		if next < 0 || used[p.numbers[next]] || !p.take(next) {
			break
		}
		used[p.numbers[next]] = true
		chain = append(chain, next)
		at = next
	}
	return chain
}

// Begin reports whether one more chain may begin with the certificate at index leaf. It may unless so many do already that
// all chains together become far larger than the pool; then see [Pool.Exhausted].
func (p *Pool) Begin(leaf int) bool { return p.take(leaf) }

// take puts a certificate into a chain. The first time that costs nothing, since the pool has it; later what it takes.
func (p *Pool) take(i int) bool {
	size := int64(len(p.certs[i].Raw))
	switch n := p.numbers[i]; {
	case !p.chained[n]:
		p.chained[n] = true
		return true
	case size <= p.repeats:
		p.repeats -= size
		return true
	}
	p.cut = true
	return false
}

// Chained reports whether the certificate at index i, or another one of the same bytes, is in a chain.
func (p *Pool) Chained(i int) bool { return p.chained[p.numbers[i]] }

// Exhausted reports whether a chain ended early, since all together have more bytes than any honest pool's.
func (p *Pool) Exhausted() bool { return p.cut }

// HasIssuer reports whether the pool has the issuer of the certificate at index i, and that is another one.
func (p *Pool) HasIssuer(i int) bool { return p.issuer(i) >= 0 }

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
	return keyIDsFit(issuer.X509, c.X509) && c.signedBy(issuer.X509) != SignatureWrong
}

// keyIDsFit reports whether the key identifiers of c and of its issuer, as far as there are any, are of the same key
// (RFC 5280 section 4.2.1.1).
func keyIDsFit(issuer, c *x509.Certificate) bool {
	want, have := c.AuthorityKeyId, issuer.SubjectKeyId
	return len(want) == 0 || len(have) == 0 || bytes.Equal(want, have)
}
