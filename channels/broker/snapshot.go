package broker

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// snapshot is the model and the material, compiled: everything a decision needs. It never changes; a reload makes a
// new one and swaps it in when it is known to be good.
type snapshot struct {
	deployment *channels.Deployment
	server     *tls.Certificate // nil without encrypted listeners
	trust      *trust
	access     *channels.Access
	users      *channels.UserFile // never nil
	listeners  map[string]*policy // by listener name
}

// policy is what one listener asks of its clients.
type policy struct {
	model  channels.Listener
	useCRL bool
	tls    *tls.Config // nil without TLS
}

// open reports whether client ids are anybody's at a listener.
func (s *snapshot) open(listener string) bool {
	p, ok := s.listeners[listener]
	return ok && p.model.Identity.ClientID == channels.ClientIDAny
}

// compile checks the model against the material.
func (b *Broker) compile(d *channels.Deployment, m Material) (*snapshot, error) {
	if len(d.Listeners) == 0 {
		return nil, fmt.Errorf("the model has no listeners: %w", keystore.ErrFormat)
	}
	s := &snapshot{deployment: d, access: channels.NewAccess(d.Access), users: m.Users, listeners: map[string]*policy{}}
	if s.users == nil {
		s.users = &channels.UserFile{}
	}
	var err error
	if s.trust, err = newTrust(d, m.Trust); err != nil {
		return nil, err
	}
	for i := range d.Listeners {
		l := &d.Listeners[i]
		if l.Transport.Encrypted() && s.server == nil {
			if s.server, err = certificate(&m.Identity); err != nil {
				return nil, fmt.Errorf("listener %q: %w", l.Name, err)
			}
		}
		p := &policy{model: *l, useCRL: d.UsesCRL(l)}
		if err := p.check(s); err != nil {
			return nil, fmt.Errorf("listener %q: %w", l.Name, err)
		}
		if l.Transport.Encrypted() {
			p.tls = s.tlsConfig(p, b.opts.Now)
		}
		if _, twice := s.listeners[l.Name]; twice {
			return nil, fmt.Errorf("listener %q: the name stands twice in the model: %w", l.Name, keystore.ErrFormat)
		}
		s.listeners[l.Name] = p
	}
	return s, nil
}

// check refuses what would open a listener wider than it reads. The model's own validation says the same with lines;
// this one holds for models that were made in memory too.
func (p *policy) check(s *snapshot) error {
	l := &p.model
	asks := l.ClientCertificate == channels.CertificateOptional || l.ClientCertificate == channels.CertificateRequired
	switch {
	case asks && !l.Transport.Encrypted():
		return fmt.Errorf("a client certificate without TLS: %w", keystore.ErrFormat)
	case l.Identity.User.FromCertificate() && l.ClientCertificate != channels.CertificateRequired:
		return fmt.Errorf("the user comes from a certificate that is not required: %w", keystore.ErrFormat)
	case l.Identity.User == channels.UserFixed && l.Identity.FixedUser == "":
		return fmt.Errorf("the fixed user has no name: %w", keystore.ErrFormat)
	case asks && len(s.trust.groups) == 0:
		return fmt.Errorf("client certificates, and no trusted CA: %w", keystore.ErrFormat)
	}
	if p.useCRL {
		for _, g := range s.trust.groups {
			if len(g.crls) == 0 {
				return fmt.Errorf("certificates are to be checked against CRLs, and trust %q has none: %w", g.rule.CA, keystore.ErrFormat)
			}
			if g.rule.CA == channels.Self && !g.leavesCovered() {
				return fmt.Errorf("certificates are to be checked against CRLs, and of those of trust %q none is by the CA that issues clients: %w", g.rule.CA, keystore.ErrFormat)
			}
		}
	}
	return nil
}

// modernCiphers are the suites of TLS 1.2 with forward secrecy and authenticated encryption; those of TLS 1.3 all are.
var modernCiphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// compatibleCiphers adds CBC, still with forward secrecy, for old devices.
var compatibleCiphers = append(modernCiphers[:len(modernCiphers):len(modernCiphers)],
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA)

// tlsConfig builds what a handshake on one listener works with.
func (s *snapshot) tlsConfig(p *policy, now func() time.Time) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{*s.server},
		MinVersion:   tls.VersionTLS12,
		CipherSuites: modernCiphers,
		Time:         now,
	}
	if p.model.TLS.Min == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if p.model.TLS.Ciphers == "compatible" {
		c.CipherSuites = compatibleCiphers
	}
	if p.model.Transport.WebSocket() {
		c.NextProtos = []string{"http/1.1"} // WebSockets of HTTP/2 (RFC 8441) are not served
	}
	switch p.model.ClientCertificate {
	case channels.CertificateRequired:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case channels.CertificateOptional:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	default:
		c.ClientAuth = tls.NoClientCert
		return c
	}
	c.ClientCAs = s.trust.pool
	// VerifyConnection and not VerifyPeerCertificate: it runs when a session is resumed, too.
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return nil // optional, and not given; a missing required one is refused before this
		}
		if _, why := s.trust.judge(state.VerifiedChains, p.useCRL, now()); why != nil {
			return why
		}
		return nil
	}
	return c
}

// warnings lists what an operator should know though the broker runs.
func (s *snapshot) warnings(now time.Time) []string {
	all := s.dates(now)
	for _, l := range s.deployment.Listeners {
		switch {
		case l.Identity.User == channels.UserNone:
			all = append(all, fmt.Sprintf("listener %q lets anybody in, without a name", l.Name))
		case l.Identity.User == channels.UserFixed && l.ClientCertificate != channels.CertificateRequired:
			all = append(all, fmt.Sprintf("listener %q lets anybody in, as %q", l.Name, l.Identity.FixedUser))
		}
	}
	return all
}

// soon is when a date that is to come is worth a warning.
const soon = 72 * time.Hour

// dates lists what keeps clients out since some date, or is about to.
func (s *snapshot) dates(now time.Time) []string {
	var all []string
	if s.server != nil {
		end := s.server.Leaf.NotAfter
		switch left := end.Sub(now); {
		case left <= 0:
			all = append(all, fmt.Sprintf("the server certificate has expired at %s: clients refuse it", end.UTC().Format(time.RFC3339)))
		case left < soon:
			all = append(all, fmt.Sprintf("the server certificate expires at %s: after that clients refuse it", end.UTC().Format(time.RFC3339)))
		}
	}
	for _, p := range s.listeners {
		if p.useCRL {
			return append(all, s.trust.stale(now)...)
		}
	}
	return all
}
