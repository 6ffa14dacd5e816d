package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// entry prints one entry at length.
func (p reportPrinter) entry(e *inspect.Entry, verbose bool) {
	p.line("")
	if e.Alias != "" {
		p.line("alias: %s", e.Alias)
	}
	p.line("type: %s", typeText(e))
	if e.Created != nil {
		p.line("created: %s", e.Created.Format(time.RFC3339))
	}
	if e.Locked != "" {
		p.line("locked: %s", e.Locked)
	}
	if e.Key != nil && len(e.Certificates) == 0 { // nothing else shows to which certificate it belongs
		p.field("public", e.Key.PublicSHA256)
	}
	if r := e.Request; r != nil {
		p.field("subject", r.Subject)
		p.field("names", strings.Join(r.SANs, ", "))
		p.field("signature", r.SignatureAlgorithm+signatureText(r))
	}
	if l := e.CRL; l != nil {
		p.field("issuer", l.Issuer)
		p.field("number", l.Number)
		next := "no next update"
		if l.NextUpdate != nil {
			next = "next " + l.NextUpdate.Format(time.RFC3339)
		}
		p.field("updated", l.ThisUpdate.Format(time.RFC3339)+", "+next)
		p.field("revoked", counted(l.Revoked, "certificate"))
	}
	for i := range e.Certificates {
		if len(e.Certificates) > 1 {
			p.line("certificate: %d of %d", i+1, len(e.Certificates))
		}
		p.certificate(&e.Certificates[i], verbose)
	}
}

// signatureText says of a request's signature what is wrong with it.
func signatureText(r *inspect.Request) string {
	switch {
	case r.SignatureUnchecked:
		return ", not checked"
	case !r.SignatureValid:
		return ", which does not fit"
	}
	return ""
}

// typeText says what an entry is.
func typeText(e *inspect.Entry) string {
	text := map[string]string{
		"key": "private key", "trusted": "trusted certificate", "certificate": "certificate", "request": "certificate request",
		"crl": "revocation list", "secret": "secret key", "public-key": "public key",
	}[e.Type]
	if e.Key != nil {
		text += ", " + keyText(e.Key)
	}
	if e.Type == "key" && len(e.Certificates) > 0 {
		text += ", " + counted(len(e.Certificates), "certificate")
	}
	return text
}

// keyText is the algorithm with what tells its strength.
func keyText(k *inspect.Key) string {
	switch {
	case k.Algorithm == "":
		return "of an unknown algorithm"
	case k.Curve != "":
		return k.Algorithm + " " + k.Curve
	case k.Bits > 0 && k.Algorithm != "Ed25519" && k.Algorithm != "X25519":
		return fmt.Sprintf("%s %d", k.Algorithm, k.Bits)
	}
	return k.Algorithm
}

// field prints an indented name and value, nothing for an empty value.
func (p reportPrinter) field(name, value string) {
	if value != "" {
		p.wrapped(fmt.Sprintf("  %-10s ", name+":"), value)
	}
}

// certificate prints one certificate.
func (p reportPrinter) certificate(c *inspect.Certificate, verbose bool) {
	if c.Subject == "" && c.Serial == "" {
		p.line("  a certificate that does not follow RFC 5280")
		p.field("sha256", c.SHA256)
		return
	}
	p.field("subject", c.Subject)
	if c.SelfSigned {
		p.field("issuer", "itself")
	} else {
		p.field("issuer", c.Issuer)
	}
	p.field("names", strings.Join(c.SANs, ", "))
	p.field("valid", fmt.Sprintf("%s to %s (%s)", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), untilText(c)))
	p.field("role", roleText(c))
	p.field("usage", strings.Join(append(c.KeyUsage[:len(c.KeyUsage):len(c.KeyUsage)], c.EKU...), ", "))
	p.field("key", keyText(&c.Key))
	p.field("signature", c.SignatureAlgorithm)
	p.field("serial", c.Serial)
	p.field("sha256", c.SHA256)
	p.field("sha1", c.SHA1)
	if !verbose {
		return
	}
	p.field("key id", c.SubjectKeyID)
	p.field("signer id", c.AuthorityKeyID)
	p.field("public", c.Key.PublicSHA256)
	p.field("CRL", strings.Join(c.CRLs, " "))
	p.field("OCSP", strings.Join(c.OCSP, " "))
}

// roleText is what the certificate is for; of a CA also how far below it there may be others.
func roleText(c *inspect.Certificate) string {
	if c.PathLength == nil {
		return c.Role
	}
	return fmt.Sprintf("%s, at most %s below it", c.Role, counted(*c.PathLength, "CA"))
}

// untilText says how long a certificate is good yet, whose dates are known.
func untilText(c *inspect.Certificate) string {
	if *c.DaysLeft < 0 {
		return "expired " + counted(-*c.DaysLeft, "day") + " ago"
	}
	return counted(*c.DaysLeft, "day") + " left"
}
