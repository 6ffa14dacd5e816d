package broker

import (
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// claim makes k the holder of its client id, after sending away whoever holds it now; open says that ids are anybody's
// where k came in.
func (b *Broker) claim(k *link, open bool) *refusal {
	evict := func(old *link) {
		b.log.Info("session taken over", "client", k.id, "user", k.user, "old_remote", old.remote, "new_remote", k.remote)
		b.sendAway(old, packets.ErrSessionTakenOver)
	}
	remove := func(id string) { b.purge(id, packets.ErrSessionTakenOver) }
	return b.sessions.claim(k, evict, remove, open, b.opts.WriteTimeout+2*hurriedWrite)
}

// sendAway tells a client why it has to go, where its protocol has a word for it, and closes its connection. It takes
// at most a second or two; that nothing runs for the connection any more is what its done says.
func (b *Broker) sendAway(k *link, code packets.Code) {
	k.hurry(b.opts.Now())
	switch {
	case !k.established.Load():
		k.cut()
	case k.client.Properties.ProtocolVersion < 5:
		k.client.Stop(code) // MQTT 3.1.1 has no DISCONNECT from a server
	default:
		_ = b.server.DisconnectClient(k.client, code)
	}
}

// settle cleans up after a connection, when the server has done its own part. The server leaves a client in its list
// for ever when it fails between the list and the CONNACK.
func (b *Broker) settle(k *link) {
	if !k.claimed {
		return
	}
	expiry := k.expiry.Load()
	if current, ok := b.server.Clients.Get(k.id); ok && current == k.client && expiry == 0 {
		b.drop(k.id, current)
	}
	_, stored := b.server.Clients.Get(k.id)
	b.sessions.release(k, stored, b.opts.Now().Add(time.Duration(expiry)*time.Second))
}

// drop removes what the server and the store keep of a client id.
func (b *Broker) drop(id string, cl *mqtt.Client) {
	if cl != nil {
		cl.Stop(packets.ErrSessionTakenOver)
		b.server.UnsubscribeClient(cl)
		cl.ClearInflights()
		b.server.Clients.Delete(id)
	}
	b.store.dropClient(id)
}

// purge removes a session with its subscriptions, its queue and its will, sending its client away where there is one.
// Until it is done nobody else gets the id.
func (b *Broker) purge(id string, code packets.Code) {
	holder, unlock := b.sessions.lockOut(id)
	if unlock == nil {
		return
	}
	defer unlock()
	if holder != nil {
		holder.muted.Store(true)
		b.sendAway(holder, code)
		select {
		case <-holder.done:
		case <-time.After(2 * hurriedWrite):
			holder.cut()
			<-holder.done
		}
	}
	b.cancelWill(id)
	cl, _ := b.server.Clients.Get(id)
	b.drop(id, cl)
}

// cancelWill takes back a will that waits for its delay. The server does that when it handles a DISCONNECT, and offers
// no other way; so it is given one, from a client that has nothing but the id.
func (b *Broker) cancelWill(id string) {
	b.hook.forgetWill(id)
	stand := b.server.NewClient(nil, "", id, false)
	_ = b.server.InjectPacket(stand, packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
}

// expireInterval is how often stored sessions are looked at.
const expireInterval = 5 * time.Second

// warnInterval is how often the log is told what is about to keep clients out: it may run for months.
const warnInterval = time.Hour

// housekeep removes sessions whose time has come, and looks at dates, until the broker closes.
func (b *Broker) housekeep() {
	expire, warn := time.NewTicker(expireInterval), time.NewTicker(warnInterval)
	defer expire.Stop()
	defer warn.Stop()
	for {
		select {
		case <-expire.C:
			b.expireSessions(b.opts.Now())
		case <-warn.C:
			for _, warning := range b.snapshot().dates(b.opts.Now()) {
				b.log.Warn(warning)
			}
		case <-b.stopping:
			return
		}
	}
}

// expireSessions removes the stored sessions whose time has come.
func (b *Broker) expireSessions(now time.Time) {
	for _, id := range b.sessions.where(func(_ string, one *session) bool {
		return one.holder == nil && !one.expires.IsZero() && now.After(one.expires)
	}) {
		b.purge(id, packets.CodeDisconnect)
	}
}

// links returns every connection of every listener.
func (b *Broker) links() []*link {
	var all []*link
	for _, l := range b.listeners {
		all = append(all, l.all()...)
	}
	return all
}

// farewell tells every client that the broker stops, all at once, and waits until they are gone or the time is up.
func (b *Broker) farewell(timeout time.Duration) {
	links := b.links()
	var wait sync.WaitGroup
	for _, k := range links {
		wait.Go(func() {
			b.sendAway(k, packets.ErrServerShuttingDown)
			<-k.done
		})
	}
	gone := make(chan struct{})
	go func() { wait.Wait(); close(gone) }()
	select {
	case <-gone:
		return
	case <-time.After(timeout):
	}
	for _, k := range links {
		k.cut()
	}
	<-gone
}
