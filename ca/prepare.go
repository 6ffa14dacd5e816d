package ca

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/ca/lint"
	"github.com/mqttpki/mqttpki/keystore"
)

// Prepared is a certificate that was decided on and found in order, and lacks only serial and signature.
type Prepared struct {
	Role     Role
	Name     string
	Template *x509.Certificate
	Notices  []Notice
}

// Prepare turns a request into a template under a profile, and lints it. Issuers are the CA that will sign and those
// above it, nearest first. It fails with ErrPolicy, and signs and stores nothing.
func Prepare(profile Profile, req Request, issuers []*x509.Certificate, now time.Time) (*Prepared, error) {
	p, err := prepare(profile, req, issuers, now)
	if err != nil {
		return nil, fmt.Errorf("preparing a certificate for %s %s: %w", req.Role, shortQuote(req.Name), err)
	}
	return p, nil
}

func prepare(profile Profile, req Request, issuers []*x509.Certificate, now time.Time) (*Prepared, error) {
	if _, err := ParseRole(string(req.Role)); err != nil {
		return nil, err
	}
	if len(issuers) == 0 {
		return nil, policy("there is no issuer")
	}
	p := &Prepared{Role: req.Role, Name: req.Name}
	template, err := p.leaf(profile, req, issuers)
	if err != nil {
		return nil, err
	}
	p.Template = template
	if err := p.setValidity(profile, req, issuers[0], now); err != nil {
		return nil, err
	}
	template.CRLDistributionPoints = profile.CRLURLs
	template.IssuingCertificateURL = profile.IssuerURLs
	if template.AuthorityKeyId, err = keyIDOf(issuers[0]); err != nil {
		return nil, err
	}
	return p, lintError(lint.Leaf(template, issuers))
}

// leaf makes the names, key and usages. Issuers, where there are any, are asked for name constraints only.
func (p *Prepared) leaf(profile Profile, req Request, issuers []*x509.Certificate) (*x509.Certificate, error) {
	notices, err := CheckKey(req.PublicKey)
	if err != nil {
		return nil, err
	}
	p.Notices = append(p.Notices, notices...)
	sans, err := p.names(req, issuers)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		PublicKey:             req.PublicKey,
		BasicConstraintsValid: true,
		KeyUsage:              leafKeyUsage(req),
		ExtKeyUsage:           req.Role.extKeyUsages(),
	}
	if err := applySANs(template, sans); err != nil {
		return nil, err
	}
	subject := req.Subject
	if len(subject) == 0 {
		subject = commonSubject(profile.Subject, req)
	}
	if err := checkSubject(subject, req); err != nil {
		return nil, err
	}
	if template.RawSubject, err = subject.DER(); err != nil {
		return nil, err
	}
	template.SubjectKeyId, err = subjectKeyID(req.PublicKey)
	return template, err
}

// leafKeyUsage is digitalSignature, which TLS 1.3 and every ECDHE suite need. RSA servers also get keyEncipherment: the
// only SHA-2 suites of IBM MQ 7.5 and of many devices carry the session key to the server by RSA (RFC 5246 section
// 7.4.2), and a client's certificate never does that.
func leafKeyUsage(req Request) x509.KeyUsage {
	usage := x509.KeyUsageDigitalSignature
	if _, isRSA := req.PublicKey.(*rsa.PublicKey); isRSA && req.Role != RoleClient {
		usage |= x509.KeyUsageKeyEncipherment
	}
	return usage
}

// names checks what the identity is called and returns its alternative names.
func (p *Prepared) names(req Request, issuers []*x509.Certificate) ([]SAN, error) {
	if req.Role.ConnectsAsClient() {
		notices, err := CheckClientName(req.Name, req.AllowName)
		if err != nil {
			return nil, err
		}
		p.Notices = append(p.Notices, notices...)
		own := ClientSAN(req.Name)
		if own.Kind == SANDNS && !lint.PermitsDNS(issuers, own.Value) {
			// The CA may not sign for this host name, but the client is none: it only looks like one.
			own = SAN{SANURI, ClientURN(req.Name)}
		}
		if slices.ContainsFunc(req.SANs, func(s SAN) bool { return s.Kind == own.Kind && !strings.EqualFold(s.Value, own.Value) }) {
			p.Notices = append(p.Notices, warn("several-sans", "with several %s names the certificate is no identity on listeners that take the user from them", own.Kind))
		}
		return append([]SAN{own}, req.SANs...), nil
	}
	if err := checkServerName(req.Name); err != nil {
		return nil, err
	}
	if req.SANs != nil {
		return req.SANs, nil
	}
	sans, notices, err := ServerSANs(req.Name)
	p.Notices = append(p.Notices, notices...)
	return sans, err
}

