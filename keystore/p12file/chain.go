package p12file

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"github.com/mqttpki/mqttpki/keystore"
)

// signatureChecks bounds how many signatures of one file are verified to tell issuers of the same name apart.
const signatureChecks = 1000

// maxRSABits is the largest RSA key that a signature is checked with, as in crypto/tls.
const maxRSABits = 8192

// chainer builds chains from the certificates of a file, which has them in any order.
type chainer struct {
	certs     []certEntry
	limits    keystore.Limits
	report    *report
	bySubject map[string][]int
	byKeyID   map[string]int // the first certificate by subject and subject key id
	issuers   map[int]int    // of those asked for already
	used      map[string]bool
	checks    int
}

func newChainer(certs []certEntry, lim keystore.Limits, r *report) *chainer {
	return &chainer{certs: certs, limits: lim, report: r, issuers: map[int]int{}, used: map[string]bool{}}
}

// prepare indexes the certificates, once a chain is asked for.
func (c *chainer) prepare() {
	if c.bySubject != nil {
		return
	}
	c.bySubject, c.byKeyID = map[string][]int{}, map[string]int{}
	for i, e := range c.certs {
		if x := e.cert.X509; x != nil {
			subject := string(x.RawSubject)
			c.bySubject[subject] = append(c.bySubject[subject], i)
			if len(x.SubjectKeyId) > 0 {
				remember(c.byKeyID, subject+string(x.SubjectKeyId), i)
			}
		}
	}
}

// from returns the chain that begins with a leaf, as far as its issuers are in the file.
func (c *chainer) from(leaf int) []keystore.Certificate {
	c.prepare()
	chain := []keystore.Certificate{c.certs[leaf].cert}
	c.used[string(c.certs[leaf].cert.Raw)] = true
	for at := c.issuerOf(leaf); at != none; at = c.issuerOf(at) {
		next := c.certs[at].cert
		for _, known := range chain {
			if known.Equal(next) {
				return chain
			}
		}
		if len(chain) == c.limits.Chain {
			c.report.add("warning", "long-chain", c.certs[leaf].name, "the chain has more than %d certificates and was cut", c.limits.Chain)
			return chain
		}
		chain = append(chain, next)
		c.used[string(next.Raw)] = true
	}
	return chain
}

// uses reports whether a certificate is part of a chain.
func (c *chainer) uses(cert keystore.Certificate) bool { return c.used[string(cert.Raw)] }

// issuerOf returns the certificate that issued another one, or none when it is not there or issued itself.
func (c *chainer) issuerOf(i int) int {
	if known, ok := c.issuers[i]; ok {
		return known
	}
	issuer := none
	if x := c.certs[i].cert.X509; x != nil && !bytes.Equal(x.RawSubject, x.RawIssuer) {
		issuer = c.find(x)
	}
	c.issuers[i] = issuer
	return issuer
}

// find looks for an issuer: by name and key id; else the one of that name whose key made the signature.
func (c *chainer) find(x *x509.Certificate) int {
	subject := string(x.RawIssuer)
	if len(x.AuthorityKeyId) > 0 {
		if i, ok := c.byKeyID[subject+string(x.AuthorityKeyId)]; ok {
			return i
		}
	}
	for _, i := range c.bySubject[subject] {
		candidate := c.certs[i].cert.X509
		if len(x.AuthorityKeyId) > 0 && len(candidate.SubjectKeyId) > 0 {
			continue // both have an id, and not the same
		}
		if c.checks++; c.checks > signatureChecks || mayHaveSigned(candidate, x) {
			return i
		}
	}
	return none
}

// mayHaveSigned reports whether a certificate's key made a signature, or that can't be told: the algorithm is unknown, or
// the key so large that checking it would take seconds.
func mayHaveSigned(issuer, x *x509.Certificate) bool {
	if key, ok := issuer.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
		return true
	}
	err := issuer.CheckSignature(x.SignatureAlgorithm, x.RawTBSCertificate, x.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.Is(err, x509.ErrUnsupportedAlgorithm) || errors.As(err, &insecure)
}
