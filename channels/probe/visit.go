package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/mqttpki/mqttpki/channels"
)

// shared is the certificates that every listener is tried with. A nil one could not be had; why says for what reason.
type shared struct {
	stranger   *tls.Certificate
	expired    *tls.Certificate
	notYet     *tls.Certificate
	serverRole *tls.Certificate
	run        string // names this run's clients and topics
}

// certificates makes what all listeners share.
func (p *prober) certificates(ctx context.Context) (*shared, error) {
	tag := make([]byte, 4)
	if _, err := io.ReadFull(p.Random, tag); err != nil {
		return nil, fmt.Errorf("naming the probe: %w", err)
	}
	s := &shared{run: "mqttpki-probe-" + hex.EncodeToString(tag)}
	foreign, err := stranger(s.run, p.Anchor, p.Now(), p.Random)
	if err != nil {
		return nil, err
	}
	s.stranger = &foreign
	if p.Mint == nil || !p.anyCertificates() {
		return s, nil
	}
	for kind, place := range map[Kind]**tls.Certificate{
		KindExpired: &s.expired, KindNotYetValid: &s.notYet, KindServerRole: &s.serverRole,
	} {
		made, err := p.Mint(ctx, kind, s.run)
		if err != nil {
			return nil, fmt.Errorf("making the probe's certificate (%s): %w", kind, err)
		}
		*place = &made
	}
	return s, nil
}

// anyCertificates reports whether any listener looks at client certificates.
func (p *prober) anyCertificates() bool {
	for _, l := range p.d.Listeners {
		if asks(&l) {
			return true
		}
	}
	return false
}

// asks reports whether l asks its clients for a certificate.
func asks(l *channels.Listener) bool {
	return l.ClientCertificate == channels.CertificateRequired || l.ClientCertificate == channels.CertificateOptional
}

// guest is a client at one listener.
type guest struct {
	Client
	name string // the user name that the listener gives it
	id   string // a client id that the listener's rule allows it
	why  string // why it could not be had, "" when it could
}

// visit is what the cases at one listener need.
type visit struct {
	*prober
	*shared
	l     *channels.Listener
	tag   string // of this run at this listener
	right guest
	other guest // another client, whose topics and ids are not for the first
}

// visit prepares the cases at l.
func (p *prober) visit(ctx context.Context, l *channels.Listener, index int, s *shared) (*visit, error) {
	v := &visit{prober: p, shared: s, l: l, tag: fmt.Sprintf("%s-%d", s.run, index)}
	for i, g := range []*guest{&v.right, &v.other} {
		made, err := p.guest(ctx, l, i, fmt.Sprintf("%s%c", v.tag, 'a'+i))
		if err != nil {
			return nil, err
		}
		*g = made
	}
	return v, nil
}

// needsCertificate reports whether nobody gets into l without a certificate.
func needsCertificate(l *channels.Listener) bool {
	return l.ClientCertificate == channels.CertificateRequired || l.Identity.User.FromCertificate()
}

// guest finds or makes client number i for l.
func (p *prober) guest(ctx context.Context, l *channels.Listener, i int, name string) (guest, error) {
	g := guest{name: name, id: name}
	if needsCertificate(l) {
		switch {
		case p.Mint != nil:
			made, err := p.Mint(ctx, KindClient, name)
			if err != nil {
				return g, fmt.Errorf("making the probe's client %q: %w", name, err)
			}
			g.Certificate = &made
		case i < len(p.Clients):
			g.Certificate = p.Clients[i].Certificate
		default:
			g.why = "it needs a client's certificate; " + p.NoMint
			return g, nil
		}
	}
	switch user := l.Identity.User; {
	case user == channels.UserPassword:
		if i >= len(p.Users) {
			g.why = "it needs a user's password, and none was given"
			return g, nil
		}
		g.User, g.Password, g.name = p.Users[i].User, p.Users[i].Password, p.Users[i].User
	case user == channels.UserFixed:
		g.name = l.Identity.FixedUser
	case user == channels.UserNone:
		g.name = ""
	default:
		name, err := userOf(l, g.Certificate)
		if err != nil {
			g.why = err.Error()
			return g, nil
		}
		g.name = name
	}
	switch l.Identity.ClientID {
	case channels.ClientIDEqual:
		g.id = g.name
	case channels.ClientIDPrefix:
		g.id = g.name + "-" + name
	}
	return g, nil
}

// userOf is the user name that l gives to the bearer of a certificate.
func userOf(l *channels.Listener, c *tls.Certificate) (string, error) {
	leaf := c.Leaf
	if leaf == nil {
		parsed, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			return "", fmt.Errorf("reading the client's certificate: %w", err)
		}
		leaf = parsed
	}
	return channels.UserOf(l.Identity.User, leaf)
}

// login is g's CONNECT, under a client id of its own.
func (g guest) login() login { return login{clientID: g.id, user: g.User, password: g.Password} }
