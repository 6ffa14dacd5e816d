package ca

import (
	"bytes"
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Reply is what an external CA sent back, put in order.
type Reply struct {
	Chain   []keystore.Certificate // leaf first, then intermediates, without the root
	Root    *keystore.Certificate  // the root, if it came along; it is not trusted for that
	Unused  []keystore.Certificate // what has nothing to do with the leaf
	Notices []Notice
}

// maxReplyChain is as many CAs as any handshake should carry.
const maxReplyChain = 10

// MatchReply finds, among certificates in any order, the one for a key, and its chain. It fails with ErrPolicy when none
// is for this key.
func MatchReply(public crypto.PublicKey, certs []keystore.Certificate, now time.Time) (*Reply, error) {
	leaf := -1
	for i, c := range certs {
		if c.X509 == nil || !samePublic(public, c.X509.PublicKey) {
			continue
		}
		if leaf < 0 || better(certs[leaf], c) {
			leaf = i
		}
	}
	if leaf < 0 {
		list := ""
		if len(certs) > 0 {
			list = ": " + subjects(certs)
		}
		return nil, fmt.Errorf("importing a reply: %w", policy("none of its certificates (%d) is for this key%s", len(certs), list))
	}
	reply := &Reply{Chain: []keystore.Certificate{certs[leaf]}}
	used := map[int]bool{leaf: true}
	for _, i := range keystore.NewPool(certs).Chain(leaf, maxReplyChain) {
		x := certs[i].X509
		if x == nil {
			break // it is left out, and said to be
		}
		used[i] = true
		if keystore.SelfIssued(x) {
			reply.Root = &certs[i]
			break
		}
		reply.Chain = append(reply.Chain, certs[i])
	}
	for i, c := range certs {
		if !used[i] {
			reply.Unused = append(reply.Unused, c)
		}
	}
	reply.judge(now)
	return reply, nil
}

// CheckAnchors compares a reply with the certificates that its side is to trust. They must be able to vouch for it: it
// fails with ErrPolicy when none of them is a CA or self-signed. Where they are not above the end of the chain that
// becomes a notice, since more intermediates may lie between.
func (r *Reply) CheckAnchors(anchors []keystore.Anchor) error {
	end := r.Chain[len(r.Chain)-1].X509
	isCA, above := false, false
	for _, a := range anchors {
		c := a.Certificate.X509
		if c == nil {
			continue
		}
		isCA = isCA || c.IsCA || c.Version < 3 || keystore.SelfIssued(c)
		above = above || keystore.SelfIssued(c) && c.Equal(end) || bytes.Equal(c.RawSubject, end.RawIssuer) && end.CheckSignatureFrom(c) == nil
	}
	if !isCA {
		return policy("nothing in it is a CA: no certificate can be checked against it")
	}
	if above {
		r.Notices = slices.DeleteFunc(r.Notices, func(n Notice) bool { return n.Code == "reply-without-root" })
	} else {
		r.Notices = append(r.Notices, warn("reply-other-ca", "the chain ends at %s, which no certificate to be trusted has issued: an intermediate is missing, or it is another CA", shortQuote(r.Chain[len(r.Chain)-1].Subject())))
	}
	return nil
}

// better reports whether b is rather the reply than a: not a certificate the key signed for itself, and the later one.
func better(a, b keystore.Certificate) bool {
	if keystore.SelfIssued(a.X509) != keystore.SelfIssued(b.X509) {
		return keystore.SelfIssued(a.X509)
	}
	return b.X509.NotBefore.After(a.X509.NotBefore)
}

// judge names what is odd about a reply that nevertheless is for the key.
func (r *Reply) judge(now time.Time) {
	leaf, last := r.Chain[0].X509, r.Chain[len(r.Chain)-1]
	switch {
	case keystore.SelfIssued(leaf):
		r.Notices = append(r.Notices, warn("reply-self-signed", "the certificate is self-signed: no CA has answered yet"))
	case r.Root == nil:
		r.Notices = append(r.Notices, note("reply-without-root", "the chain ends at %s; its issuer %s is not in the reply",
			shortQuote(last.Subject()), shortQuote(last.Issuer())))
	}
	if now.After(leaf.NotAfter) {
		r.Notices = append(r.Notices, warn("reply-expired", "the certificate expired on %s", leaf.NotAfter.Format(time.DateOnly)))
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.URIs)+len(leaf.EmailAddresses) == 0 {
		r.Notices = append(r.Notices, warn("reply-without-san", "the certificate has no alternative name: TLS clients of today refuse it"))
	}
	if len(r.Unused) > 0 {
		r.Notices = append(r.Notices, note("reply-unused", "not part of the chain and left out: %s", subjects(r.Unused)))
	}
}

// subjects lists a few certificates by subject.
func subjects(certs []keystore.Certificate) string {
	const most = 5
	text := ""
	for i, c := range certs {
		if i == most {
			return text + fmt.Sprintf(" and %d more", len(certs)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += shortQuote(c.Subject())
	}
	return text
}
