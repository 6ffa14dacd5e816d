package broker

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Reload reads model and material anew and puts them in place: certificate, trusted CAs, CRLs, password users, access
// rules, limits. Connections that are still allowed stay up; a client that is revoked, not trusted or not a user any
// more is sent away, and its session, will and queue go. When anything cannot be read all stays as it was.
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

// unwelcome says why a connection that came in under earlier rules may not stay. A CRL that went stale is no reason:
// it keeps new clients out, and says nothing about those who are in.
func (b *Broker) unwelcome(k *link, s *snapshot) *refusal {
	p, ok := s.listeners[k.listener.model.Name]
	if !ok {
		return nil
	}
	if k.password && !s.users.Has(k.user) {
		return refuse(causeIdentity, "the user %q is no more", k.user)
	}
	found := k.peer.Load()
	if found == nil || len(found.state.PeerCertificates) == 0 {
		return nil
	}
	groups, why := s.trust.judge(found.state.VerifiedChains, p.useCRL, b.opts.Now())
	switch {
	case why != nil && (why.cause == causeRevoked || why.cause == causeUnknownCA || why.cause == causeWrongRole):
		return why
	case why == nil && p.model.Identity.User.FromCertificate() && !mayName(groups, k.user):
		return refuse(causeIdentity, "the CA of its certificate may not name the user %q any more", k.user)
	}
	return nil
}

// expelUnwelcome sends away who may not stay, and removes the stored sessions of those who may not come back.
func (b *Broker) expelUnwelcome(s *snapshot) {
	for _, k := range b.links() {
		if !k.established.Load() {
			continue // judged when it is
		}
		if why := b.unwelcome(k, s); why != nil {
			go b.expel(k, why)
		}
	}
	for _, id := range b.sessions.where(func(_ string, one *session) bool {
		return one.holder == nil && (one.serial != "" && s.trust.isRevoked(one.issuer, one.serial) || one.password && !s.users.Has(one.user))
	}) {
		b.log.Warn("session removed: its certificate is revoked, or its user is no more", "client", id)
		b.purge(id, packets.ErrNotAuthorized)
	}
}

// expel ends a connection for good.
func (b *Broker) expel(k *link, why *refusal) {
	b.log.Warn("client sent away", "client", k.id, "user", k.user, "listener", k.listener.model.Name, "remote", k.remote, "cause", why.cause, "why", why.text)
	b.purge(k.id, packets.ErrNotAuthorized)
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
