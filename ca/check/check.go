// Package check validates a certificate chain as the other end of a TLS connection would: signatures up to an anchor,
// dates, constraints, purpose, host name, and revocation by CRLs that are at hand (RFC 5280 section 6).
//
// It fetches nothing and knows no files. The chain is untrusted: what crypto/x509 spends on building paths is bounded
// there (100 signature checks), and the number of certificates here. The anchors are trusted as they are: whoever has
// one in the list believes its key, self-signed or not.
package check

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxChain bounds a chain; TLS stacks take ten or so.
const maxChain = 100

// minRSABits is what OpenSSL's security level 1, and every current TLS stack, asks of an RSA key at least.
const minRSABits = 1024

// Purpose is what the leaf is to be used as.
type Purpose string

// The purposes; the zero value accepts any.
const (
	AnyPurpose Purpose = ""
	Server     Purpose = "server" // id-kp-serverAuth, RFC 5280 section 4.2.1.12
	Client     Purpose = "client" // id-kp-clientAuth
)

// Options say against what a chain is checked.
type Options struct {
	Anchors []keystore.Certificate // what is trusted; at least one
	CRLs    []*x509.RevocationList // empty: revocation is not asked about. Otherwise the leaf's issuer must have one
	At      time.Time              // when
	Purpose Purpose                // what the leaf must be good for
	Host    string                 // a DNS name or IP address that the leaf must cover; "": not asked
}

// Code says why a chain was refused. Codes are stable, kebab-case.
type Code string

// The codes.
const (
	Malformed      Code = "malformed"        // a certificate that crypto/x509 does not parse
	UnknownCA      Code = "unknown-ca"       // no path to an anchor
	BadSignature   Code = "bad-signature"    // an issuer of the right name did not sign it
	Expired        Code = "expired"          // a certificate of the path is past its notAfter
	NotYetValid    Code = "not-yet-valid"    // or before its notBefore
	NotACA         Code = "not-a-ca"         // an issuer may not issue: basicConstraints, keyUsage or path length
	Constraint     Code = "name-constraint"  // a name lies outside what a CA above may certify
	Policy         Code = "policy"           // the certificate policies of the path contradict each other
	Unsupported    Code = "critical-unknown" // a critical extension that is not understood
	WrongPurpose   Code = "wrong-purpose"    // the extended key usage does not allow it
	WrongUsage     Code = "wrong-key-usage"  // the key usage does not allow TLS
	WrongHost      Code = "wrong-host"       // no alternative name covers the host
	WeakKey        Code = "weak-key"         // an RSA key that no TLS stack takes any more
	WeakSignature  Code = "weak-signature"   // MD5 or SHA-1
	Revoked        Code = "revoked"          // on a CRL
	CRLMissing     Code = "crl-missing"      // CRLs were given, but none of the leaf's issuer
	CRLExpired     Code = "crl-expired"      // past its nextUpdate
	CRLNotYetValid Code = "crl-not-yet-valid"
	CRLBad         Code = "crl-bad" // its signature is wrong, or it has critical extensions not understood here
)

// Refusal is why a chain is not valid. It is an answer, not a failure of the check.
type Refusal struct {
	Code    Code
	Subject string // of the certificate it is about, as openssl -nameopt RFC2253 spells it; "" when there is none
	Text    string // one clause for a person
}

// Error returns subject and text.
func (r *Refusal) Error() string {
	if r.Subject == "" {
		return r.Text
	}
	return r.Subject + ": " + r.Text
}

// refuse makes a Refusal about a certificate.
func refuse(code Code, c *x509.Certificate, format string, args ...any) *Refusal {
	r := &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
	if c != nil {
		r.Subject = subject(c)
	}
	return r
}

func subject(c *x509.Certificate) string {
	if name, err := keystore.RFC2253(c.RawSubject); err == nil && name != "" {
		return name
	}
	return "serial " + c.SerialNumber.Text(16)
}

