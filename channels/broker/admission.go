package broker

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// Bounds of what a client says of itself.
const (
	maxClientID  = 1024  // bytes; MQTT 3.1 allowed 23
	maxKeepalive = 43690 // seconds; the server adds half of it in 16 bits
)

// OnConnect decides whether a client may come in. Everything is decided here, and not when the server asks for the
// password: here the client can be told the right reason.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	k := linkOf(cl)
	if k == nil {
		return errors.New("a client without a connection of ours")
	}
	k.client = cl
	code, why := h.admit(k, cl, pk)
	if why == nil {
		k.admitted = true
		return nil
	}
	if cl.Properties.ProtocolVersion < 5 {
		code = connackV3(code)
	}
	_ = h.b.server.SendConnack(cl, code, false, nil)
	return why
}

// OnConnectAuthenticate repeats the answer of OnConnect; the server has no other way to be told.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	k := linkOf(cl)
	return k != nil && k.admitted
}

// connackV3 translates a reason to what MQTT 3.1.1 section 3.2.2.3 has; the server's own table knows only some.
func connackV3(code packets.Code) packets.Code {
	switch code.Code {
	case packets.ErrClientIdentifierNotValid.Code:
		return packets.Err3ClientIdentifierNotValid
	case packets.ErrServerBusy.Code, packets.ErrServerUnavailable.Code:
		return packets.Err3ServerUnavailable
	case packets.ErrBadUsernameOrPassword.Code:
		return packets.ErrMalformedUsernameOrPassword
	}
	return packets.Err3NotAuthorized
}

// admit finds out who the client is, what it may be called, and whether its will is allowed, and makes it the holder
// of its session. It returns what to tell the client, and what to tell the operator.
func (h *hook) admit(k *link, cl *mqtt.Client, pk packets.Packet) (packets.Code, *refusal) {
	s := h.b.snapshot()
	p, ok := s.listeners[k.listener.model.Name]
	if !ok {
		return packets.ErrServerUnavailable, refuse(causeOther, "the listener is gone from the model")
	}
	if pk.Properties.AuthenticationMethod != "" {
		return packets.ErrBadAuthenticationMethod, refuse(causeProtocol, "it wants extended authentication, which is not offered")
	}
	user, code, why := h.identify(s, p, k, pk)
	if why != nil {
		return code, why
	}
	k.user = user
	cl.Properties.Username = []byte(user) // whatever the client called itself; access rules go by this
	if code, why := h.nameClient(p, k, cl); why != nil {
		return code, why
	}
	if why := willAllowed(s, user, cl); why != nil {
		return packets.ErrNotAuthorized, why
	}
	k.settle(cl, pk)
	if why := h.b.claim(k, p.model.Identity.ClientID == channels.ClientIDAny); why != nil {
		if why.cause == causeClientID {
			return packets.ErrClientIdentifierNotValid, why
		}
		return packets.ErrServerBusy, why
	}
	if why, _ := h.b.unwelcome(k, h.b.snapshot()); why != nil { // a reload came in between
		return packets.ErrNotAuthorized, why
	}
	return packets.CodeSuccess, nil
}

// identify finds the user's name.
func (h *hook) identify(s *snapshot, p *policy, k *link, pk packets.Packet) (string, packets.Code, *refusal) {
	switch source := p.model.Identity.User; {
	case source.FromCertificate():
		user, why := certificateUser(&p.model, k)
		return user, packets.ErrNotAuthorized, why
	case source == channels.UserPassword:
		user := string(pk.Connect.Username)
		if !pk.Connect.UsernameFlag || user == "" {
			return "", packets.ErrBadUsernameOrPassword, refuse(causePassword, "it gives no user name, and this listener asks for one and a password")
		}
		// Deriving a password is meant to be slow; only so many at once, or CONNECTs would be a way to stop the broker.
		select {
		case h.b.passwords <- struct{}{}:
		case <-k.closing:
			return "", packets.ErrServerBusy, refuse(causeGone, "it closed the connection before its password was checked")
		}
		right := s.users.Verify(user, keystore.Secret(pk.Connect.Password))
		<-h.b.passwords
		if !right {
			return "", packets.ErrBadUsernameOrPassword, refuse(causePassword, "wrong password, or no such user: %q", user)
		}
		k.password, k.credential = true, s.users.Credential(user)
		return user, packets.CodeSuccess, nil
	case source == channels.UserFixed:
		return p.model.Identity.FixedUser, packets.CodeSuccess, nil
	case source == channels.UserNone:
		return "", packets.CodeSuccess, nil
	default:
		return "", packets.ErrNotAuthorized, refuse(causeIdentity, "the listener does not say who its users are")
	}
}

