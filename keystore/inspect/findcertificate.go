package inspect

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

const (
	soon         = 30 * 24 * time.Hour  // how long before its end a certificate is worth a warning
	longValidity = 825 * 24 * time.Hour // what Apple's systems accept of a server's (Apple, HT210176)
)

// weakSignatures are those that no current TLS library accepts.
var weakSignatures = map[x509.SignatureAlgorithm]bool{
	x509.MD2WithRSA: true, x509.MD5WithRSA: true, x509.SHA1WithRSA: true, x509.DSAWithSHA1: true, x509.ECDSAWithSHA1: true,
}

// certificate judges one certificate.
func (f *finder) certificate(c keystore.Certificate, entry string) {
	x := parsed(c)
	if x == nil { // the decoder has said so
		if o := outlineOf(c.Raw); o != nil {
			subject := keystore.DistinguishedName(o.Subject.FullBytes)
			f.dates(entry, subject, o.Validity.NotBefore, o.Validity.NotAfter)
			f.key(describePublic(nil, o.Public.Raw), entry, subject+" has")
		}
		return
	}
	subject := keystore.DistinguishedName(x.RawSubject)
	f.dates(entry, subject, x.NotBefore, x.NotAfter)
	named := len(x.DNSNames)+len(x.IPAddresses)+len(x.URIs)+len(x.EmailAddresses) > 0
	if purpose := role(x); !named && purpose != "ca" && purpose != "client" {
		f.add("no-san", Warning, entry, "%s has no subject alternative name; today's clients do not look for a server's name anywhere else.", subject)
	}
	if slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && x.NotAfter.Sub(x.NotBefore) > longValidity && !isCA(x) {
		f.add("long-validity", Notice, entry, "%s is a server's and valid for more than 825 days, which Apple's systems do not accept.", subject)
	}
	f.key(describePublic(x.PublicKey, x.RawSubjectPublicKeyInfo), entry, subject+" has")
	if weakSignatures[x.SignatureAlgorithm] && !keystore.SelfIssued(x) { // nobody checks a root's own signature
		f.add("weak-signature", Error, entry, "%s is signed with %s, which today's readers refuse.", subject, x.SignatureAlgorithm)
	}
}

// dates judges when a certificate is valid.
func (f *finder) dates(entry, subject string, from, to time.Time) {
	switch {
	case f.now.After(to):
		f.add("expired", Error, entry, "%s expired on %s.", subject, to.UTC().Format(time.DateOnly))
	case f.now.Before(from):
		f.add("not-yet-valid", Error, entry, "%s is not valid before %s.", subject, from.UTC().Format(time.DateOnly))
	case to.Sub(f.now) < soon:
		f.add("expires-soon", Warning, entry, "%s expires on %s, in %d days.", subject, to.UTC().Format(time.DateOnly), daysUntil(to, f.now))
	}
}

// key judges a key of whatever has one; what begins the sentence, with its verb.
func (f *finder) key(k Key, entry, what string) {
	switch {
	case k.Algorithm == "DSA":
		f.add("weak-key", Warning, entry, "%s a DSA key, which TLS 1.3 does not know and OpenSSL no longer offers.", what)
	case !belowLevel2(k):
	case k.Algorithm == "EC":
		f.add("weak-key", Warning, entry, "%s an EC key of %d bits; fewer than 224 are refused by many.", what, k.Bits)
	default:
		f.add("weak-key", Warning, entry, "%s an RSA key of %d bits; fewer than 2048 are refused by many.", what, k.Bits)
	}
}