// checkServerName is for names that are host names mostly, and only folders and common names otherwise.
func checkServerName(name string) error {
	const longest = 253 // a host name
	if len(name) > longest {
		return policy("a server's name has at most %d characters", longest)
	}
	if utf8.RuneCountInString(name) > maxCommonName && isHostName(strings.TrimPrefix(name, "*.")) {
		return nil
	}
	return checkAnyName(name)
}

// commonSubject is the profile's subject with the name as CN. A host name too long for a CN is left to the
// alternative names, which is where TLS clients look.
func commonSubject(base keystore.Name, req Request) keystore.Name {
	subject := slices.Clone(base)
	if utf8.RuneCountInString(req.Name) <= maxCommonName {
		subject = append(subject, keystore.RDN{keystore.TextAttribute(keystore.OIDCommonName, req.Name)})
	}
	return subject
}

// checkSubject keeps a client's CN and name one: brokers take the user from it, and two CNs are no identity.
func checkSubject(subject keystore.Name, req Request) error {
	if !req.Role.ConnectsAsClient() {
		return nil
	}
	if cns := subject.Values(keystore.OIDCommonName); len(cns) != 1 || cns[0] != req.Name {
		return policy("the subject %s must have the name as its only CN: it becomes the user", shortQuote(subject.String()))
	}
	return nil
}

// setValidity sets notBefore and notAfter within the issuer's.
func (p *Prepared) setValidity(profile Profile, req Request, issuer *x509.Certificate, now time.Time) error {
	t := p.Template
	if !req.NotBefore.IsZero() || !req.NotAfter.IsZero() {
		t.NotBefore, t.NotAfter = req.NotBefore.UTC().Truncate(time.Second), req.NotAfter.UTC().Truncate(time.Second)
		if !t.NotBefore.Before(t.NotAfter) {
			return policy("the validity ends before it begins")
		}
		return nil
	}
	backdate, err := profile.backdate()
	if err != nil {
		return err
	}
	now = now.UTC().Truncate(time.Second)
	if !now.Before(issuer.NotAfter) {
		return policy("the issuer %s expired on %s", shortQuote(issuer.Subject.String()), issuer.NotAfter.Format(time.DateOnly))
	}
	t.NotBefore = now.Add(-backdate)
	if t.NotBefore.Before(issuer.NotBefore) {
		t.NotBefore = issuer.NotBefore
	}
	validity, asked := req.Validity, req.Validity != 0
	if !asked {
		validity = orDuration(profile.Validity, req.Role.defaultValidity())
	}
	if validity < time.Second {
		return policy("a validity of %v", validity)
	}
	t.NotAfter = now.Add(validity).Truncate(time.Second)
	if t.NotAfter.After(issuer.NotAfter) {
		if asked {
			return policy("it would be valid until %s, but its issuer only until %s",
				t.NotAfter.Format(time.DateOnly), issuer.NotAfter.Format(time.DateOnly))
		}
		t.NotAfter = issuer.NotAfter
		p.Notices = append(p.Notices, warn("validity-cut", "the validity was cut to %s, when the issuer expires", t.NotAfter.Format(time.DateOnly)))
	}
	return nil
}

// keyIDOf returns what an authorityKeyIdentifier calls an issuer: its own key identifier, or where an imported CA has
// none, the one we would have given it.
func keyIDOf(issuer *x509.Certificate) ([]byte, error) {
	if len(issuer.SubjectKeyId) > 0 {
		return issuer.SubjectKeyId, nil
	}
	return subjectKeyID(issuer.PublicKey)
}

// lintError turns findings into one error of kind ErrPolicy, or nil.
func lintError(findings []lint.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.String()
	}
	return policy("%s", strings.Join(texts, "; "))
}
