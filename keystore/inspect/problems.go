package inspect

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// soon is how long before its end a certificate is worth a notice.
const soon = 30 * 24 * time.Hour

// finder collects problems; each code once an entry, since a decoder may have seen the same.
type finder struct {
	now   time.Time
	found []Problem
	seen  map[[2]string]bool
}

func (f *finder) add(code string, severity Severity, entry, format string, args ...any) {
	key := [2]string{code, entry}
	if f.seen[key] {
		return
	}
	f.seen[key] = true
	f.found = append(f.found, Problem{code, severity, entry, fmt.Sprintf(format, args...)})
}

// problems lists what the decoder found and what is found here, the worst first.
func problems(s *keystore.Store, o Options) []Problem {
	f := &finder{now: o.Now, found: []Problem{}, seen: map[[2]string]bool{}}
	for _, p := range s.Problems {
		f.add(p.Code, Severity(p.Severity), p.Entry, "%s", p.Text)
	}
	f.file(s, o)
	f.protection(s)
	known := subjects(s)
	sealed := slices.ContainsFunc(s.Problems, func(p keystore.Problem) bool { return p.Code == "sealed" })
	for i := range s.Identities {
		f.identity(&s.Identities[i], known, sealed)
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			f.certificate(a.Certificate, entryName(a.Alias, a.Certificate))
		}
	}
	for i := range s.Others {
		f.other(&s.Others[i])
	}
	rank := map[Severity]int{Error: 0, Warning: 1, Notice: 2}
	slices.SortStableFunc(f.found, func(a, b Problem) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	return f.found
}

// entryName is what a problem calls an entry: its alias, else its subject.
func entryName(alias string, c keystore.Certificate) string {
	if alias != "" {
		return alias
	}
	return c.Subject()
}

// subjects is the set of the subjects of all certificates in the store.
func subjects(s *keystore.Store) map[string]bool {
	known := map[string]bool{}
	add := func(c keystore.Certificate) {
		if c.X509 != nil {
			known[string(c.X509.RawSubject)] = true
		}
	}
	for i := range s.Identities {
		for _, c := range s.Identities[i].Chain {
			add(c)
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			add(a.Certificate)
		}
	}
	return known
}

// endings are the formats that a file name's ending announces. Endings that are not here announce nothing.
var endings = map[string][]string{
	".jks": {"jks"}, ".jceks": {"jceks"}, ".p12": {"p12"}, ".pfx": {"p12"}, ".pkcs12": {"p12"},
	".pem": {"pem"}, ".der": {"der"}, ".crt": {"pem", "der"}, ".cer": {"pem", "der"}, ".key": {"pem", "der"},
	".csr": {"pem", "der"}, ".crl": {"pem", "der"}, ".p7b": {"pkcs7", "pem"}, ".p7c": {"pkcs7", "pem"},
}

