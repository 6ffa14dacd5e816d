package targets

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// Material is what goes into a product's files beside the model.
type Material struct {
	ModelFile  []byte            // channels.yaml as it stands
	Server     keystore.Identity // key and chain, leaf first; needed when a listener has TLS
	ServerName string            // the server's name as file names spell it; "" is Deployment.Server
	Trust      []TrustMaterial   // one for each of the model's trust entries, in their order
	Users      []byte            // the password file; needed when users have passwords
	// Codec returns the codec of a store format by its name ("jks"), nil when there is none.
	Codec  func(name string) keystore.Codec
	Random io.Reader // passwords of stores, salts
	Now    time.Time // whether CRLs and certificates are current; dates of store entries
}

// TrustMaterial is one trusted CA.
type TrustMaterial struct {
	Anchors       []keystore.Certificate // what is trusted: the root, or what the model's file holds
	Intermediates []keystore.Certificate // CAs under it, for clients that send their leaf alone
	CRLs          [][]byte               // DER
}

// Check returns what is wrong with the material for a model: TLS without a key, a key of another certificate, a
// server name not covered, a missing, foreign or stale CRL, a trusted CA that the product cannot trust. The zero
// Product is one that takes everything.
func (mat Material) Check(p Product, m Model) []Problem {
	c := &materialChecker{p: p, m: m, mat: mat}
	for i := range m.Listeners {
		l := &m.Listeners[i]
		c.tls = c.tls || l.Transport.Encrypted()
		c.asks = c.asks || l.ClientCertificate != channels.CertificateNone
		c.crls = c.crls || m.UsesCRL(l)
		c.users = c.users || l.Identity.User == channels.UserPassword
	}
	if c.tls {
		c.server()
	}
	if c.asks {
		c.trust()
	}
	if c.users {
		if _, err := channels.ParseUsers(mat.Users); err != nil {
			c.fail("users.file", "%v", err)
		} else if len(mat.Users) == 0 {
			c.add(channels.Warning, "users.file", "there are no password users: nobody gets in where users have passwords")
		}
	}
	return c.problems
}

// materialChecker collects problems.
type materialChecker struct {
	p                      Product
	m                      Model
	mat                    Material
	tls, asks, crls, users bool
	problems               []Problem
}

func (c *materialChecker) add(severity channels.Severity, path, format string, args ...any) {
	line, column := c.m.At(path)
	c.problems = append(c.problems, Problem{Problem: channels.Problem{
		Line: line, Column: column, Path: path, Severity: severity, Text: fmt.Sprintf(format, args...)}})
}

func (c *materialChecker) fail(path, format string, args ...any) {
	c.add(channels.Error, path, format, args...)
}

// server checks the server's identity.
func (c *materialChecker) server() {
	leaf := c.mat.Server.Leaf()
	if leaf == nil || leaf.X509 == nil || c.mat.Server.Key == nil || c.mat.Server.Key.Signer == nil {
		c.fail("server", "the key and certificate of the server %q are missing or cannot be read", c.m.Server)
		return
	}
	public, ok := leaf.X509.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(c.mat.Server.Key.Signer.Public()) {
		c.fail("server", "the key of the server %q is not that of its certificate", c.m.Server)
	}
	if c.mat.Now.After(leaf.X509.NotAfter) {
		c.fail("server", "the certificate of the server %q expired on %s", c.m.Server, leaf.X509.NotAfter.UTC().Format(time.DateOnly))
	}
	for _, p := range c.m.CheckServer(leaf.X509) {
		c.problems = append(c.problems, Problem{Problem: p})
	}
}

// trust checks the trusted CAs and their CRLs.
func (c *materialChecker) trust() {
	for i := range c.m.Trust {
		path := fmt.Sprintf("trust[%d]", i)
		if i >= len(c.mat.Trust) || len(c.mat.Trust[i].Anchors) == 0 {
			c.fail(path+".ca", "the certificate of the CA %q is missing or cannot be read", c.m.Trust[i].CA)
			continue
		}
		for _, anchor := range c.mat.Trust[i].Anchors {
			if c.p.Roots && (anchor.X509 == nil || !bytes.Equal(anchor.X509.RawIssuer, anchor.X509.RawSubject)) {
				c.fail(path+".ca", "%q is no root, and %s trusts nobody below it without the root in the same file", anchor.Subject(), c.p.Title)
			}
		}
		if c.crls {
			c.crl(path, c.mat.Trust[i])
		}
	}
}

// crl checks that each CA that issues to clients has a current CRL: without one a broker refuses all its clients.
func (c *materialChecker) crl(path string, t TrustMaterial) {
	issuers := t.Intermediates
	if len(issuers) == 0 {
		issuers = t.Anchors
	}
	for _, issuer := range issuers {
		if issuer.X509 == nil {
			c.fail(path+".ca", "a certificate of a CA cannot be read")
			continue
		}
		found := false
		for _, der := range t.CRLs {
			list, err := x509.ParseRevocationList(der)
			if err != nil {
				c.fail(path+".crl", "a CRL cannot be read: %v", err)
				continue
			}
			if !bytes.Equal(list.RawIssuer, issuer.X509.RawSubject) || list.CheckSignatureFrom(issuer.X509) != nil {
				continue
			}
			found = true
			if !list.NextUpdate.IsZero() && c.mat.Now.After(list.NextUpdate) {
				c.fail(path+".crl", "the CRL of %q was due for renewal on %s: brokers refuse every client with a stale CRL", issuer.Subject(), list.NextUpdate.UTC().Format(time.RFC3339))
			}
		}
		if !found {
			c.fail(path+".crl", "there is no CRL of %q", issuer.Subject())
		}
	}
}

// KeyPEM returns a private key as unencrypted PKCS#8 PEM.
func KeyPEM(k *keystore.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k.PKCS8})
}

// CRLsPEM returns CRLs as one PEM file.
func CRLsPEM(lists [][]byte) []byte {
	var b bytes.Buffer
	for _, der := range lists {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	}
	return b.Bytes()
}

// AllCRLs returns the CRLs of every trusted CA.
func (mat Material) AllCRLs() [][]byte {
	var all [][]byte
	for _, t := range mat.Trust {
		all = append(all, t.CRLs...)
	}
	return all
}

// SplitCRLs tells the CRLs of intermediates from the others.
func (t TrustMaterial) SplitCRLs() (intermediates, others [][]byte) {
	for _, der := range t.CRLs {
		list, err := x509.ParseRevocationList(der)
		if err == nil && slices.ContainsFunc(t.Intermediates, func(c keystore.Certificate) bool {
			return c.X509 != nil && bytes.Equal(c.X509.RawSubject, list.RawIssuer)
		}) {
			intermediates = append(intermediates, der)
		} else {
			others = append(others, der)
		}
	}
	return intermediates, others
}

// ClientCAs returns every certificate that a broker needs to verify clients: CAs under an anchor first, so that a
// client that sends its leaf alone is verified too; each once.
func (mat Material) ClientCAs() []keystore.Certificate {
	var all []keystore.Certificate
	add := func(certs []keystore.Certificate) {
		for _, c := range certs {
			known := false
			for _, other := range all {
				known = known || other.Equal(c)
			}
			if !known {
				all = append(all, c)
			}
		}
	}
	for _, t := range mat.Trust {
		add(t.Intermediates)
		add(t.Anchors)
	}
	return all
}
