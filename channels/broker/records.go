package broker

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// What is stored, as JSON. The server's own storage hook cannot be used: it forgets packet ids, so that a client with a
// queue is thrown out at every attempt to come back; it stores subscriptions that were denied; it forgets who made a
// session; and it waits for the disk at every message.

// sessionRecord is a session that outlives its connection.
type sessionRecord struct {
	User     string    `json:"user"`
	Listener string    `json:"listener"`
	Password bool      `json:"password,omitempty"` // the user proved itself by a password
	Issuer   []byte    `json:"issuer,omitempty"`   // of the certificate, see session
	Serial   []byte    `json:"serial,omitempty"`
	Anchors  [][]byte  `json:"anchors,omitempty"`
	Version  byte      `json:"version"` // of MQTT: 3, 4, 5
	Expiry   uint32    `json:"expiry"`  // seconds
	Left     time.Time `json:"left"`    // when the client went; zero while it is there
	MaxBytes uint32    `json:"max_bytes,omitempty"`
}

// subscriptionRecord is one subscription of a stored session.
type subscriptionRecord struct {
	QoS               byte `json:"qos"`
	Identifier        int  `json:"identifier,omitempty"`
	RetainHandling    byte `json:"retain_handling,omitempty"`
	RetainAsPublished bool `json:"retain_as_published,omitempty"`
	NoLocal           bool `json:"no_local,omitempty"`
}

// messageRecord is a retained message, or one packet of a stored session's queue.
type messageRecord struct {
	Type          byte                   `json:"type"` // of the packet
	QoS           byte                   `json:"qos"`
	Retain        bool                   `json:"retain,omitempty"`
	Topic         string                 `json:"topic,omitempty"`
	Payload       []byte                 `json:"payload,omitempty"`
	Origin        string                 `json:"origin,omitempty"` // client id of the publisher
	PacketID      uint16                 `json:"packet_id,omitempty"`
	Sequence      int64                  `json:"sequence,omitempty"` // place in the queue; of a retained message its date
	Expires       int64                  `json:"expires,omitempty"`  // seconds since 1970
	Version       byte                   `json:"version,omitempty"`
	Format        *byte                  `json:"format,omitempty"`
	ContentType   string                 `json:"content_type,omitempty"`
	ResponseTopic string                 `json:"response_topic,omitempty"`
	Correlation   []byte                 `json:"correlation,omitempty"`
	Subscriptions []int                  `json:"subscriptions,omitempty"`
	User          []packets.UserProperty `json:"user,omitempty"`
}

// newSessionRecord describes the session of a client that is connected; left is zero, or when it went.
func newSessionRecord(k *link, cl *mqtt.Client, left time.Time) sessionRecord {
	issuer, serial := certificateKey(k)
	var anchors [][]byte
	for _, id := range anchorsOf(k) {
		anchors = append(anchors, []byte(id))
	}
	return sessionRecord{Anchors: anchors, User: k.user, Listener: k.listener.model.Name, Password: k.password, Issuer: []byte(issuer), Serial: []byte(serial),
		Version: cl.Properties.ProtocolVersion, Expiry: k.expiry.Load(), Left: left, MaxBytes: cl.Properties.Props.MaximumPacketSize}
}

func newMessageRecord(pk *packets.Packet) messageRecord {
	m := messageRecord{Type: pk.FixedHeader.Type, QoS: pk.FixedHeader.Qos, Retain: pk.FixedHeader.Retain, Topic: pk.TopicName,
		Payload: pk.Payload, Origin: pk.Origin, PacketID: pk.PacketID, Sequence: pk.Created, Expires: pk.Expiry,
		Version: pk.ProtocolVersion, ContentType: pk.Properties.ContentType, ResponseTopic: pk.Properties.ResponseTopic,
		Correlation: pk.Properties.CorrelationData, Subscriptions: pk.Properties.SubscriptionIdentifier, User: pk.Properties.User}
	if pk.Properties.PayloadFormatFlag {
		format := pk.Properties.PayloadFormat
		m.Format = &format
	}
	return m
}

// packet is the reverse of newMessageRecord.
func (m *messageRecord) packet() packets.Packet {
	pk := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: m.Type, Qos: m.QoS, Retain: m.Retain},
		TopicName:   m.Topic, Payload: m.Payload, Origin: m.Origin, PacketID: m.PacketID, Created: m.Sequence,
		Expiry: m.Expires, ProtocolVersion: m.Version,
		Properties: packets.Properties{ContentType: m.ContentType, ResponseTopic: m.ResponseTopic,
			CorrelationData: m.Correlation, SubscriptionIdentifier: m.Subscriptions, User: m.User},
	}
	if m.Format != nil {
		pk.Properties.PayloadFormat, pk.Properties.PayloadFormatFlag = *m.Format, true
	}
	return pk
}
