package channels

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// checker collects problems with their places.
type checker struct {
	d        *Deployment
	problems Problems
}

func (c *checker) add(severity Severity, path, format string, args ...any) {
	line, column := c.d.At(path)
	c.problems = append(c.problems, Problem{line, column, path, severity, fmt.Sprintf(format, args...)})
}

func (c *checker) fail(path, format string, args ...any) { c.add(Error, path, format, args...) }
func (c *checker) warn(path, format string, args ...any) { c.add(Warning, path, format, args...) }

// oneOf fails unless value is one of the allowed ones, and reports whether it is.
func oneOf[S ~string](c *checker, path string, value S, allowed ...S) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	c.fail(path, "%q is not one of %s", value, strings.Join(words, ", "))
	return false
}

// Validate checks everything that the model alone can tell, defaults being filled in. It returns errors and warnings,
// all at once.
func (d *Deployment) Validate() Problems {
	c := &checker{d: d}
	if d.Schema != Schema {
		c.fail("schema", "%q is not %q, the only one that this version reads", d.Schema, Schema)
	}
	c.server()
	c.trust()
	c.listeners()
	c.access()
	c.problems.sort()
	return c.problems
}

// any reports whether a listener is of some kind.
func (c *checker) any(is func(l *Listener) bool) bool {
	for i := range c.d.Listeners {
		if is(&c.d.Listeners[i]) {
			return true
		}
	}
	return false
}

// server checks the name of the server's identity.
func (c *checker) server() {
	if c.d.Server == "" && c.any(func(l *Listener) bool { return l.Transport.Encrypted() }) {
		c.fail("server", "no server is named, and a listener with TLS needs its key and certificate")
	}
	if strings.ContainsFunc(c.d.Server, unicode.IsControl) || len(c.d.Server) > 253 {
		c.fail("server", "a server's name has at most 253 bytes and no control characters")
	}
}

// trust checks whose clients may connect.
func (c *checker) trust() {
	asks := c.any(func(l *Listener) bool { return l.ClientCertificate != CertificateNone })
	revokes := c.any(func(l *Listener) bool { return l.ClientCertificate != CertificateNone && c.d.UsesCRL(l) })
	if asks && len(c.d.Trust) == 0 {
		c.fail("trust", "a listener asks for client certificates, and no CA is trusted")
	}
	seen := map[string]bool{}
	for i, t := range c.d.Trust {
		path := fmt.Sprintf("trust[%d]", i)
		switch {
		case t.CA == "":
			c.fail(path+".ca", `no CA is named; "self" is this PKI`)
		case seen[t.CA]:
			c.fail(path+".ca", "the CA %q stands there before", t.CA)
		case t.CA != Self && t.Users == "":
			c.fail(path+".users", "a CA other than self must be bounded to the users it may name")
		case t.CA != Self && t.Users == "*":
			c.warn(path+".users", "the CA %q may name every user, also those of this PKI", t.CA)
		}
		seen[t.CA] = true
		c.file(path+".ca", t.CA)
		c.file(path+".crl", t.CRL)
		if t.Users != "" {
			c.pattern(path+".users", t.Users)
		}
		if t.CRL == Self && t.CA != Self {
			c.fail(path+".crl", "the CRL of this PKI says nothing about the clients of %q", t.CA)
		}
		if revokes && t.CRL == "" {
			c.fail(path+".crl", "a listener checks certificates against CRLs, and this CA has none")
		}
	}
}

// file checks the name of a file beside the model.
func (c *checker) file(path, name string) {
	if strings.ContainsFunc(name, unicode.IsControl) || len(name) > 1024 {
		c.fail(path, "a file's name has at most 1024 bytes and no control characters")
	}
}

// pattern checks a user name or a pattern of them.
func (c *checker) pattern(path, who string) {
	if who == "" || len(who) > 256 || strings.ContainsFunc(who, unicode.IsControl) {
		c.fail(path, "a user pattern has 1 to 256 bytes and no control characters")
	}
}

// access checks the rules.
func (c *checker) access() {
	if len(c.d.Access) == 0 {
		c.warn("access", "there is no access rule: everybody is denied everything")
	}
	for i, r := range c.d.Access {
		path := fmt.Sprintf("access[%d]", i)
		c.pattern(path+".who", r.Who)
		if len(r.Allow) == 0 {
			c.fail(path+".allow", "the rule allows nothing; publish, subscribe or both")
		}
		for j, a := range r.Allow {
			at := fmt.Sprintf("%s.allow[%d]", path, j)
			if oneOf(c, at, a, Publish, Subscribe) && slices.Index(r.Allow, a) < j {
				c.fail(at, "%s stands there before", a)
			}
		}
		if len(r.Topics) == 0 {
			c.fail(path+".topics", "the rule names no topics")
		}
		for j, topic := range r.Topics {
			if why := checkFilter(topic); why != "" {
				c.fail(fmt.Sprintf("%s.topics[%d]", path, j), "topic filter %q: %s", topic, why)
			}
		}
	}
}

// hostName is a DNS name of at least one letter, so that numbers are told from it. Like other patterns with counted
// repeats it is compiled when it is first used: together they cost every start of the program a millisecond.
var hostName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$`)
})

// CheckServer checks that the server's certificate covers the hosts that clients dial: the server's own name where it
// is a host name or an address, which is an error, and addresses that listeners with TLS bind, which is a warning.
func (d *Deployment) CheckServer(cert *x509.Certificate) Problems {
	c := &checker{d: d}
	address, err := netip.ParseAddr(d.Server)
	if (err == nil || hostName().MatchString(d.Server)) && cert.VerifyHostname(hostOf(d.Server, address)) != nil {
		c.fail("server", "the server's certificate does not cover %q, which clients dial", d.Server)
	}
	if len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0 {
		c.fail("server", "the server's certificate has no DNS name and no address as subject alternative name: every client refuses it")
	}
	for i, l := range d.Listeners {
		bound, err := netip.ParseAddr(l.Bind)
		if err != nil || bound.IsUnspecified() || !l.Transport.Encrypted() || cert.VerifyHostname(hostOf(l.Bind, bound)) == nil {
			continue
		}
		c.warn(fmt.Sprintf("listeners[%d].bind", i), "the server's certificate does not cover the address %s: clients must dial a name that it has", l.Bind)
	}
	return c.problems
}

// hostOf returns a host as x509's VerifyHostname takes it: a wildcard by a name that it covers, IPv6 in brackets.
func hostOf(name string, address netip.Addr) string {
	if address.Is6() {
		return "[" + name + "]"
	}
	if rest, wildcard := strings.CutPrefix(name, "*."); wildcard {
		return "any." + rest
	}
	return name
}
