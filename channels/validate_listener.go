package channels

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// listenerName is what a listener may be called: it becomes part of file names and of IBM MQ object names.
var listenerName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// webPath is an absolute path without a query, of characters that need no escape.
var webPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/[A-Za-z0-9._~/-]{0,254}$`) })

// maxPacket is MQTT's own bound on a packet: 268,435,455 bytes after a header of at most five.
const maxPacket = 268_435_460

// listeners checks each listener and what two of them may not share.
func (c *checker) listeners() {
	if len(c.d.Listeners) == 0 {
		c.fail("listeners", "there is no listener")
	}
	names, ports := map[string]string{}, map[int]string{}
	for i := range c.d.Listeners {
		l := &c.d.Listeners[i]
		path := fmt.Sprintf("listeners[%d]", i)
		if other, taken := names[strings.ToLower(l.Name)]; taken && l.Name != "" {
			c.fail(path+".name", "the name %q is taken by listener %q, and files differ by more than case", l.Name, other)
		}
		if other, taken := ports[l.Port]; taken && l.Port != 0 {
			c.fail(path+".port", "port %d is taken by listener %q", l.Port, other)
		}
		names[strings.ToLower(l.Name)], ports[l.Port] = l.Name, l.Name
		c.listener(path, l)
	}
}

// listener checks one listener.
func (c *checker) listener(path string, l *Listener) {
	if !listenerName().MatchString(l.Name) {
		c.fail(path+".name", "%q is no listener's name: letters, digits, dot, underscore and hyphen, 64 at most", l.Name)
	}
	if l.Port < 1 || l.Port > 65535 {
		c.fail(path+".port", "a port is 1 to 65535, not %d", l.Port)
	}
	if oneOf(c, path+".transport", l.Transport, TCP, TLS, WS, WSS) {
		c.bind(path, l)
		c.certificate(path, l)
		c.tls(path, l)
		c.path(path, l)
	}
	c.identity(path, l)
	c.limits(path, l)
}

// bind checks the address; a plain listener that others can reach is worth a warning.
func (c *checker) bind(path string, l *Listener) {
	address, err := netip.ParseAddr(l.Bind)
	if err != nil || address.Zone() != "" {
		c.fail(path+".bind", "%q is no IP address; 0.0.0.0 is every IPv4 one, :: every one", l.Bind)
		return
	}
	if !l.Transport.Encrypted() && !address.IsLoopback() {
		c.warn(path+".bind", "listener %s is not encrypted and can be reached from outside: everything sent, passwords too, can be read on the way", l.Name)
	}
}

// certificate checks the certificate policy and what hangs on it.
func (c *checker) certificate(path string, l *Listener) {
	at := path + ".client_certificate"
	if !oneOf(c, at, l.ClientCertificate, CertificateNone, CertificateOptional, CertificateRequired) {
		return
	}
	if !l.Transport.Encrypted() && l.ClientCertificate != CertificateNone {
		c.fail(at, "a client shows its certificate in TLS, and %s has none", l.Transport)
	}
	if l.CRL != nil && *l.CRL && l.ClientCertificate == CertificateNone {
		c.fail(path+".crl", "the listener asks for no certificate that a CRL could revoke")
	}
	if l.Identity.User.FromCertificate() && l.ClientCertificate != CertificateRequired {
		c.fail(path+".identity.user", "the user is named by the certificate (%s), which is %s here; it must be required", l.Identity.User, l.ClientCertificate)
	}
	if l.ClientCertificate != CertificateNone && !c.d.UsesCRL(l) {
		c.warn(at, "listener %s takes revoked certificates: no CRL is checked", l.Name)
	}
}

// identity checks how users get their names.
func (c *checker) identity(path string, l *Listener) {
	at := path + ".identity.user"
	known := oneOf(c, at, l.Identity.User, UserCN, UserSANDNS, UserSANURI, UserSANEmail, UserSubject, UserPassword, UserFixed, UserNone)
	switch l.Identity.User {
	case UserFixed:
		if !SafeUserName(l.Identity.FixedUser) {
			c.fail(at, `"fixed:%s": a user's name is letters, digits, dot, underscore and hyphen, 64 at most`, l.Identity.FixedUser)
		}
		c.warn(at, "everybody who reaches listener %s is the user %q", l.Name, l.Identity.FixedUser)
	case UserNone:
		c.warn(at, "everybody who reaches listener %s is anonymous", l.Name)
	case UserPassword:
		if c.d.Users.File == "" {
			c.fail(at, "users have passwords here, and users.file names no file of them")
		}
	}
	at = path + ".identity.client_id"
	if !oneOf(c, at, l.Identity.ClientID, ClientIDOwned, ClientIDEqual, ClientIDPrefix, ClientIDAny) {
		return
	}
	byName := l.Identity.ClientID == ClientIDEqual || l.Identity.ClientID == ClientIDPrefix
	if known && byName && l.Identity.User == UserNone {
		c.fail(at, "nobody has a name that a client id could be compared with")
	}
}

// tls checks the TLS options.
func (c *checker) tls(path string, l *Listener) {
	if !l.Transport.Encrypted() {
		if l.TLS != (TLSOptions{}) {
			c.fail(path+".tls", "%s has no TLS", l.Transport)
		}
		return
	}
	oneOf(c, path+".tls.min", l.TLS.Min, "1.2", "1.3")
	if oneOf(c, path+".tls.ciphers", l.TLS.Ciphers, CiphersModern, CiphersCompatible) && l.TLS.Ciphers == CiphersCompatible {
		c.warn(path+".tls.ciphers", "CBC cipher suites are allowed for old clients")
	}
}

// path checks the WebSocket path.
func (c *checker) path(path string, l *Listener) {
	switch {
	case !l.Transport.WebSocket() && l.Path != "":
		c.fail(path+".path", "%s has no path; only ws and wss have", l.Transport)
	case l.Transport.WebSocket() && !webPath().MatchString(l.Path):
		c.fail(path+".path", "%q is no path: it begins with / and holds letters, digits and . _ ~ / -", l.Path)
	}
}

// limits checks the limits.
func (c *checker) limits(path string, l *Listener) {
	for _, limit := range []struct {
		name       string
		value, max int
	}{
		{"connections", l.Limits.Connections, 10_000_000},
		{"packet_bytes", l.Limits.PacketBytes, maxPacket},
		{"backlog", l.Limits.Backlog, 1 << 20},
	} {
		if limit.value < 0 || limit.value > limit.max {
			c.fail(path+".limits."+limit.name, "%d is not between 0 (the broker's default) and %d", limit.value, limit.max)
		}
	}
	if l.Limits.PacketBytes > 0 && l.Limits.PacketBytes < 256 {
		c.fail(path+".limits.packet_bytes", "packets of %d bytes cannot hold a CONNECT; 256 at least", l.Limits.PacketBytes)
	}
}