// certificateUser reads the user from a connection's certificate and checks that its CA may name it.
func certificateUser(model *channels.Listener, k *link) (string, *refusal) {
	p, leaf := k.peer.Load(), k.leaf()
	if leaf == nil {
		return "", refuse(causeNoCertificate, "it sent no certificate to take its user from")
	}
	user, err := channels.UserOf(model.Identity.User, leaf)
	if err != nil {
		return "", refuse(causeIdentity, "%v", err)
	}
	if !mayName(p.groups, user) {
		return "", refuse(causeIdentity, "the CA of its certificate may not name the user %q", user)
	}
	return user, nil
}

// nameClient settles the client id.
func (h *hook) nameClient(p *policy, k *link, cl *mqtt.Client) (packets.Code, *refusal) {
	if cl.Properties.Props.AssignedClientID != "" {
		// The server makes them up from a clock and a counter; another user could guess and take the next one.
		var random [12]byte
		if _, err := io.ReadFull(h.b.opts.Random, random[:]); err != nil {
			return packets.ErrServerUnavailable, refuse(causeOther, "no randomness: %v", err)
		}
		cl.ID = "auto-" + hex.EncodeToString(random[:])
		cl.Properties.Props.AssignedClientID = cl.ID
	}
	k.id = cl.ID
	switch {
	case len(k.id) > maxClientID || !utf8.ValidString(k.id) || strings.ContainsFunc(k.id, unicode.IsControl):
		return packets.ErrClientIdentifierNotValid, refuse(causeClientID, "its client id is longer than %d bytes or holds control characters", maxClientID)
	case !channels.ClientIDAllowed(p.model.Identity.ClientID, k.user, k.id):
		return packets.ErrClientIdentifierNotValid, refuse(causeClientID, "user %q may not use the client id %q here", k.user, k.id)
	}
	return packets.CodeSuccess, nil
}

// willAllowed checks the will at once: the server would publish it to any topic. It is checked again when it is due.
func willAllowed(s *snapshot, user string, cl *mqtt.Client) *refusal {
	if cl.Properties.Will.Flag == 0 {
		return nil
	}
	if topic := cl.Properties.Will.TopicName; !mayPublish(s, user, topic) {
		return refuse(causeWill, "user %q may not publish to %q, where its will is to go", user, topic)
	}
	return nil
}

// settle puts right what the server would take from the CONNECT as it is.
func (k *link) settle(cl *mqtt.Client, pk packets.Packet) {
	props := &cl.Properties.Props
	if cl.State.Keepalive > maxKeepalive {
		// Half as much again overflows in the server, and the client would be cut at once.
		cl.State.Keepalive, cl.State.ServerKeepalive = maxKeepalive, true
	}
	if cl.Properties.ProtocolVersion == 5 {
		k.expiryCut = props.SessionExpiryInterval > maxSessionSeconds
		props.SessionExpiryInterval = min(props.SessionExpiryInterval, maxSessionSeconds)
		k.expiry.Store(props.SessionExpiryInterval)
		// A will is due when the session ends (MQTT 5 section 3.1.3.2.2), which without an interval is at once.
		cl.Properties.Will.WillDelayInterval = min(cl.Properties.Will.WillDelayInterval, props.SessionExpiryInterval)
	} else if !cl.Properties.Clean {
		k.expiry.Store(maxSessionSeconds)
	}
	// The server's own expiry may remove a session that somebody is just taking up, and leaves its subscriptions behind
	// for the next who uses the id. Without the flag it never does; see expireSessions.
	props.SessionExpiryIntervalFlag = false
	k.receiveMax = int(pk.Properties.ReceiveMaximum)
	// The server's flow control takes a lock twice that a writer may stand between, and then hangs; ours is window.go.
	props.ReceiveMaximum = 0
	cl.State.Inflight.ResetSendQuota(0)
	// Aliases of outgoing topics outlive the connection they were agreed on, in the queue; without this there are none.
	props.TopicAliasMaximum = 0
	cl.State.TopicAliases.Outbound = mqtt.NewOutboundTopicAliases(0)
}
