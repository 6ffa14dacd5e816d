package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/mqttpki/mqttpki/channels"
)

// What a case expects.
const (
	expectIn      = "in"
	expectRefused = "refused"
)

// attempt is one case: run says what happened, why, and whether that is as it should be.
type attempt struct {
	name     string
	expected string
	leftOut  string
	run      func(ctx context.Context) (got, cause string, ok bool)
}

// cases is everything to try at the listener, in the order of the report.
func (v *visit) cases() []attempt {
	list := []attempt{v.right311(), v.right5()}
	if v.l.Transport.Encrypted() {
		list = append(list, v.certificateCases()...)
		list = append(list, v.protocolCases()...)
	}
	list = append(list, v.passwordCases()...)
	list = append(list, v.accessCases()...)
	return slices.DeleteFunc(list, func(a attempt) bool { return a.name == "" })
}

// reachable is the one case at a listener that cannot be dialled.
func (p *prober) reachable(l *channels.Listener) attempt {
	return attempt{name: "somebody listens", expected: expectIn, run: func(ctx context.Context) (string, string, bool) {
		_, address := p.address(l)
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return words(err), CauseUnreachable, false
		}
		_ = conn.Close()
		return "only now and then: the address could not be dialled a moment ago", CauseUnreachable, false
	}}
}

func (v *visit) right311() attempt { return v.rightClient(MQTT311) }

func (v *visit) right5() attempt { return v.rightClient(MQTT5) }

// rightClient gets in, and has a message of its own come back where the rules give it a topic for that.
func (v *visit) rightClient(version Version) attempt {
	a := attempt{name: "right client, MQTT " + string(version), expected: expectIn, leftOut: v.right.why}
	a.run = func(ctx context.Context) (string, string, bool) {
		c, err := v.login(ctx, v.l, v.knockOf(v.right), version, v.right.login())
		if err != nil {
			return words(err), causeOf(err), false
		}
		defer c.disconnect()
		topic, ok := v.ownTopic(v.right)
		if !ok {
			return "connected (the access rules give it no topic both ways)", "", true
		}
		if err := v.roundTrip(ctx, c, topic); err != nil {
			return "connected, but " + words(err), causeOf(err), false
		}
		return "connected, message back on " + topic, "", true
	}
	return a
}

// knockOf shows a guest's certificate, where it has one.
func (v *visit) knockOf(g guest) knock { return knock{certificate: g.Certificate} }

// certificateCases are the wrong certificates, at a listener that asks for one.
func (v *visit) certificateCases() []attempt {
	if !asks(v.l) {
		return nil
	}
	refuse := []string{CauseBadCertificate}
	list := []attempt{
		v.wrong("a stranger's certificate", v.stranger, "", CauseUnknownCA, CauseBadCertificate, CauseBadSignature),
		v.wrong("expired certificate", v.expired, v.NoMint, append(refuse, CauseExpired)...),
		v.wrong("certificate not yet valid", v.notYet, v.NoMint, append(refuse, CauseExpired)...),
		v.wrong("server's certificate", v.serverRole, v.NoMint, append(refuse, CauseWrongRole, CauseHandshake)...),
		v.revokedCase(),
		v.foreignKeyCase(),
	}
	if needsCertificate(v.l) {
		// TLS 1.2 has no word for it but a failed handshake; at an optional listener it is the login that is refused.
		causes := []string{CauseNoCertificate, CauseHandshake, CauseBadCertificate}
		if v.l.ClientCertificate == channels.CertificateOptional {
			causes = append(causes, CauseLogin)
		}
		none := v.refused("no certificate", knock{wait: true}, causes...)
		list = append([]attempt{none}, list...)
	}
	return list
}

// wrong is a connection with a certificate that must be refused; nil is left out because of why.
func (v *visit) wrong(name string, c *tls.Certificate, why string, causes ...string) attempt {
	if c == nil {
		return attempt{name: name, expected: expectRefused, leftOut: "it needs a certificate made for it; " + why}
	}
	return v.refused(name, knock{certificate: c, wait: true}, causes...)
}

// revokedCase uses the identity that stands on the CRL since the CA was made.
func (v *visit) revokedCase() attempt {
	if !v.d.UsesCRL(v.l) {
		return attempt{}
	}
	if why := v.accepted("crl"); why != "" {
		return attempt{name: "revoked certificate", expected: expectRefused, leftOut: why}
	}
	if v.Revoked == nil {
		return attempt{name: "revoked certificate", expected: expectRefused, leftOut: "it needs the probe identity of init-ca, which is not there"}
	}
	return v.refused("revoked certificate", knock{certificate: v.Revoked, wait: true}, CauseRevoked, CauseBadCertificate)
}

// foreignKeyCase shows the right client's certificate without having its key.
func (v *visit) foreignKeyCase() attempt {
	a := attempt{name: "key of another certificate", expected: expectRefused}
	if v.right.Certificate == nil && v.Mint == nil {
		a.leftOut = "it needs a client's certificate; " + v.NoMint
		return a
	}
	a.run = func(ctx context.Context) (string, string, bool) {
		mixed := tls.Certificate{}
		if v.right.Certificate != nil {
			mixed.Certificate = v.right.Certificate.Certificate
		} else { // the right client shows none where it need not
			made, err := v.Mint(ctx, KindClient, v.tag+"k")
			if err != nil {
				return words(err), CauseOther, false
			}
			mixed.Certificate = made.Certificate
		}
		key, err := foreignKey(v.Random)
		if err != nil {
			return words(err), CauseOther, false
		}
		mixed.PrivateKey = key
		return v.refused(a.name, knock{certificate: &mixed, wait: true}, CauseBadSignature, CauseBadCertificate, CauseHandshake).run(ctx)
	}
	return a
}

