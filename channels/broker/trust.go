package broker

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// trust is whose certificates are taken, and until when: all CAs of the model with their CRLs.
type trust struct {
	pool   *x509.CertPool
	groups []*trustGroup
	ids    map[string]bool // of all anchors, see anchorID
}

// trustGroup is one entry of Deployment.Trust.
type trustGroup struct {
	rule    channels.Trust
	anchors map[string]*x509.Certificate // by DER
	above   map[string]*x509.Certificate // by DER of an anchor: the anchor that issued it; found once, not per handshake
	crls    crlSet
}

// newTrust compiles the model's trust with its material. A CRL that one of the CA's own certificates should have
// signed, and did not, is an error: it would be silently useless.
func newTrust(d *channels.Deployment, material []TrustMaterial) (*trust, error) {
	if len(material) != len(d.Trust) {
		return nil, fmt.Errorf("the model trusts %d CAs, and material of %d was read", len(d.Trust), len(material))
	}
	t := &trust{pool: x509.NewCertPool(), ids: map[string]bool{}}
	for i, rule := range d.Trust {
		g := &trustGroup{rule: rule, anchors: map[string]*x509.Certificate{}, above: map[string]*x509.Certificate{}, crls: crlSet{}}
		if len(material[i].Anchors) == 0 {
			return nil, fmt.Errorf("trust %q: no CA certificate", rule.CA)
		}
		for _, anchor := range material[i].Anchors {
			if !anchor.IsCA {
				return nil, fmt.Errorf("trust %q: %q is no CA certificate: %w", rule.CA, printName(anchor.RawSubject), keystore.ErrFormat)
			}
			g.anchors[string(anchor.Raw)] = anchor
			t.pool.AddCert(anchor)
			t.ids[anchorID(anchor)] = true
		}
		for der, anchor := range g.anchors {
			if issuer := g.issuerOf(anchor); issuer != nil {
				g.above[der] = issuer
			}
		}
		for _, file := range material[i].CRLs {
			lists, err := parseCRLs(file)
			if err != nil {
				return nil, fmt.Errorf("trust %q: %w", rule.CA, err)
			}
			for _, list := range lists {
				if err := g.adopt(list); err != nil {
					return nil, fmt.Errorf("trust %q: %w", rule.CA, err)
				}
			}
		}
		t.groups = append(t.groups, g)
	}
	return t, nil
}

// adopt adds a list after checking its signature, where its issuer is known by now.
func (g *trustGroup) adopt(list *crl) error {
	named := false
	for _, anchor := range g.anchors {
		if string(anchor.RawSubject) != list.issuer {
			continue
		}
		named = true
		if list.signedBy(anchor) {
			g.crls.add(list)
			return nil
		}
	}
	if named {
		return fmt.Errorf("reading CRL %q: its signature is not by %q: %w", list.file, printName([]byte(list.issuer)), keystore.ErrFormat)
	}
	g.crls.add(list)
	return nil
}

