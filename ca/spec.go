package ca

import (
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/ca/lint"
	"github.com/mqttpki/mqttpki/keystore"
)

// CASpec is what one CA is to be. The zero value is usable.
type CASpec struct {
	Subject  keystore.Name        // see InitRequest.Subject
	KeyType  KeyType              // "" is ECDSAP256
	Key      *keystore.PrivateKey // used instead of a new one; nil: made
	Validity time.Duration        // 0: ten years for a root, five for an issuing CA, cut to the root's
	Password keystore.Secret      // its key rests encrypted under this; nil: unencrypted, with a warning
}

// NameConstraints limit what a CA can sign for (RFC 5280 section 4.2.1.10). The zero value does not limit anything.
type NameConstraints struct {
	PermittedDNS, ExcludedDNS     []string // domains; with a dot in front only what is below them
	PermittedIP, ExcludedIP       []netip.Prefix
	PermittedEmail, ExcludedEmail []string // mailboxes, hosts, or domains with a dot in front
	PermittedURI, ExcludedURI     []string // hosts, or domains with a dot in front; client names that are no host names then cannot be issued
}

// ParseConstraint adds a constraint written as "dns:example.com", "ip:10.0.0.0/8", "email:.example.com" or
// "uri:example.com" to the permitted or excluded names. It fails with ErrPolicy.
func (n *NameConstraints) ParseConstraint(text string, excluded bool) error {
	kind, value, _ := strings.Cut(text, ":")
	lists := map[SANKind][2]*[]string{
		SANDNS:   {&n.PermittedDNS, &n.ExcludedDNS},
		SANEmail: {&n.PermittedEmail, &n.ExcludedEmail},
		SANURI:   {&n.PermittedURI, &n.ExcludedURI},
	}
	which := 0
	if excluded {
		which = 1
	}
	if SANKind(kind) == SANIP {
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			return fmt.Errorf("reading name constraint %s: %w", shortQuote(text), policy("not a network such as 10.0.0.0/8"))
		}
		list := []*[]netip.Prefix{&n.PermittedIP, &n.ExcludedIP}[which]
		*list = append(*list, prefix.Masked())
		return nil
	}
	both, ok := lists[SANKind(kind)]
	if !ok {
		return fmt.Errorf("reading name constraint %s: %w", shortQuote(text), policy("it begins with dns:, ip:, email: or uri:"))
	}
	host := strings.TrimPrefix(value[strings.LastIndexByte(value, '@')+1:], ".")
	if !isHostName(host) {
		return fmt.Errorf("reading name constraint %s: %w", shortQuote(text), policy("%s is not a host name", shortQuote(host)))
	}
	*both[which] = append(*both[which], value)
	return nil
}

func (n NameConstraints) apply(t *x509.Certificate) {
	t.PermittedDNSDomains, t.ExcludedDNSDomains = n.PermittedDNS, n.ExcludedDNS
	t.PermittedIPRanges, t.ExcludedIPRanges = ipNets(n.PermittedIP), ipNets(n.ExcludedIP)
	t.PermittedEmailAddresses, t.ExcludedEmailAddresses = n.PermittedEmail, n.ExcludedEmail
	t.PermittedURIDomains, t.ExcludedURIDomains = n.PermittedURI, n.ExcludedURI
	t.PermittedDNSDomainsCritical = len(n.PermittedDNS)+len(n.ExcludedDNS)+len(n.PermittedIP)+len(n.ExcludedIP)+
		len(n.PermittedEmail)+len(n.ExcludedEmail)+len(n.PermittedURI)+len(n.ExcludedURI) > 0
}