// refused must end before CONNACK says yes, for one of the causes.
func (v *visit) refused(name string, k knock, causes ...string) attempt {
	return attempt{name: name, expected: expectRefused, run: func(ctx context.Context) (string, string, bool) {
		who := v.right.login()
		if k.certificate == nil && needsCertificate(v.l) {
			who.clientID = v.run // nobody's
		}
		c, err := v.login(ctx, v.l, k, MQTT311, who)
		if err == nil {
			c.disconnect()
			return "let in", "", false
		}
		cause := causeOf(err)
		if !plausible(cause, causes...) {
			return "refused, but for another reason: " + words(err), cause, false
		}
		return words(err), cause, true
	}}
}

// protocolCases are what a TLS port must not speak, and what the client must not accept of the server.
func (v *visit) protocolCases() []attempt {
	list := []attempt{
		v.plainCase(),
		v.oldTLS("TLS 1.1", tls.VersionTLS11),
		v.serverNameCase(),
	}
	if v.l.TLS.Min == "1.3" {
		list = append(list, v.oldTLS("TLS 1.2", tls.VersionTLS12))
	}
	return list
}

// oldTLS offers one version only, which is below the listener's minimum.
func (v *visit) oldTLS(name string, version uint16) attempt {
	k := v.knockOf(v.right)
	k.version, k.wait = version, true
	return v.refused(name, k, CauseTLSVersion, CauseHandshake)
}

// plainCase speaks without TLS to the port.
func (v *visit) plainCase() attempt {
	return attempt{name: "plain MQTT to the TLS port", expected: expectRefused, run: func(ctx context.Context) (string, string, bool) {
		plain := *v.l
		plain.Transport = channels.TCP
		if v.l.Transport == channels.WSS {
			plain.Transport = channels.WS
		}
		c, err := v.login(ctx, &plain, knock{}, MQTT311, v.right.login())
		if err == nil {
			c.disconnect()
			return "let in", "", false
		}
		cause := causeOf(err)
		switch cause {
		case CauseUnreachable, CauseTimeout:
			return words(err), cause, false
		case CauseLogin:
			return "plain MQTT is answered: " + words(err), cause, false
		}
		// An alert, an HTTP error or an end of file: each is the port saying that this is not TLS.
		return words(err), CauseNotTLS, true
	}}
}

// serverNameCase is the client's side of the bargain: a server that is not who was dialled is not spoken to.
func (v *visit) serverNameCase() attempt {
	return attempt{name: "client meets a wrong server name", expected: expectRefused, run: func(ctx context.Context) (string, string, bool) {
		k := v.knockOf(v.right)
		k.serverName = "wrong.mqttpki.invalid"
		conn, err := v.open(ctx, v.l, k)
		if err == nil {
			_ = conn.Close()
			return "the server's certificate passes for " + k.serverName, "", false
		}
		cause := causeOf(err)
		return words(err), cause, cause == CauseServerName
	}}
}

// passwordCases are the ways to be nobody where users have passwords.
func (v *visit) passwordCases() []attempt {
	if v.l.Identity.User != channels.UserPassword {
		return nil
	}
	k := v.knockOf(v.right)
	name := v.right.User
	if name == "" {
		name = v.run
	}
	needs := ""
	if needsCertificate(v.l) && k.certificate == nil {
		needs = v.right.why
	}
	login := func(label string, who login) attempt {
		return attempt{name: label, expected: expectRefused, leftOut: needs, run: func(ctx context.Context) (string, string, bool) {
			c, err := v.login(ctx, v.l, k, MQTT311, who)
			if err == nil {
				c.disconnect()
				return "let in", "", false
			}
			cause := causeOf(err)
			return words(err), cause, plausible(cause, CauseLogin)
		}}
	}
	return []attempt{
		login("wrong password", loginOf(v.run, name, []byte("wrong-"+v.run))),
		login("no password", loginOf(v.run, name, nil)),
		login("nobody", loginOf(v.run, "", nil)),
	}
}

func loginOf(id, user string, password []byte) login {
	return login{clientID: id, user: user, password: password}
}

// accepted says why a property was given up at this listener, "" where it was not.
func (v *visit) accepted(property string) string {
	if v.Accepted == nil {
		return ""
	}
	return v.Accepted(v.l, property)
}

// roundTrip subscribes to a topic, publishes to it and waits for what it published.
func (v *visit) roundTrip(ctx context.Context, c client, topic string) error {
	if err := c.subscribe(ctx, topic); err != nil {
		return fmt.Errorf("subscribing to %s: %w", topic, err)
	}
	payload := v.tag + " round trip"
	if err := c.publish(ctx, topic, payload); err != nil {
		return fmt.Errorf("publishing to %s: %w", topic, err)
	}
	for {
		select {
		case m := <-c.received():
			if m.topic == topic && m.payload == payload {
				return nil
			}
		case <-c.lost():
			return fmt.Errorf("waiting for the message on %s: %w", topic, errLost)
		case <-ctx.Done():
			return fmt.Errorf("waiting for the message on %s: %w", topic, errors.Join(context.DeadlineExceeded, ctx.Err()))
		}
	}
}
