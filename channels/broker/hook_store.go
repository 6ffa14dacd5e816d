package broker

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// OnSessionEstablished is called when the client has its CONNACK.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	k := linkOf(cl)
	if k == nil {
		return
	}
	h.forgetWill(k.id) // the server has cancelled one that was waiting
	if k.expiry.Load() > 0 {
		h.b.store.put(bucketClients, k.id, newSessionRecord(k, cl, time.Time{}))
	} else {
		h.b.store.dropClient(k.id)
	}
	k.established.Store(true)
	k.listener.pending.leave(k)
	h.b.log.Info("client connected", "client", k.id, "user", k.user, "listener", k.listener.model.Name, "remote", k.remote, "mqtt", versionName(cl.Properties.ProtocolVersion))
	if why, forGood := h.b.unwelcome(k, h.b.snapshot()); why != nil {
		// A reload that came in since it was admitted did not see it among the connections that are up.
		go h.b.expel(k, why, forGood)
	}
}

func versionName(version byte) string {
	switch version {
	case 3:
		return "3.1"
	case 4:
		return "3.1.1"
	}
	return "5.0"
}

// OnDisconnect keeps or forgets the session of a client that went.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	k := linkOf(cl)
	switch {
	case k == nil || !k.claimed:
	case k.expiry.Load() > 0:
		h.b.store.put(bucketClients, k.id, newSessionRecord(k, cl, h.b.opts.Now()))
	default:
		h.b.store.dropClient(k.id)
	}
}

// OnSubscribed keeps the subscriptions that were granted.
func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, reasons []byte) {
	if k := linkOf(cl); k != nil {
		k.backlog.begin()
	}
	if !persistent(cl) {
		return
	}
	for i, sub := range pk.Filters {
		if i < len(reasons) && reasons[i] <= packets.CodeGrantedQos2.Code {
			h.b.store.put(bucketSubscriptions, subscriptionKey(cl.ID, sub.Filter), subscriptionRecord{QoS: sub.Qos, Identifier: sub.Identifier,
				RetainHandling: sub.RetainHandling, RetainAsPublished: sub.RetainAsPublished, NoLocal: sub.NoLocal})
		}
	}
}

// OnUnsubscribed forgets subscriptions.
func (h *hook) OnUnsubscribed(cl *mqtt.Client, pk packets.Packet) {
	if !persistent(cl) {
		return
	}
	for _, sub := range pk.Filters {
		h.b.store.remove(bucketSubscriptions, subscriptionKey(cl.ID, sub.Filter))
	}
}

// OnRetainMessage keeps a retained message, or forgets it when its payload is empty.
func (h *hook) OnRetainMessage(_ *mqtt.Client, pk packets.Packet, _ int64) {
	if len(pk.Payload) == 0 {
		h.b.store.remove(bucketRetained, pk.TopicName)
		return
	}
	h.b.store.put(bucketRetained, pk.TopicName, newMessageRecord(&pk))
}

// OnRetainedExpired forgets a retained message whose time has come.
func (h *hook) OnRetainedExpired(topic string) { h.b.store.remove(bucketRetained, topic) }

// OnQosPublish keeps a packet of a queue. The server repeats a queue in the order of its packets' dates, in seconds, so
// that those of one second come in any order; here the date becomes a number that counts up.
func (h *hook) OnQosPublish(cl *mqtt.Client, pk packets.Packet, _ int64, _ int) {
	if !persistent(cl) || pk.FixedHeader.Dup {
		return
	}
	if pk.FixedHeader.Type == packets.Publish {
		pk.Created = h.b.sessions.next(cl.ID, cl.State.Inflight.Len() <= 1)
		cl.State.Inflight.Set(pk)
	}
	h.b.store.put(bucketQueue, queueKey(cl.ID, pk.PacketID), newMessageRecord(&pk))
}

// OnQosComplete forgets a packet that has been acknowledged.
func (h *hook) OnQosComplete(cl *mqtt.Client, pk packets.Packet) {
	// The queue of a session that was taken over is cleared after it was handed on, and must stay in the store.
	if persistent(cl) && !cl.IsTakenOver() {
		h.b.store.remove(bucketQueue, queueKey(cl.ID, pk.PacketID))
	}
}

// OnQosDropped forgets a packet that was given up.
func (h *hook) OnQosDropped(cl *mqtt.Client, pk packets.Packet) { h.OnQosComplete(cl, pk) }