func ipNets(prefixes []netip.Prefix) []*net.IPNet {
	var nets []*net.IPNet
	for _, p := range prefixes {
		nets = append(nets, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	return nets
}

// newCA is one CA on its way.
type newCA struct {
	role        Role
	spec        CASpec
	constraints NameConstraints
	pathLen     int // CAs that may stand below it; negative: any number
	backdate    time.Duration
	now         time.Time
	random      io.Reader
}

// make makes and signs the certificate: under parent, or self-signed when that is nil.
func (n newCA) make(parent *Authority) (*x509.Certificate, []Notice, error) {
	key := n.spec.Key
	if _, err := CheckKey(key.Signer.Public()); err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		PublicKey:             key.Signer.Public(),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		MaxPathLen:            max(n.pathLen, -1),
		MaxPathLenZero:        n.pathLen == 0,
		NotBefore:             n.now.Add(-n.backdate).UTC().Truncate(time.Second),
	}
	notices, err := n.setValidity(t, parent)
	if err != nil {
		return nil, nil, err
	}
	n.constraints.apply(t)
	if t.RawSubject, err = n.spec.Subject.DER(); err != nil {
		return nil, nil, err
	}
	if t.SubjectKeyId, err = subjectKeyID(t.PublicKey); err != nil {
		return nil, nil, err
	}
	serial, err := NewSerial(n.random)
	if err != nil {
		return nil, nil, err
	}
	signer, parentCert := key.Signer, t
	var issuers []*x509.Certificate
	t.AuthorityKeyId = t.SubjectKeyId
	if parent != nil {
		signer, parentCert, issuers = parent.key, parent.chain[0], parent.chain
		if t.AuthorityKeyId, err = keyIDOf(parentCert); err != nil {
			return nil, nil, err
		}
	}
	if err := lintError(lint.CA(t, issuers)); err != nil {
		return nil, nil, err
	}
	cert, err := sign(t, parentCert, serial, signer, n.random)
	return cert, notices, err
}

func (n newCA) setValidity(t *x509.Certificate, parent *Authority) ([]Notice, error) {
	validity := orDuration(n.spec.Validity, n.role.defaultValidity())
	if validity < time.Second {
		return nil, policy("a validity of %v", validity)
	}
	t.NotAfter = n.now.Add(validity).UTC().Truncate(time.Second)
	if parent == nil || !t.NotAfter.After(parent.chain[0].NotAfter) {
		return nil, nil
	}
	if n.spec.Validity != 0 {
		return nil, policy("it would be valid until %s, but the root only until %s",
			t.NotAfter.Format(time.DateOnly), parent.chain[0].NotAfter.Format(time.DateOnly))
	}
	t.NotAfter = parent.chain[0].NotAfter
	return []Notice{warn("validity-cut", "the issuing CA's validity was cut to %s, when the root expires", t.NotAfter.Format(time.DateOnly))}, nil
}

// defaultSubject names a CA that nobody named. The suffix keeps two PKIs apart: readers find issuers by name.
func defaultSubject(random io.Reader) (keystore.Name, error) {
	var b [4]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, fmt.Errorf("naming a CA: %w", err)
	}
	return keystore.Name{
		{keystore.TextAttribute(keystore.OIDOrganization, "mqttpki")},
		{keystore.TextAttribute(keystore.OIDCommonName, "MQTT CA "+hex.EncodeToString(b[:]))},
	}, nil
}

// withSuffix returns the subject with a word behind its last common name, cutting the name where it would get too long.
func withSuffix(subject keystore.Name, suffix string) keystore.Name {
	result := slices.Clone(subject)
	for i := len(result) - 1; i >= 0; i-- {
		for j, a := range result[i] {
			text, ok := a.Text()
			if !a.Type.Equal(keystore.OIDCommonName) || !ok {
				continue
			}
			runes := []rune(text)
			runes = runes[:min(len(runes), maxCommonName-len(suffix)-1)]
			result[i] = slices.Clone(result[i])
			result[i][j] = keystore.TextAttribute(keystore.OIDCommonName, strings.TrimSpace(string(runes))+" "+suffix)
			return result
		}
	}
	return append(result, keystore.RDN{keystore.TextAttribute(keystore.OIDCommonName, suffix)})
}
