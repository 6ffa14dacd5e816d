package broker

import (
	"math"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is where the server asks what a client may do, and tells what has happened. It is the only hook: the server
// takes the first "yes" of several.
type hook struct {
	mqtt.HookBase
	b *Broker

	mu      sync.Mutex
	delayed map[string]delayedWill // by client id: wills that wait for their delay
}

// delayedWill is a will that the server will publish later, without asking again.
type delayedWill struct{ user, topic string }

// ID names the hook in the server's log.
func (h *hook) ID() string { return "mqttpki" }

// Provides lists what is answered here.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnDisconnect,
		mqtt.OnPacketRead, mqtt.OnPacketEncode, mqtt.OnPublish, mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnUnsubscribed,
		mqtt.OnRetainMessage, mqtt.OnRetainPublished, mqtt.OnRetainedExpired, mqtt.OnQosPublish, mqtt.OnQosComplete,
		mqtt.OnQosDropped, mqtt.OnWill, mqtt.OnWillSent, mqtt.OnSelectSubscribers:
		return true
	}
	return false
}

// newServer makes the server with limits of ours: some of its defaults are unlimited, some cost memory per connection.
func newServer(b *Broker) *mqtt.Server {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumMessageExpiryInterval = 0              // by default retained messages vanish after a day
	c.MaximumSessionExpiryInterval = math.MaxUint32 // sessions expire here, see expireSessions
	c.MaximumClientWritesPending = writesPending
	c.MaximumPacketSize = 0 // each listener has its own, which a reload may change: see frameGuard
	c.MaximumInflight = maxQueued
	c.ReceiveMaximum = receiveMaximum
	c.TopicAliasMaximum = 0 // it checks the alias's topic before it looks up the alias, and never offers any
	return mqtt.New(&mqtt.Options{
		Capabilities:             c,
		ClientNetReadBufferSize:  clientBuffer,
		ClientNetWriteBufferSize: 1, // no gathering: what was gathered is sent with the next packet, which may never come
		SysTopicResendInterval:   sysInterval,
		Logger:                   serverLogger(b.log),
	})
}

// Limits of the server.
const (
	defaultPacketBytes = 1 << 20
	maxSessionSeconds  = 60 * 24 * 60 * 60 // sessions that nobody has come back to for 60 days go
	writesPending      = 512               // messages on their way to one client; 8 bytes each, for every connection
	maxQueued          = 1000              // unacknowledged and queued messages of one client, as mosquitto's default
	receiveMaximum     = 1024              // unacknowledged messages from one client
	clientBuffer       = 1024              // bytes
	sysInterval        = 10                // seconds between two rounds of $SYS messages
	maxSubscriptions   = 10_000            // of one client
)

// OnACLCheck is asked before a publish is taken (write), before a subscription is made, and before every delivery, so
// that a subscription which was inherited, restored or made under other rules brings nothing that is not allowed now.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s, user := h.b.snapshot(), string(cl.Properties.Username)
	if !write {
		return maySubscribe(s, user, topic)
	}
	if mayPublish(s, user, topic) {
		return true
	}
	h.denied(cl, "publish", topic)
	// MQTT 3.1.1 has no way to say no. The server would hang up, and the client come back and send the same again, for
	// ever; so it gets its acknowledgement, and OnPublish drops the message.
	return cl.Properties.ProtocolVersion < 5
}

// denied logs what a client may not do, without drowning everything else.
func (h *hook) denied(cl *mqtt.Client, what, topic string) {
	k := linkOf(cl)
	if k == nil {
		return
	}
	if n := k.denials.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th, ...
		h.b.log.Warn("denied", "what", what, "topic", topic, "client", k.id, "user", k.user, "listener", k.listener.model.Name, "remote", k.remote, "denials", n)
	}
}

// OnPublish drops what OnACLCheck could not refuse.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if !mayPublish(h.b.snapshot(), string(cl.Properties.Username), pk.TopicName) {
		return pk, packets.CodeSuccessIgnore
	}
	return pk, nil
}

// OnSubscribe makes filters that MQTT does not know, or that are too many, invalid ones, which the server refuses one by
// one. It takes "a+b" for a filter itself.
func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	s, user := h.b.snapshot(), string(cl.Properties.Username)
	have := cl.State.Subscriptions.Len()
	for i := range pk.Filters {
		filter := pk.Filters[i].Filter
		if maySubscribe(s, user, filter) {
			if have++; have > maxSubscriptions {
				h.denied(cl, "subscribe: too many subscriptions", filter)
				pk.Filters[i].Filter = ""
			}
			continue
		}
		h.denied(cl, "subscribe", filter)
		if !plausible(filter) || !mqtt.IsValidFilter(filter, false) {
			pk.Filters[i].Filter = ""
		}
	}
	return pk
}

// OnWill is asked when a will is due. The server publishes it without any check, and takes what is returned here even
// for a will that is not to be: an empty topic reaches nobody.
func (h *hook) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	k := linkOf(cl)
	user := string(cl.Properties.Username)
	if k == nil || k.muted.Load() || !mayPublish(h.b.snapshot(), user, will.TopicName) {
		return mqtt.Will{}, nil
	}
	if cl.Properties.Will.WillDelayInterval > 0 {
		h.mu.Lock()
		h.delayed[cl.ID] = delayedWill{user, will.TopicName}
		h.mu.Unlock()
	}
	return will, nil
}

// OnWillSent forgets a will that has been published.
func (h *hook) OnWillSent(cl *mqtt.Client, _ packets.Packet) { h.forgetWill(cl.ID) }

func (h *hook) forgetWill(id string) {
	h.mu.Lock()
	delete(h.delayed, id)
	h.mu.Unlock()
}

// OnSelectSubscribers picks who gets a message of a shared subscription. The server takes any member, and the message
// is lost when that one is not connected.
func (h *hook) OnSelectSubscribers(subs *mqtt.Subscribers, pk packets.Packet) *mqtt.Subscribers {
	s := h.b.snapshot()
	subs.SharedSelected = map[string]packets.Subscription{}
	for _, members := range subs.Shared {
		chosen, found := "", false
		for id := range members {
			cl, ok := h.b.server.Clients.Get(id)
			if !ok || !maySubscribe(s, string(cl.Properties.Username), pk.TopicName) {
				continue
			}
			if chosen, found = id, true; !cl.Closed() {
				break
			}
		}
		if !found {
			continue
		}
		sub := members[chosen]
		if other, twice := subs.SharedSelected[chosen]; twice {
			sub = other.Merge(sub)
		}
		subs.SharedSelected[chosen] = sub
	}
	if len(subs.SharedSelected) == 0 {
		subs.Shared = nil // the server would choose for itself
	}
	return subs
}