// Chain checks a chain, leaf first; the order of the rest does not matter. It returns the path that was found, leaf
// first and anchor last. The error is a [*Refusal] when the chain is not valid, or wraps keystore.ErrTooLarge.
func Chain(chain []keystore.Certificate, o Options) ([]*x509.Certificate, error) {
	if len(chain) > maxChain {
		return nil, fmt.Errorf("checking a chain: %w: %d certificates", keystore.ErrTooLarge, len(chain))
	}
	leaf, opts, err := verifyOptions(chain, o)
	if err != nil {
		return nil, err
	}
	paths, err := leaf.Verify(opts)
	if err != nil {
		return nil, explain(err, leaf, chain, o)
	}
	if refusal := checkLeaf(leaf, o); refusal != nil {
		return nil, refusal
	}
	var first error
	for _, path := range paths {
		refusal := checkPath(path, o)
		if refusal == nil {
			return path, nil
		}
		if first == nil {
			first = refusal
		}
	}
	return nil, first
}

// verifyOptions builds the pools.
func verifyOptions(chain []keystore.Certificate, o Options) (*x509.Certificate, x509.VerifyOptions, error) {
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: o.At,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, a := range o.Anchors {
		if a.X509 != nil {
			opts.Roots.AddCert(a.X509)
		}
	}
	if len(chain) == 0 {
		return nil, opts, refuse(Malformed, nil, "the chain holds no certificate")
	}
	if chain[0].X509 == nil {
		return nil, opts, refuse(Malformed, nil, "the leaf is no well-formed certificate")
	}
	for _, c := range chain[1:] {
		if c.X509 != nil { // one that is malformed cannot issue anything; the path may not need it
			opts.Intermediates.AddCert(c.X509)
		}
	}
	return chain[0].X509, opts, nil
}

// usages maps a purpose to the extended key usage that each certificate of the path has to allow.
var usages = map[Purpose]x509.ExtKeyUsage{Server: x509.ExtKeyUsageServerAuth, Client: x509.ExtKeyUsageClientAuth}

// checkLeaf checks what only the leaf has to answer for.
func checkLeaf(leaf *x509.Certificate, o Options) error {
	if o.Host != "" {
		if err := leaf.VerifyHostname(o.Host); err != nil {
			return refuse(WrongHost, leaf, "it is not for %q but for %s", o.Host, namesOf(leaf))
		}
	}
	if o.Purpose == AnyPurpose {
		return nil
	}
	// TLS 1.3 and the ECDHE suites sign; the RSA suites of TLS 1.2 need keyEncipherment of a server.
	allowed := x509.KeyUsageDigitalSignature
	if o.Purpose == Server {
		allowed |= x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement
	}
	if leaf.KeyUsage != 0 && leaf.KeyUsage&allowed == 0 {
		return refuse(WrongUsage, leaf, "its keyUsage does not allow TLS")
	}
	return nil
}

// namesOf lists what a leaf is for.
func namesOf(leaf *x509.Certificate) string {
	var names []string
	names = append(names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	const shown = 10
	switch {
	case len(names) == 0:
		return "no host at all (it has no DNS or IP alternative name)"
	case len(names) > shown:
		return fmt.Sprintf("%q and %d more", names[:shown], len(names)-shown)
	}
	return fmt.Sprintf("%q", names)
}

// checkPath checks one path that holds together: purpose, strength and revocation.
func checkPath(path []*x509.Certificate, o Options) error {
	if o.Purpose != AnyPurpose {
		for _, c := range path {
			if !allows(c, usages[o.Purpose]) {
				return refuse(WrongPurpose, c, "its extendedKeyUsage does not allow TLS %s authentication", o.Purpose)
			}
		}
	}
	for _, c := range path {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			return refuse(WeakKey, c, "its RSA key has %d bits", key.N.BitLen())
		}
	}
	if len(o.CRLs) > 0 {
		return checkRevocation(path, o)
	}
	return nil
}

