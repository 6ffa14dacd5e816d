package ca

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// SANKind is a kind of subject alternative name, spelled as people type it before a colon.
type SANKind string

// The kinds that MQTT brokers and clients use (RFC 5280 section 4.2.1.6).
const (
	SANDNS   SANKind = "dns"
	SANIP    SANKind = "ip"
	SANURI   SANKind = "uri"
	SANEmail SANKind = "email"
)

// SAN is one subject alternative name.
type SAN struct {
	Kind  SANKind
	Value string // canonical: IP addresses as netip prints them, host names in ASCII
}

// String returns "dns:mqtt.example.com".
func (s SAN) String() string { return string(s.Kind) + ":" + s.Value }

// Bounds of alternative names. 100 is what public CAs take.
const (
	maxSANs      = 100
	maxSANLength = 1024
)

// ParseSAN reads an alternative name: "dns:", "ip:", "uri:" or "email:" and a value, or a value alone, which is an
// address if it looks like one, an e-mail address if it has an @, a URI if it has a scheme, else a host name.
// Unicode host names become ASCII (RFC 5891). It fails with ErrPolicy.
func ParseSAN(text string) (SAN, error) {
	san, err := parseSAN(text)
	if err != nil {
		return SAN{}, fmt.Errorf("reading alternative name %s: %w", shortQuote(text), err)
	}
	return san, nil
}

func parseSAN(text string) (SAN, error) {
	if len(text) > maxSANLength {
		return SAN{}, policy("longer than %d bytes", maxSANLength)
	}
	kind, value, found := strings.Cut(text, ":")
	if found {
		switch k := SANKind(strings.ToLower(kind)); k {
		case SANDNS:
			return dnsSAN(value)
		case SANIP:
			return ipSAN(value)
		case SANURI:
			return uriSAN(value)
		case SANEmail:
			return emailSAN(value)
		}
	}
	if san, err := ipSAN(text); err == nil {
		return san, nil
	}
	switch {
	case strings.Contains(text, "://"), strings.HasPrefix(text, "urn:"):
		return uriSAN(text)
	case strings.Contains(text, "@"):
		return emailSAN(text)
	}
	return dnsSAN(text)
}

func ipSAN(value string) (SAN, error) {
	bare := value
	if strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") {
		bare = value[1 : len(value)-1]
	}
	address, err := netip.ParseAddr(bare)
	switch {
	case err != nil:
		return SAN{}, policy("not an IP address")
	case address.Zone() != "":
		return SAN{}, policy("an address with a zone means something on one host only")
	}
	return SAN{SANIP, address.Unmap().String()}, nil
}

