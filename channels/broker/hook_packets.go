package broker

import (
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// OnPacketRead sees every packet of a client before the server works on it.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	k := linkOf(cl)
	if k == nil {
		return pk, nil
	}
	switch pk.FixedHeader.Type {
	case packets.Publish:
		if pk.FixedHeader.Qos > 0 {
			pk.PacketID = k.ids.in(cl, pk.PacketID, true)
		}
		if strings.HasPrefix(pk.TopicName, "$") || !h.responseAllowed(cl, pk.Properties.ResponseTopic) {
			// The server would leave a publish to $SYS without an answer, and the client waiting for one.
			pk.TopicName = deniedTopic
		}
	case packets.Subscribe, packets.Unsubscribe:
		pk.PacketID = k.ids.in(cl, pk.PacketID, true)
	case packets.Pubrel:
		pk.PacketID = k.ids.in(cl, pk.PacketID, false)
	case packets.Puback, packets.Pubcomp:
		k.window.release()
	case packets.Pubrec:
		if pk.ReasonCode >= packets.ErrUnspecifiedError.Code {
			k.window.release()
		}
	case packets.Disconnect:
		pk = k.changeExpiry(cl, pk)
	}
	return pk, nil
}

// responseAllowed reports whether a publisher may ask for an answer on a topic. Somebody with more rights will publish
// there, so it must be one on which the asker could publish or listen itself.
func (h *hook) responseAllowed(cl *mqtt.Client, topic string) bool {
	if topic == "" {
		return true
	}
	s, user := h.b.snapshot(), string(cl.Properties.Username)
	return !strings.ContainsAny(topic, "+#") && (maySubscribe(s, user, topic) || mayPublish(s, user, topic))
}

// changeExpiry takes a new session expiry from a DISCONNECT (MQTT 5 section 3.14.2.2.2) before the server does, which
// would expire the session by its own rules then. To make a session outlast its connection only now is a protocol
// error, and stays for the server to refuse.
func (k *link) changeExpiry(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	props := &cl.Properties.Props
	if !pk.Properties.SessionExpiryIntervalFlag || (props.SessionExpiryInterval == 0 && pk.Properties.SessionExpiryInterval > 0) {
		return pk
	}
	props.SessionExpiryInterval = min(pk.Properties.SessionExpiryInterval, maxSessionSeconds)
	k.expiry.Store(props.SessionExpiryInterval)
	cl.Properties.Will.WillDelayInterval = min(cl.Properties.Will.WillDelayInterval, props.SessionExpiryInterval)
	pk.Properties.SessionExpiryIntervalFlag, pk.Properties.SessionExpiryInterval = false, 0
	return pk
}

// OnPacketEncode sees every packet on its way to a client.
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	k := linkOf(cl)
	if k == nil {
		return pk
	}
	switch pk.FixedHeader.Type {
	case packets.Connack:
		if pk.ReasonCode < packets.ErrUnspecifiedError.Code {
			pk.Properties.MaximumPacketSize = uint32(k.packetLimit())
			if k.expiryCut {
				pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = k.expiry.Load(), true
			}
		}
	case packets.Publish:
		if pk.FixedHeader.Retain {
			k.backlog.sent()
		}
		if pk.FixedHeader.Qos > 0 && k.established.Load() {
			k.window.acquire(k)
		} else if pk.FixedHeader.Qos > 0 {
			k.window.take()
		}
	case packets.Puback, packets.Pubcomp, packets.Suback, packets.Unsuback:
		pk.PacketID = k.ids.out(pk.PacketID, true)
	case packets.Pubrec:
		pk.PacketID = k.ids.out(pk.PacketID, pk.ReasonCode >= packets.ErrUnspecifiedError.Code)
	}
	return pk
}

// packetLimit is the largest packet that this connection takes.
func (k *link) packetLimit() int {
	p, ok := k.listener.b.snapshot().listeners[k.listener.model.Name]
	if !ok || p.model.Limits.PacketBytes <= 0 {
		return defaultPacketBytes
	}
	return p.model.Limits.PacketBytes
}

// OnRetainPublished is called after each retained message that a subscription brings.
func (h *hook) OnRetainPublished(cl *mqtt.Client, _ packets.Packet) {
	if k := linkOf(cl); k != nil {
		k.backlog.add(k, h.b.opts.WriteTimeout)
	}
}