// allows reports whether a certificate's extended key usage, where it has any, includes what is asked.
func allows(c *x509.Certificate, usage x509.ExtKeyUsage) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	for _, u := range c.ExtKeyUsage {
		if u == usage || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

// explain turns an error of crypto/x509 into a Refusal.
func explain(err error, leaf *x509.Certificate, chain []keystore.Certificate, o Options) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var critical x509.UnhandledCriticalExtension
	switch {
	case errors.As(err, &invalid):
		return explainInvalid(invalid, o.At)
	case errors.As(err, &critical):
		return refuse(Unsupported, nil, "%v", err)
	case errors.As(err, &unknown):
		return explainUnknown(unknown, leaf, chain, o)
	}
	return refuse(Malformed, leaf, "%v", err)
}

func explainInvalid(invalid x509.CertificateInvalidError, at time.Time) error {
	c := invalid.Cert
	switch invalid.Reason {
	case x509.Expired:
		if at.Before(c.NotBefore) {
			return refuse(NotYetValid, c, "it is valid from %s on", c.NotBefore.UTC().Format(time.RFC3339))
		}
		return refuse(Expired, c, "it expired on %s", c.NotAfter.UTC().Format(time.RFC3339))
	case x509.NotAuthorizedToSign:
		return refuse(NotACA, c, "it is no CA certificate, but has issued one")
	case x509.TooManyIntermediates:
		return refuse(NotACA, c, "its path length does not allow so many CAs below it")
	case x509.CANotAuthorizedForThisName, x509.CANotAuthorizedForExtKeyUsage, x509.NameConstraintsWithoutSANs,
		x509.UnconstrainedName, x509.TooManyConstraints:
		return refuse(Constraint, c, "a name is outside of its name constraints: %s", invalid.Detail)
	case x509.NoValidChains:
		return refuse(Policy, c, "%s", invalid.Detail)
	case x509.NameMismatch:
		return refuse(UnknownCA, c, "its subject is not the issuer named")
	}
	return refuse(Malformed, c, "%v", invalid)
}

// explainUnknown looks for the place at which the path to the anchors breaks off.
func explainUnknown(unknown x509.UnknownAuthorityError, leaf *x509.Certificate, chain []keystore.Certificate, o Options) error {
	known := append(append([]keystore.Certificate{}, chain...), o.Anchors...)
	at := leaf
	for range len(known) + 1 {
		if keystore.SelfIssued(at) {
			return refuse(UnknownCA, at, "it is self-signed and not among the trusted certificates")
		}
		issuer, refusal := findIssuer(at, known)
		if refusal != nil {
			return refusal
		}
		if issuer == nil {
			break
		}
		at = issuer
	}
	issuer, err := keystore.RFC2253(at.RawIssuer)
	if err != nil {
		return refuse(UnknownCA, leaf, "%v", unknown)
	}
	return refuse(UnknownCA, at, "its issuer %s is neither in the chain nor trusted", issuer)
}

// findIssuer returns the certificate that signed c; nil when none bears the issuer's name. A refusal says why all
// those of that name are none.
func findIssuer(c *x509.Certificate, known []keystore.Certificate) (*x509.Certificate, error) {
	var refusal error
	for _, k := range known {
		if k.X509 == nil || !bytes.Equal(k.X509.RawSubject, c.RawIssuer) {
			continue
		}
		err := c.CheckSignatureFrom(k.X509)
		var constraint x509.ConstraintViolationError
		var insecure x509.InsecureAlgorithmError
		switch {
		case err == nil:
			return k.X509, nil
		case errors.As(err, &constraint):
			refusal = refuse(NotACA, k.X509, "it is no CA certificate that may sign others, but has issued %s", subject(c))
		case errors.As(err, &insecure):
			refusal = refuse(WeakSignature, c, "it is signed with %v", c.SignatureAlgorithm)
		default:
			refusal = refuse(BadSignature, c, "%s did not sign it", subject(k.X509))
		}
	}
	return nil, refusal
}
