package p12file

import (
	"github.com/mqttpki/mqttpki/keystore"
)

// chains builds chains from the certificates of a file, which has them in any order.
type chains struct {
	certs  []certEntry
	limit  int // certificates in one chain
	report *report
	pool   *keystore.Pool  // made when the first chain is asked for
	used   map[string]bool // the bytes of every certificate that is in a chain
}

func newChains(certs []certEntry, lim keystore.Limits, r *report) *chains {
	return &chains{certs: certs, limit: lim.Chain, report: r, used: map[string]bool{}}
}

// from returns the chain that begins with a leaf, as far as its issuers are in the file.
func (c *chains) from(leaf int) []keystore.Certificate {
	if c.pool == nil {
		certs := make([]keystore.Certificate, len(c.certs))
		for i, e := range c.certs {
			certs[i] = e.cert
		}
		c.pool = keystore.NewPool(certs)
	}
	issuers := c.pool.Chain(leaf, c.limit)
	if len(issuers) == c.limit { // with the leaf, one too many
		c.report.add("warning", "long-chain", c.certs[leaf].name, "the chain has more than %d certificates and was cut", c.limit)
		issuers = issuers[:c.limit-1]
	}
	chain := make([]keystore.Certificate, 0, 1+len(issuers))
	for _, i := range append([]int{leaf}, issuers...) {
		chain = append(chain, c.certs[i].cert)
		c.used[string(c.certs[i].cert.Raw)] = true
	}
	return chain
}
