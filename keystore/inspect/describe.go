package inspect

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Options is what is known of a file beyond its decoded content.
type Options struct {
	File         string          // its name, for the report and for the rules that go by a name's ending
	Format       string          // what its content is: "pem", "der", "pkcs7", "p12", "jks", "jceks"
	Bytes        int             // its size
	Text         bool            // it is text (PEM) and not binary; of PKCS#7 both are usual
	Password     string          // see File.Password
	PasswordText keystore.Secret // the password that opened it, to judge who can type it; nil when there was none
	Now          time.Time       // decides what has expired
	Mode         fs.FileMode     // its permission bits; 0 where they are not known or mean nothing
}

// Describe reports on a store.
func Describe(s *keystore.Store, o Options) File {
	f := File{
		File:       o.File,
		Format:     o.Format,
		Bytes:      o.Bytes,
		Password:   o.Password,
		Integrity:  string(s.Integrity),
		Protection: protections(s),
		Entries:    entries(s, o),
	}
	if f.Integrity == "" {
		f.Integrity = string(keystore.IntegrityAbsent)
	}
	f.Problems = problems(s, o)
	f.Readers = readers(s, o)
	return f
}

// entries lists the store: identities, trusted certificates, other certificates, everything else.
func entries(s *keystore.Store, o Options) []Entry {
	list, now := []Entry{}, o.Now
	chained := map[*byte]*Certificate{}
	for i := range s.Identities {
		list = append(list, identity(&s.Identities[i], o, chained))
	}
	for _, a := range s.Anchors {
		kind := "trusted"
		if a.Alias == "" && len(s.Identities) == 0 && slices.Contains(textFormats, o.Format) {
			kind = "certificate" // nothing in the file says more; see textFormats
		}
		list = append(list, Entry{Alias: a.Alias, Type: kind, Created: date(a.Created), Certificates: []Certificate{describeCertificate(a.Certificate, now)}})
	}
	for _, a := range s.Loose {
		list = append(list, Entry{Alias: a.Alias, Type: "certificate", Created: date(a.Created), Certificates: []Certificate{describeCertificate(a.Certificate, now)}})
	}
	for i := range s.Others {
		list = append(list, otherEntry(&s.Others[i]))
	}
	return list
}

// textFormats cannot mark a certificate as trusted. Their decoder takes a file of certificates alone for a list of
// trusted ones, which is what converting it needs, but a person who asks what is in server.crt means something else.
var textFormats = []string{"pem", "der", "pkcs7"}

// identity describes a private key and its chain. What was found out about the certificates of other chains is in chained,
// by where they are: those that stand above thousands of keys are described once, whatever their size.
func identity(id *keystore.Identity, o Options, chained map[*byte]*Certificate) Entry {
	e := Entry{Alias: id.Alias, Type: "key", Created: date(id.Created), Certificates: make([]Certificate, len(id.Chain))}
	switch {
	case id.Key != nil:
		k := describePrivate(id.Key)
		e.Key = &k
	case id.Locked != nil && !errors.Is(id.Locked, keystore.ErrPassword):
		e.Locked = id.Locked.Error()
	case o.PasswordText.Given():
		e.Locked = "it has another password"
	default:
		e.Locked = "its password is needed"
	}
	for i, c := range id.Chain {
		if known := chained[&c.Raw[0]]; known != nil {
			e.Certificates[i] = *known
			continue
		}
		e.Certificates[i] = describeCertificate(c, o.Now)
		chained[&c.Raw[0]] = &e.Certificates[i]
	}
	return e
}

// otherEntry describes what is neither a private key nor a certificate. What does not parse has only its type.
func otherEntry(o *keystore.Other) Entry {
	e := Entry{Alias: o.Alias, Type: string(o.Kind), Created: date(o.Created), Certificates: []Certificate{}}
	switch o.Kind {
	case keystore.KindRequest:
		if r, err := x509.ParseCertificateRequest(o.Raw); err == nil {
			k := describePublic(r.PublicKey, r.RawSubjectPublicKeyInfo)
			e.Key = &k
			signature := keystore.CheckRequest(r)
			e.Request = &Request{
				Subject:            keystore.DistinguishedName(r.RawSubject),
				SANs:               subjectAltNames(r.DNSNames, r.IPAddresses, r.URIs, r.EmailAddresses),
				SignatureAlgorithm: signatureName(r.SignatureAlgorithm, r.Raw),
				SignatureValid:     signature == keystore.SignatureFits,
				SignatureUnchecked: signature == keystore.SignatureUnknown,
			}
		}
	case keystore.KindCRL:
		if l, revoked, err := keystore.SummarizeCRL(o.Raw); err == nil {
			e.CRL = &CRL{
				Issuer:     keystore.DistinguishedName(l.RawIssuer),
				ThisUpdate: l.ThisUpdate.UTC(),
				NextUpdate: date(l.NextUpdate),
				Revoked:    revoked,
			}
			if l.Number != nil {
				e.CRL.Number = l.Number.String()
			}
		}
	case keystore.KindPublicKey:
		public, _ := x509.ParsePKIXPublicKey(o.Raw)
		k := describePublic(public, o.Raw)
		e.Key = &k
	case keystore.KindSecret:
		e.Key = &Key{Algorithm: o.Algorithm, Bits: o.Bits}
	}
	return e
}

// date is t for the report, nil when there is none.
func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}