// ending returns the ending of a file's name in lower case, whichever system wrote the path.
func ending(file string) string {
	return strings.ToLower(path.Ext(strings.ReplaceAll(file, `\`, "/")))
}

// file judges the file as a whole.
func (f *finder) file(s *keystore.Store, o Options) {
	announced, known := endings[ending(o.File)]
	if known && !slices.Contains(announced, o.Format) {
		f.add("name-mismatch", Warning, "", "The name ends in %s, but the content is %s; programs that go by the name will refuse it.", ending(o.File), formatName(o.Format))
	}
	if e := ending(o.File); len(s.Identities) > 0 && (e == ".crt" || e == ".cer") {
		f.add("key-in-certificate-file", Warning, "", "The name ends in %s, as of a certificate that may be handed out, but there is a private key in it.", e)
	}
	if s.Integrity == keystore.IntegrityUnchecked {
		f.add("integrity-unchecked", Notice, "", "Without the password it cannot be told whether the file was changed.")
	}
}

// formatName is how people call a format.
func formatName(format string) string {
	switch format {
	case "p12":
		return "PKCS12"
	case "pkcs7":
		return "PKCS#7"
	}
	return strings.ToUpper(format)
}

// protection judges passwords and ciphers.
func (f *finder) protection(s *keystore.Store) {
	encrypted := false
	for _, p := range s.Protection {
		encrypted = encrypted || p.Part == "key" // or the decoder has said that it is not
		if p.Weak != "" && p.Algorithm != notEncrypted {
			f.add("weak-protection", Warning, p.Alias, "%s (%s): %s.", p.Algorithm, p.Part, p.Weak)
		}
	}
	if len(s.Identities) > 0 && !encrypted {
		f.add("key-unencrypted", Notice, "", "The private key is not encrypted; nothing but the file's permissions protects it.")
	}
}

// identity judges a key and its chain; known holds the subjects of all certificates in the file, and sealed says that
// there may be more in what could not be opened.
func (f *finder) identity(id *keystore.Identity, known map[string]bool, sealed bool) {
	name := id.Alias
	leaf := id.Leaf()
	if leaf != nil {
		name = entryName(name, *leaf)
	}
	if id.Key == nil {
		f.add("key-locked", Notice, id.Alias, "The private key cannot be read without its password.")
	}
	if leaf == nil {
		if sealed {
			return
		}
		f.add("key-without-certificate", Warning, id.Alias, "There is no certificate for the private key.")
		return
	}
	if matches, sure := id.Key.Matches(*leaf); sure && !matches {
		f.add("key-leaf-mismatch", Error, id.Alias, "The certificate is not for the private key.")
	}
	for i := 1; i < len(id.Chain); i++ {
		if !keystore.Issued(id.Chain[i], id.Chain[i-1]) {
			f.add("chain-order", Warning, id.Alias, "Certificate %d of the chain did not sign certificate %d; readers that take the chain as it stands refuse it.", i+1, i)
			break
		}
	}
	if len(id.Chain) == 1 && leaf.X509 != nil && !keystore.SelfIssued(leaf.X509) && !known[string(leaf.X509.RawIssuer)] {
		f.add("missing-intermediate", Warning, id.Alias, "The chain ends with the leaf; whoever does not have the certificate of %s cannot verify it.", leaf.Issuer())
	}
	f.certificate(*leaf, name)
	for _, c := range id.Chain[1:] {
		f.certificate(c, entryName("", c))
	}
}

// certificate judges one certificate.
func (f *finder) certificate(c keystore.Certificate, entry string) {
	x := c.X509
	if x == nil {
		return // the decoder has said so
	}
	switch {
	case f.now.After(x.NotAfter):
		f.add("expired", Error, entry, "%s expired on %s.", c.Subject(), x.NotAfter.UTC().Format(time.DateOnly))
	case f.now.Before(x.NotBefore):
		f.add("not-yet-valid", Error, entry, "%s is not valid before %s.", c.Subject(), x.NotBefore.UTC().Format(time.DateOnly))
	case x.NotAfter.Sub(f.now) < soon:
		f.add("expires-soon", Warning, entry, "%s expires in %d days.", c.Subject(), daysUntil(x.NotAfter, f.now))
	}
	isCA := x.BasicConstraintsValid && x.IsCA
	if !isCA && len(x.DNSNames)+len(x.IPAddresses)+len(x.URIs)+len(x.EmailAddresses) == 0 {
		f.add("no-san", Warning, entry, "%s has no subject alternative name; today's clients do not look for a server's name anywhere else.", c.Subject())
	}
	if k := describePublic(x.PublicKey, x.RawSubjectPublicKeyInfo); k.Algorithm == "RSA" && k.Bits < 2048 {
		f.add("weak-key", Warning, entry, "%s has an RSA key of %d bits; fewer than 2048 are refused by many.", c.Subject(), k.Bits)
	}
	if !keystore.SelfIssued(x) { // nobody checks a root's own signature
		switch x.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
			f.add("weak-signature", Error, entry, "%s is signed with %s, which today's readers refuse.", c.Subject(), x.SignatureAlgorithm)
		}
	}
}

// other judges requests and CRLs.
func (f *finder) other(o *keystore.Other) {
	switch o.Kind {
	case keystore.KindRequest:
		r, err := x509.ParseCertificateRequest(o.Raw)
		if err == nil && r.CheckSignature() != nil {
			f.add("bad-signature", Error, o.Alias, "The request was not signed with the key it is for.")
		}
	case keystore.KindCRL:
		l, err := x509.ParseRevocationList(o.Raw)
		if err == nil && !l.NextUpdate.IsZero() && f.now.After(l.NextUpdate) {
			f.add("crl-expired", Error, o.Alias, "The CRL was due for renewal on %s; brokers that check it refuse everybody.", l.NextUpdate.UTC().Format(time.DateOnly))
		}
	}
}
