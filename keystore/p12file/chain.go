package p12file

import (
	"github.com/mqttpki/mqttpki/keystore"
)

// chains builds chains from the certificates of a file, which has them in any order.
type chains struct {
	certs  []certEntry
	limit  int // certificates in one chain
	report *report
	pool   *keystore.Pool // made when the first chain is asked for
}

func newChains(certs []certEntry, lim keystore.Limits, r *report) *chains {
	return &chains{certs: certs, limit: lim.Chain, report: r}
}

// used reports whether a certificate, or another one of the same bytes, is in a chain.
func (c *chains) used(i int) bool { return c.pool != nil && c.pool.Chained(i) }

// exhausted reports whether a chain was cut since all together are too large.
func (c *chains) exhausted() bool { return c.pool != nil && c.pool.Exhausted() }

// from returns the chain that begins with a leaf, as far as its issuers are in the file. Of a leaf that is at the head of
// too many chains already it is empty.
func (c *chains) from(leaf int) []keystore.Certificate {
	if c.pool == nil {
		certs := make([]keystore.Certificate, len(c.certs))
		for i, e := range c.certs {
			certs[i] = e.cert
		}
		c.pool = keystore.NewPool(certs)
	}
	if !c.pool.Begin(leaf) {
		return nil
	}
	members := append([]int{leaf}, c.pool.Chain(leaf, c.limit-1)...)
	if len(members) == c.limit && c.pool.HasIssuer(members[c.limit-1]) {
		c.report.add("warning", "long-chain", c.certs[leaf].name, "the chain has more than %d certificates and was cut", c.limit)
	}
	chain := make([]keystore.Certificate, 0, len(members))
	for _, i := range members {
		chain = append(chain, c.certs[i].cert)
	}
	return chain
}
