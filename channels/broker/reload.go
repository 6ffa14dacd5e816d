package broker

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/mqttpki/mqttpki/channels"
)

// Reload reads model and material anew and puts them in place: certificate, trusted CAs, CRLs, password users, access
// rules, limits. Connections that are still allowed stay up; a client that is revoked, not trusted or not a user any
// more is sent away, and its session, will and queue go. One whose password is another now, or whom its listener would
// not let in as it is, is sent away and may come back to its session by the rules of now. When anything cannot be read all stays as it was.
//
// Names, addresses and transports of listeners are those of the start.
func (b *Broker) Reload() error {
	if b.opts.Source == nil {
		return errors.New("reloading the broker: there is nothing to reload from")
	}
	b.reload.Lock()
	defer b.reload.Unlock()
	d, m, err := b.opts.Source()
	var s *snapshot
	if err == nil {
		s, err = b.compile(d, m)
	}
	if err == nil {
		err = s.trust.olderThan(b.snapshot().trust)
	}
	if err != nil {
		err = fmt.Errorf("reloading the broker: %w", err)
		b.log.Error("reload refused; everything stays as it was", "why", err)
		return err
	}
	b.current.Store(s)
	if !b.running() {
		return nil // not yet: it begins with these rules
	}
	for _, warning := range append(b.moved(s), s.warnings(b.opts.Now())...) {
		b.log.Warn(warning)
	}
	b.expelUnwelcome(s)
	b.withdraw(s)
	b.log.Info("reloaded")
	return nil
}

// moved says which changes to listeners wait for a restart.
func (b *Broker) moved(s *snapshot) []string {
	var all []string
	started := map[string]bool{}
	for _, l := range b.listeners {
		started[l.model.Name] = true
		p, ok := s.listeners[l.model.Name]
		switch {
		case !ok:
			all = append(all, fmt.Sprintf("listener %q is gone from the model: it lets nobody in, and its port stays bound until a restart", l.model.Name))
		case p.model.Bind != l.model.Bind || p.model.Port != l.model.Port || p.model.Transport != l.model.Transport || p.model.Path != l.model.Path:
			all = append(all, fmt.Sprintf("listener %q: its new address, transport or path wait for a restart", l.model.Name))
		}
	}
	for _, model := range s.deployment.Listeners {
		if !started[model.Name] {
			all = append(all, fmt.Sprintf("listener %q is new: it waits for a restart", model.Name))
		}
	}
	return all
}

// unwelcome says why a connection that came in under earlier rules may not stay, and whether that is for good, so that
// its session goes, too. A CRL that went stale is no reason: it keeps new clients out, and says nothing about those who
// are in.
func (b *Broker) unwelcome(k *link, s *snapshot) (why *refusal, forGood bool) {
	p, ok := s.listeners[k.listener.model.Name]
	if !ok {
		return nil, false
	}
	if k.password && !s.users.Has(k.user) {
		return refuse(causeIdentity, "the user %q is no more", k.user), true
	}
	if found := k.peer.Load(); found != nil && len(found.state.PeerCertificates) > 0 {
		groups, why := s.trust.judge(found.state.VerifiedChains, p.useCRL, b.opts.Now())
		switch {
		case why != nil && (why.cause == causeRevoked || why.cause == causeUnknownCA || why.cause == causeWrongRole):
			return why, true
		case why == nil && p.model.Identity.User.FromCertificate() && !mayName(groups, k.user):
			return refuse(causeIdentity, "the CA of its certificate may not name the user %q any more", k.user), true
		}
	}
	return k.outdated(p, s), false
}

// outdated says why a client would not be let in any more as the user that it is, under the id that it has.
func (k *link) outdated(p *policy, s *snapshot) *refusal {
	if k.password && s.users.Credential(k.user) != k.credential {
		return refuse(causePassword, "the password of %q is another now", k.user)
	}
	leaf, source := k.leaf(), p.model.Identity.User
	if leaf == nil && p.model.ClientCertificate == channels.CertificateRequired {
		return refuse(causeNoCertificate, "it has no certificate, and this listener requires one now")
	}
	user := k.user
	switch {
	case source.FromCertificate():
		user, _ = channels.UserOf(source, leaf)
	case source == channels.UserFixed:
		user = p.model.Identity.FixedUser
	case source == channels.UserNone:
		user = ""
	case !k.password:
		return refuse(causePassword, "it gave no password, and this listener asks for one now")
	}
	if user != k.user {
		return refuse(causeIdentity, "it is not the user %q by the rules of now", k.user)
	}
	if !channels.ClientIDAllowed(p.model.Identity.ClientID, user, k.id) {
		return refuse(causeClientID, "user %q may not use the client id %q any more", user, k.id)
	}
	return nil
}

// expelUnwelcome sends away who may not stay, and removes the stored sessions of those who may not come back.
func (b *Broker) expelUnwelcome(s *snapshot) {
	for _, k := range b.links() {
		if !k.established.Load() {
			continue // judged when it is
		}
		if why, forGood := b.unwelcome(k, s); why != nil {
			go b.expel(k, why, forGood)
		}
	}
	for _, id := range b.sessions.where(func(_ string, one *session) bool {
		return one.holder == nil && (one.serial != "" && s.trust.isRevoked(one.issuer, one.serial) || !s.trust.trusts(one.anchors) || one.password && !s.users.Has(one.user))
	}) {
		b.log.Warn("session removed: its certificate is revoked, its CA not trusted, or its user no more", "client", id)
		b.purge(id, packets.ErrNotAuthorized)
	}
}

// expel ends a connection, and for good also its session. Its will is not sent.
func (b *Broker) expel(k *link, why *refusal, forGood bool) {
	b.log.Warn("client sent away", "client", k.id, "user", k.user, "listener", k.listener.model.Name, "remote", k.remote, "cause", why.cause, "why", why.text)
	if forGood {
		b.purge(k.id, packets.ErrNotAuthorized)
		return
	}
	k.muted.Store(true)
	b.sendAway(k, packets.ErrNotAuthorized)
}

// withdraw takes back what the access rules no longer allow: subscriptions, queued messages, wills that wait.
func (b *Broker) withdraw(s *snapshot) {
	for id, cl := range b.server.Clients.GetAll() {
		user := string(cl.Properties.Username)
		for filter := range cl.State.Subscriptions.GetAll() {
			if maySubscribe(s, user, filter) {
				continue
			}
			if b.server.Topics.Unsubscribe(filter, id) {
				atomic.AddInt64(&b.server.Info.Subscriptions, -1)
			}
			cl.State.Subscriptions.Delete(filter)
			b.store.remove(bucketSubscriptions, subscriptionKey(id, filter))
		}
		for _, pk := range cl.State.Inflight.GetAll(false) {
			if pk.FixedHeader.Type != packets.Publish || maySubscribe(s, user, pk.TopicName) {
				continue
			}
			if cl.State.Inflight.Delete(pk.PacketID) {
				atomic.AddInt64(&b.server.Info.Inflight, -1)
			}
			b.store.remove(bucketQueue, queueKey(id, pk.PacketID))
		}
	}
	b.hook.mu.Lock()
	var void []string
	for id, will := range b.hook.delayed {
		if !mayPublish(s, will.user, will.topic) {
			void = append(void, id)
		}
	}
	b.hook.mu.Unlock()
	for _, id := range void {
		b.cancelWill(id)
	}
}
