// Package lint says what a certificate or CRL may not be, before it is signed: an own, short list of rules from RFC
// 5280 and from what the TLS libraries of MQTT brokers and clients refuse.
//
// It looks at templates as well as at parsed certificates. The tests run zlint with hundreds of rules over everything
// this program makes; why it is not asked at run time stands in docs/decisions/0003-zlint-in-tests.md.
package lint

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/url"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Finding is a rule that was broken.
type Finding struct {
	Rule   string // stable, kebab-case
	Clause string // where it stands
	Text   string // what is wrong with this certificate
}

// String returns "TEXT (CLAUSE)".
func (f Finding) String() string { return f.Text + " (" + f.Clause + ")" }

// rule is one thing that may not be. Its check returns what is wrong, or "".
type rule struct {
	name   string
	clause string
	check  func(c *x509.Certificate) string
}

// anyRules hold for every certificate.
var anyRules = []rule{
	{"validity-order", "RFC 5280 section 4.1.2.5", func(c *x509.Certificate) string {
		return unless(c.NotBefore.Before(c.NotAfter), "notAfter is not behind notBefore")
	}},
	{"validity-years", "RFC 5280 section 4.1.2.5", func(c *x509.Certificate) string {
		return unless(c.NotBefore.Year() >= 1950 && c.NotAfter.Year() <= 9999, "a year outside 1950 to 9999")
	}},
	{"subject-encoding", "RFC 5280 section 4.1.2.6 and appendix A.1", checkSubject},
	{"key-strength", "NIST SP 800-131A; RFC 5480", checkKey},
	{"key-identifiers", "RFC 5280 sections 4.2.1.1 and 4.2.1.2", func(c *x509.Certificate) string {
		return unless(len(c.SubjectKeyId) > 0 && len(c.AuthorityKeyId) > 0, "subject or authority key identifier is missing")
	}},
	{"basic-constraints", "RFC 5280 section 4.2.1.9", func(c *x509.Certificate) string {
		return unless(c.BasicConstraintsValid, "basicConstraints is missing")
	}},
	{"key-usage", "RFC 5280 section 4.2.1.3", func(c *x509.Certificate) string {
		return unless(c.KeyUsage != 0, "keyUsage is missing")
	}},
}

// leafRules hold for servers and clients.
var leafRules = []rule{
	{"leaf-no-ca", "RFC 5280 section 4.2.1.9", func(c *x509.Certificate) string {
		return unless(!c.IsCA && c.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) == 0, "a leaf may not sign certificates or CRLs")
	}},
	{"leaf-key-usage", "RFC 5280 section 4.2.1.3, RFC 8813 section 3", checkLeafUsage},
	{"leaf-extended-key-usage", "RFC 5280 section 4.2.1.12", checkExtKeyUsage},
	{"leaf-names", "RFC 9525 section 4.1", func(c *x509.Certificate) string {
		return unless(len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs)+len(c.EmailAddresses) > 0, "it has no subjectAltName")
	}},
	{"names-syntax", "RFC 5280 section 4.2.1.6", checkNames},
	{"urls", "RFC 5280 sections 4.2.1.13 and 4.2.2.1", checkURLs},
}

// caRules hold for root and issuing CAs.
var caRules = []rule{
	{"ca-usage", "RFC 5280 sections 4.2.1.3 and 4.2.1.9", func(c *x509.Certificate) string {
		const need = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		return unless(c.IsCA && c.KeyUsage&need == need, "a CA needs cA, keyCertSign and cRLSign")
	}},
	{"ca-no-tls", "RFC 5280 section 4.2.1.12", func(c *x509.Certificate) string {
		return unless(len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0, "a CA certificate is not for TLS")
	}},
	{"ca-subject", "RFC 5280 section 4.1.2.6", func(c *x509.Certificate) string {
		name, err := keystore.ParseName(c.RawSubject)
		return unless(err == nil && len(name) > 0, "a CA needs a subject")
	}},
}

// Leaf checks the certificate, or template, of a server or client. Issuers are the CAs above it, nearest first.
func Leaf(c *x509.Certificate, issuers []*x509.Certificate) []Finding {
	return append(run(c, anyRules, leafRules), underIssuers(c, issuers)...)
}

// SelfSigned checks a leaf that has no issuer but itself.
func SelfSigned(c *x509.Certificate) []Finding { return run(c, anyRules, leafRules) }

// CA checks the certificate, or template, of a CA. Issuers are those above it; a root has none.
func CA(c *x509.Certificate, issuers []*x509.Certificate) []Finding {
	return append(run(c, anyRules, caRules), underIssuers(c, issuers)...)
}

func run(c *x509.Certificate, sets ...[]rule) []Finding {
	var found []Finding
	for _, set := range sets {
		for _, r := range set {
			if text := r.check(c); text != "" {
				found = append(found, Finding{r.name, r.clause, text})
			}
		}
	}
	return found
}

// Serial checks a serial number.
func Serial(serial *big.Int) []Finding {
	const rule, clause = "serial", "RFC 5280 section 4.1.2.2"
	switch {
	case serial == nil || serial.Sign() <= 0:
		return []Finding{{rule, clause, "the serial number is not positive"}}
	case serial.BitLen() > 159:
		return []Finding{{rule, clause, "the serial number takes more than 20 bytes"}}
	case serial.BitLen() < 64:
		return []Finding{{rule, "CA/Browser Forum baseline requirements 7.1", "the serial number has fewer than 64 bits"}}
	}
	return nil
}

// unless returns text when ok is false.
func unless(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

func checkKey(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return unless(key.N.BitLen() >= 2048 && key.E >= 65537 && key.E%2 == 1, "the RSA key is too weak")
	case *ecdsa.PublicKey:
		return unless(key.Curve.Params().BitSize >= 256, "the curve is too small")
	case ed25519.PublicKey:
		return ""
	}
	return fmt.Sprintf("a key of type %T", c.PublicKey)
}

func checkLeafUsage(c *x509.Certificate) string {
	allowed := x509.KeyUsageDigitalSignature
	if _, isRSA := c.PublicKey.(*rsa.PublicKey); isRSA {
		allowed |= x509.KeyUsageKeyEncipherment
	}
	return unless(c.KeyUsage&^allowed == 0 && c.KeyUsage&x509.KeyUsageDigitalSignature != 0, "keyUsage does not fit the key's algorithm and TLS")
}

func checkExtKeyUsage(c *x509.Certificate) string {
	if len(c.ExtKeyUsage) == 0 || len(c.UnknownExtKeyUsage) > 0 {
		return "extendedKeyUsage is missing or unknown"
	}
	for _, usage := range c.ExtKeyUsage {
		if usage != x509.ExtKeyUsageServerAuth && usage != x509.ExtKeyUsageClientAuth {
			return "extendedKeyUsage holds more than serverAuth and clientAuth"
		}
	}
	return ""
}

// checkURLs wants plain http: fetching a CRL over TLS would need the CRL.
func checkURLs(c *x509.Certificate) string {
	for _, list := range [][]string{c.CRLDistributionPoints, c.IssuingCertificateURL, c.OCSPServer} {
		for _, text := range list {
			u, err := url.Parse(text)
			if err != nil || !strings.EqualFold(u.Scheme, "http") || u.Host == "" {
				return fmt.Sprintf("%q is not an http URL", text)
			}
		}
	}
	return ""
}