// judge returns the entries of the model under which a client's verified chains may come in, or why none of them may.
// It holds for a new handshake, for a resumed one, and for a connection that is up while the rules change.
func (t *trust) judge(chains [][]*x509.Certificate, useCRL bool, now time.Time) ([]*trustGroup, *refusal) {
	if len(chains) == 0 || len(chains[0]) == 0 {
		return nil, refuse(causeNoCertificate, "it has no verified certificate")
	}
	leaf := chains[0][0]
	switch {
	case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		// A certificate without any extended key usage passes crypto/tls; here a client has to be made a client.
		return nil, refuse(causeWrongRole, "the certificate %s of %q is not for TLS clients", serialText(leaf), printName(leaf.RawSubject))
	case now.After(leaf.NotAfter):
		return nil, refuse(causeExpired, "the certificate %s of %q has expired at %s", serialText(leaf), printName(leaf.RawSubject), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	var accepted []*trustGroup
	why := refuse(causeUnknownCA, "the certificate %s of %q was issued by a CA that is not trusted here", serialText(leaf), printName(leaf.RawSubject))
	for _, chain := range chains {
		for _, g := range t.groups {
			anchor, ok := g.anchors[string(chain[len(chain)-1].Raw)]
			if !ok || slices.Contains(accepted, g) {
				continue
			}
			if useCRL {
				if r := g.checkRevocation(chain, anchor, now); r != nil {
					why = r
					continue
				}
			}
			accepted = append(accepted, g)
		}
	}
	if len(accepted) == 0 {
		return nil, why
	}
	return accepted, nil
}

// checkRevocation looks up each certificate of a chain in the CRL of its issuer. Where the chain ends in an
// intermediate that was given as an anchor, the anchor itself is looked up with those above it.
func (g *trustGroup) checkRevocation(chain []*x509.Certificate, anchor *x509.Certificate, now time.Time) *refusal {
	for i := 0; i+1 < len(chain); i++ {
		if r := g.crls.check(chain[i], chain[i+1], i == 0, now); r != nil {
			return r
		}
	}
	for depth := 0; depth < len(g.anchors); depth++ {
		issuer := g.above[string(anchor.Raw)]
		if issuer == nil {
			break
		}
		if r := g.crls.check(anchor, issuer, false, now); r != nil {
			return r
		}
		anchor = issuer
	}
	return nil
}

// issuerOf finds the anchor above another, nil for a root.
func (g *trustGroup) issuerOf(c *x509.Certificate) *x509.Certificate {
	if keystore.SelfIssued(c) {
		return nil
	}
	for _, a := range g.anchors {
		if string(a.RawSubject) == string(c.RawIssuer) && c.CheckSignatureFrom(a) == nil {
			return a
		}
	}
	return nil
}

// leavesCovered reports whether any CA that issues clients, being above no other, has a CRL of its own here. Of another's
// CA the issuers may come with the clients; of this PKI they are all known, and a CRL of somebody else is a mistake that
// would keep everybody out.
func (g *trustGroup) leavesCovered() bool {
	superior := map[*x509.Certificate]bool{}
	for _, anchor := range g.above {
		superior[anchor] = true
	}
	for _, anchor := range g.anchors {
		if !superior[anchor] && g.crls.latest(anchor, true) != nil {
			return true
		}
	}
	return false
}

// olderThan says which CRL here is older than the one that was in place until now: a backup that was put back would let
// in who was revoked since.
func (t *trust) olderThan(before *trust) error {
	for _, was := range before.groups {
		for _, is := range t.groups {
			if is.rule.CA != was.rule.CA {
				continue
			}
			for der, anchor := range is.anchors {
				if was.anchors[der] == nil {
					continue
				}
				old, fresh := was.crls.latest(anchor, false), is.crls.latest(anchor, false)
				if old != nil && fresh != nil && old.newer(fresh) {
					return fmt.Errorf("the CRL %q of %q is older than the one in place, of %s; a restart would take it: %w", fresh.file,
						printName(anchor.RawSubject), old.thisUpdate.UTC().Format(time.RFC3339), keystore.ErrFormat)
				}
			}
		}
	}
	return nil
}

// mayName reports whether one of the entries that a certificate came in under may name this user.
func mayName(groups []*trustGroup, user string) bool {
	return slices.ContainsFunc(groups, func(g *trustGroup) bool { return g.rule.MayName(user) })
}

// isRevoked reports whether a stored session's certificate, of which only issuer and serial were kept, is revoked by
// now. It looks at lists that are signed, whatever their age: what they name stays revoked.
func (t *trust) isRevoked(issuer, serial string) bool {
	for _, g := range t.groups {
		for _, list := range g.crls[issuer] {
			if _, listed := list.serials[serial]; listed {
				return true
			}
		}
	}
	return false
}

// trusts reports whether any anchor that a stored session's certificate led to is trusted by now, or none is known of.
func (t *trust) trusts(anchors []string) bool {
	return len(anchors) == 0 || slices.ContainsFunc(anchors, func(id string) bool { return t.ids[id] })
}

// stale lists what will keep clients out, now or soon.
func (t *trust) stale(now time.Time) []string {
	var warnings []string
	for _, g := range t.groups {
		for _, lists := range g.crls {
			for _, list := range lists {
				switch left := list.nextUpdate.Sub(now); {
				case left <= 0:
					warnings = append(warnings, fmt.Sprintf("the CRL %q is stale since %s: nobody whose certificate it covers is let in", list.file, list.nextUpdate.UTC().Format(time.RFC3339)))
				case left < soon:
					warnings = append(warnings, fmt.Sprintf("the CRL %q is stale at %s: after that nobody whose certificate it covers is let in", list.file, list.nextUpdate.UTC().Format(time.RFC3339)))
				}
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}