// hostLabel is a label of RFC 1123 section 2.1.
var hostLabel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`) })

// allDigits is a last label that makes readers take the name for an IPv4 address.
var allDigits = regexp.MustCompile(`^[0-9]+$`)

// isHostName reports whether name is a host name in ASCII that all TLS clients compare alike.
func isHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		// A label with hyphens in third and fourth place is an A-label or reserved (RFC 5890 section 2.3.1).
		if !hostLabel().MatchString(label) || len(label) > 3 && label[2:4] == "--" && !isALabel(label) {
			return false
		}
	}
	return !allDigits.MatchString(labels[len(labels)-1])
}

// isALabel reports whether a label beginning with xn-- stands for something (RFC 5891 section 5.4).
func isALabel(label string) bool {
	if !strings.EqualFold(label[:4], "xn--") {
		return false
	}
	lower := strings.ToLower(label)
	unicode, err := idna.Lookup.ToUnicode(lower)
	if err != nil || unicode == lower {
		return false
	}
	again, err := idna.Lookup.ToASCII(unicode)
	return err == nil && again == lower
}

// dnsSAN takes a host name or a wildcard: one star, as the whole first label, with two labels or more behind it, since
// OpenSSL and Java compare no other.
func dnsSAN(value string) (SAN, error) {
	name := strings.TrimSuffix(value, ".") // the root's dot is not written in certificates
	base, wildcard := strings.CutPrefix(name, "*.")
	if strings.ContainsFunc(base, func(r rune) bool { return r >= utf8.RuneSelf }) {
		ascii, err := idna.Lookup.ToASCII(base)
		if err != nil {
			return SAN{}, policy("not an internationalized host name (RFC 5891): %v", err)
		}
		base = ascii
	}
	switch {
	case strings.Contains(base, "*"):
		return SAN{}, policy("a wildcard is one star as the whole first label")
	case !isHostName(base):
		return SAN{}, policy("not a host name (letters, digits and hyphens in labels of 1 to 63, 253 in all, not ending in a number)")
	case wildcard && !strings.Contains(base, "."):
		return SAN{}, policy("a wildcard needs two labels behind it, or OpenSSL and Java do not compare it")
	case wildcard:
		base = "*." + base
	}
	return SAN{SANDNS, base}, nil
}

func uriSAN(value string) (SAN, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil || !u.IsAbs():
		return SAN{}, policy("not an absolute URI")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return SAN{}, policy("a URI is printable ASCII, everything else percent-encoded")
	case u.Opaque == "" && u.Host == "" && u.Path == "":
		return SAN{}, policy("the URI has nothing behind its scheme")
	case u.Host != "" && !isHostName(u.Hostname()) && net.ParseIP(u.Hostname()) == nil:
		return SAN{}, policy("the URI's host is neither a host name nor an address")
	case u.String() != value:
		return SAN{}, policy("not in the usual spelling, which is %s", u)
	}
	return SAN{SANURI, value}, nil
}

func emailSAN(value string) (SAN, error) {
	address, err := mail.ParseAddress(value)
	if err != nil || address.Address != value || address.Name != "" {
		return SAN{}, policy("not an e-mail address")
	}
	domain := value[strings.LastIndexByte(value, '@')+1:]
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }) || !isHostName(domain) {
		return SAN{}, policy("not an e-mail address in ASCII with a host name")
	}
	return SAN{SANEmail, value}, nil
}

// ServerSANs guesses the alternative names of a server from its name: the address it is, the host name it is, and for
// localhost both loopback addresses too. A name that is neither needs explicit ones: ErrPolicy.
func ServerSANs(name string) ([]SAN, []Notice, error) {
	if strings.EqualFold(name, "localhost") {
		return []SAN{{SANDNS, "localhost"}, {SANIP, "127.0.0.1"}, {SANIP, "::1"}}, nil, nil
	}
	if san, err := ipSAN(name); err == nil {
		return []SAN{san}, nil, nil
	}
	san, err := dnsSAN(name)
	if err != nil {
		return nil, nil, err
	}
	var notices []Notice
	base, wildcard := strings.CutPrefix(san.Value, "*.")
	switch {
	case wildcard:
		notices = append(notices, note("wildcard", "%s covers one label only, and not %s itself", san.Value, base))
	case !strings.Contains(base, "."):
		notices = append(notices, note("short-host-name", "%s is valid only for clients that dial it by just that", base))
	}
	if san.Value != strings.TrimSuffix(name, ".") {
		notices = append(notices, note("ascii-host-name", "%s is written %s in the certificate", name, san.Value))
	}
	return []SAN{san}, notices, nil
}

// ClientSAN is the alternative name that says what a client is called: a dNSName where the name is a host name, else a
// URI, [ClientURN].
func ClientSAN(name string) SAN {
	if isHostName(name) {
		return SAN{SANDNS, name}
	}
	return SAN{SANURI, ClientURN(name)}
}

// SANsOf returns the alternative names of a certificate or request, in the order Go gives them.
func SANsOf(dns []string, ips []net.IP, uris []*url.URL, emails []string) []SAN {
	var sans []SAN
	for _, d := range dns {
		sans = append(sans, SAN{SANDNS, d})
	}
	for _, ip := range ips {
		if address, ok := netip.AddrFromSlice(ip); ok {
			sans = append(sans, SAN{SANIP, address.Unmap().String()})
		}
	}
	for _, u := range uris {
		sans = append(sans, SAN{SANURI, u.String()})
	}
	for _, e := range emails {
		sans = append(sans, SAN{SANEmail, e})
	}
	return sans
}

// CertificateSANs returns the alternative names of a certificate.
func CertificateSANs(c *x509.Certificate) []SAN {
	return SANsOf(c.DNSNames, c.IPAddresses, c.URIs, c.EmailAddresses)
}

// apply writes the names, each once, into a template.
func applySANs(template *x509.Certificate, sans []SAN) error {
	if len(sans) > maxSANs {
		return policy("%d alternative names; at most %d", len(sans), maxSANs)
	}
	var done []SAN
	for _, san := range sans {
		checked, err := ParseSAN(san.String())
		if err != nil {
			return err
		}
		if slices.Contains(done, checked) {
			continue
		}
		done = append(done, checked)
		switch checked.Kind {
		case SANDNS:
			template.DNSNames = append(template.DNSNames, checked.Value)
		case SANIP:
			template.IPAddresses = append(template.IPAddresses, net.IP(netip.MustParseAddr(checked.Value).AsSlice()))
		case SANURI:
			u, err := url.Parse(checked.Value)
			if err != nil {
				return policy("alternative name %s: %v", shortQuote(checked.Value), err)
			}
			template.URIs = append(template.URIs, u)
		case SANEmail:
			template.EmailAddresses = append(template.EmailAddresses, checked.Value)
		}
	}
	return nil
}
