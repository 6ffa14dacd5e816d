package lint

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// underIssuers checks what the CAs above a certificate demand of it.
func underIssuers(c *x509.Certificate, issuers []*x509.Certificate) []Finding {
	var found []Finding
	for i, issuer := range issuers {
		if c.NotAfter.After(issuer.NotAfter) {
			found = append(found, Finding{"outlives-issuer", "RFC 5280 section 6.1.3",
				fmt.Sprintf("it would outlive %s", issuer.Subject)})
		}
		below := i // CAs between issuer and c
		if c.IsCA {
			below++
		}
		if limited := issuer.MaxPathLen > 0 || issuer.MaxPathLenZero; limited && below > issuer.MaxPathLen {
			found = append(found, Finding{"path-length", "RFC 5280 section 4.2.1.9",
				fmt.Sprintf("%s allows %d CAs below it", issuer.Subject, issuer.MaxPathLen)})
		}
		if text := outsideConstraints(c, issuer); text != "" {
			found = append(found, Finding{"name-constraints", "RFC 5280 section 4.2.1.10",
				fmt.Sprintf("%s: %s", issuer.Subject, text)})
		}
	}
	return found
}

// PermitsDNS reports whether all issuers' name constraints let a host name pass.
func PermitsDNS(issuers []*x509.Certificate, name string) bool {
	for _, issuer := range issuers {
		if outsideConstraints(&x509.Certificate{DNSNames: []string{name}}, issuer) != "" {
			return false
		}
	}
	return true
}

// outsideConstraints returns which name of c the issuer's name constraints forbid, or "".
func outsideConstraints(c, issuer *x509.Certificate) string {
	for _, name := range c.DNSNames {
		if !within(name, issuer.PermittedDNSDomains, issuer.ExcludedDNSDomains, matchDNS) {
			return fmt.Sprintf("host name %q is outside its name constraints", name)
		}
	}
	for _, ip := range c.IPAddresses {
		if !within(ip, issuer.PermittedIPRanges, issuer.ExcludedIPRanges, matchIP) {
			return fmt.Sprintf("address %s is outside its name constraints", ip)
		}
	}
	for _, address := range c.EmailAddresses {
		if !within(address, issuer.PermittedEmailAddresses, issuer.ExcludedEmailAddresses, matchEmail) {
			return fmt.Sprintf("e-mail address %q is outside its name constraints", address)
		}
	}
	for _, u := range c.URIs {
		constrained := len(issuer.PermittedURIDomains)+len(issuer.ExcludedURIDomains) > 0
		if constrained && u.Host == "" || !within(u, issuer.PermittedURIDomains, issuer.ExcludedURIDomains, matchURI) {
			return fmt.Sprintf("URI %q is outside its name constraints", u)
		}
	}
	return ""
}

// within applies permitted and excluded subtrees of one kind: nothing excluded, and something permitted if anything is.
func within[N, C any](name N, permitted, excluded []C, match func(N, C) bool) bool {
	for _, constraint := range excluded {
		if match(name, constraint) {
			return false
		}
	}
	for _, constraint := range permitted {
		if match(name, constraint) {
			return true
		}
	}
	return len(permitted) == 0
}

// matchDNS: the constraint's domain and what is below it; one that begins with a dot, below only.
func matchDNS(name, constraint string) bool {
	name = strings.ToLower(strings.TrimPrefix(name, "*."))
	constraint = strings.ToLower(constraint)
	if constraint == "" {
		return true
	}
	if strings.HasPrefix(constraint, ".") {
		return strings.HasSuffix(name, constraint)
	}
	return name == constraint || strings.HasSuffix(name, "."+constraint)
}

func matchIP(ip net.IP, constraint *net.IPNet) bool {
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	return len(ip) == len(constraint.IP) && constraint.Contains(ip)
}

// matchEmail: a mailbox, a host, or, with a dot in front, all hosts of a domain.
func matchEmail(address, constraint string) bool {
	if strings.Contains(constraint, "@") {
		return address == constraint
	}
	return matchHost(address[strings.LastIndexByte(address, '@')+1:], constraint)
}

// matchURI goes by the host. A URI without one, as our URNs are, has to be refused wherever there is a constraint at
// all; the caller sees to that.
func matchURI(u *url.URL, constraint string) bool { return matchHost(u.Hostname(), constraint) }

func matchHost(host, constraint string) bool {
	host, constraint = strings.ToLower(host), strings.ToLower(constraint)
	if strings.HasPrefix(constraint, ".") {
		return strings.HasSuffix(host, constraint)
	}
	return host == constraint
}
