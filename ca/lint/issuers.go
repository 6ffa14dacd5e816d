package lint

import (
	"crypto/x509"
	"fmt"
	"net"
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
		if !within(name, issuer.PermittedDNSDomains, issuer.ExcludedDNSDomains, belowDomain, mayReach) {
			return fmt.Sprintf("host name %q is outside its name constraints", name)
		}
	}
	for _, ip := range c.IPAddresses {
		if !within(ip, issuer.PermittedIPRanges, issuer.ExcludedIPRanges, inNetwork, inNetwork) {
			return fmt.Sprintf("address %s is outside its name constraints", ip)
		}
	}
	for _, address := range c.EmailAddresses {
		if !within(address, issuer.PermittedEmailAddresses, issuer.ExcludedEmailAddresses, matchesMailbox, mayBeMailbox) {
			return fmt.Sprintf("e-mail address %q is outside its name constraints", address)
		}
	}
	for _, u := range c.URIs {
		// A URI without a host, as our URNs are, has to be refused wherever there is a constraint on URIs.
		constrained := len(issuer.PermittedURIDomains)+len(issuer.ExcludedURIDomains) > 0
		if constrained && u.Host == "" || !within(u.Hostname(), issuer.PermittedURIDomains, issuer.ExcludedURIDomains, matchesHost, belowDomain) {
			return fmt.Sprintf("URI %q is outside its name constraints", u)
		}
	}
	return ""
}

// within applies permitted and excluded subtrees of one kind: nothing excluded, and something permitted if anything is.
// Where RFC 5280 and the libraries differ (crypto/x509 takes a URI's host for a domain, OpenSSL does not), permits is the
// narrow reading and excludes the wide one, so that what passes here passes everywhere.
func within[N, C any](name N, permitted, excluded []C, permits, excludes func(N, C) bool) bool {
	for _, constraint := range excluded {
		if excludes(name, constraint) {
			return false
		}
	}
	for _, constraint := range permitted {
		if permits(name, constraint) {
			return true
		}
	}
	return len(permitted) == 0
}

// belowDomain: the constraint's domain and what is below it; with a dot in front, below only.
func belowDomain(name, constraint string) bool {
	name, constraint = strings.ToLower(strings.TrimPrefix(name, "*.")), strings.ToLower(constraint)
	if strings.HasPrefix(constraint, ".") {
		return strings.HasSuffix(name, constraint)
	}
	return constraint == "" || name == constraint || strings.HasSuffix(name, "."+constraint)
}

// mayReach is belowDomain, and for a wildcard also whether it covers a name in the domain.
func mayReach(name, constraint string) bool {
	base, wildcard := strings.CutPrefix(name, "*")
	return belowDomain(name, constraint) ||
		wildcard && strings.HasSuffix(strings.ToLower(constraint), strings.ToLower(base))
}

func inNetwork(ip net.IP, constraint *net.IPNet) bool {
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	return len(ip) == len(constraint.IP) && constraint.Contains(ip)
}

// matchesMailbox: a mailbox, a host, or, with a dot in front, all hosts of a domain.
func matchesMailbox(address, constraint string) bool {
	if strings.Contains(constraint, "@") {
		return address == constraint
	}
	return matchesHost(address[strings.LastIndexByte(address, '@')+1:], constraint)
}

// mayBeMailbox is matchesMailbox without regard to case, and with a host for its domain.
func mayBeMailbox(address, constraint string) bool {
	if strings.Contains(constraint, "@") {
		return strings.EqualFold(address, constraint)
	}
	return belowDomain(address[strings.LastIndexByte(address, '@')+1:], constraint)
}

func matchesHost(host, constraint string) bool {
	host, constraint = strings.ToLower(host), strings.ToLower(constraint)
	if strings.HasPrefix(constraint, ".") {
		return strings.HasSuffix(host, constraint)
	}
	return host == constraint
}
