package broker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/wsconn"
)

// wire is an MQTT client that does what the test says, packet by packet, right or wrong.
type wire struct {
	r       *rig
	conn    net.Conn
	in      *bufio.Reader
	version byte
	id      uint16
	held    []packets.Packet // read while an answer was waited for
}

// patience of tests; nothing is asserted about how much of it is used.
const testPatience = 10 * time.Second

// dial connects to a listener, through TLS and WebSocket where it has them.
func (r *rig) dial(listener string, h holder) (net.Conn, error) {
	l := r.listener(listener)
	raw, err := net.DialTimeout("tcp", r.address(listener), testPatience)
	if err != nil {
		return nil, err
	}
	r.Cleanup(func() { _ = raw.Close() })
	conn := raw
	if l.Transport.Encrypted() {
		secure := tls.Client(raw, r.clientTLS(h))
		_ = secure.SetDeadline(time.Now().Add(testPatience))
		if err := secure.Handshake(); err != nil {
			return nil, err
		}
		_ = secure.SetDeadline(time.Time{})
		conn = secure
	}
	if l.Transport.WebSocket() {
		path := l.Path
		if path == "" {
			path = defaultPath
		}
		return wsconn.Client(context.Background(), conn, "localhost", path, time.Now)
	}
	return conn, nil
}

func (r *rig) wire(listener string, h holder, version byte) *wire {
	r.Helper()
	conn, err := r.dial(listener, h)
	require.NoError(r, err)
	return &wire{r: r, conn: conn, in: bufio.NewReader(conn), version: version}
}

// send encodes and sends one packet.
func (w *wire) send(pk packets.Packet) {
	w.r.Helper()
	require.NoError(w.r, w.trySend(pk))
}

func (w *wire) trySend(pk packets.Packet) error {
	pk.ProtocolVersion = w.version
	pk.Mods.AllowResponseInfo = true
	var buf bytes.Buffer
	var err error
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&buf)
	case packets.Publish:
		err = pk.PublishEncode(&buf)
	case packets.Subscribe:
		pk.FixedHeader.Qos = 1
		err = pk.SubscribeEncode(&buf)
	case packets.Unsubscribe:
		pk.FixedHeader.Qos = 1
		err = pk.UnsubscribeEncode(&buf)
	case packets.Puback:
		err = pk.PubackEncode(&buf)
	case packets.Pubrec:
		err = pk.PubrecEncode(&buf)
	case packets.Pubrel:
		pk.FixedHeader.Qos = 1
		err = pk.PubrelEncode(&buf)
	case packets.Pubcomp:
		err = pk.PubcompEncode(&buf)
	case packets.Pingreq:
		err = pk.PingreqEncode(&buf)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&buf)
	default:
		err = errors.New("a packet that clients do not send")
	}
	if err != nil {
		return err
	}
	_, err = w.conn.Write(buf.Bytes())
	return err
}

// next reads one packet, io.EOF or another error when the connection is over.
func (w *wire) next() (packets.Packet, error) { return w.nextWithin(testPatience) }

func (w *wire) nextWithin(wait time.Duration) (packets.Packet, error) {
	if len(w.held) > 0 {
		pk := w.held[0]
		w.held = w.held[1:]
		return pk, nil
	}
	return w.read(wait)
}

func (w *wire) read(wait time.Duration) (packets.Packet, error) {
	var pk packets.Packet
	_ = w.conn.SetReadDeadline(time.Now().Add(wait))
	first, err := w.in.ReadByte()
	if err != nil {
		return pk, err
	}
	if err := pk.FixedHeader.Decode(first); err != nil {
		return pk, err
	}
	length, _, err := packets.DecodeLength(w.in)
	if err != nil {
		return pk, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(w.in, body); err != nil {
		return pk, err
	}
	pk.FixedHeader.Remaining, pk.ProtocolVersion = length, w.version
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Unsuback:
		err = pk.UnsubackDecode(body)
	case packets.Puback:
		err = pk.PubackDecode(body)
	case packets.Pubrec:
		err = pk.PubrecDecode(body)
	case packets.Pubrel:
		err = pk.PubrelDecode(body)
	case packets.Pubcomp:
		err = pk.PubcompDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	}
	return pk, err
}

// expect reads one packet of a type.
func (w *wire) expect(kind byte) packets.Packet {
	w.r.Helper()
	pk, err := w.next()
	require.NoError(w.r, err, "waiting for %s; the broker's log:\n%s", packets.PacketNames[kind], w.r.log)
	require.Equal(w.r, packets.PacketNames[kind], packets.PacketNames[pk.FixedHeader.Type], "packet %+v", pk)
	return pk
}

// expectEnd reads until the connection is over and returns the reason of a DISCONNECT before that, 0 without one.
func (w *wire) expectEnd() byte {
	w.r.Helper()
	var reason byte
	for {
		pk, err := w.next()
		if err != nil {
			require.NotErrorIs(w.r, err, os.ErrDeadlineExceeded, "the connection is still up; the broker's log:\n%s", w.r.log)
			return reason
		}
		if pk.FixedHeader.Type == packets.Disconnect {
			reason = pk.ReasonCode
		}
	}
}

// silent fails when anything but an answer to a PINGREQ comes: all that was sent before is through by then.
func (w *wire) silent() {
	w.r.Helper()
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	w.expect(packets.Pingresp)
	pk, err := w.nextWithin(100 * time.Millisecond)
	require.ErrorIs(w.r, err, os.ErrDeadlineExceeded, "got %+v", pk)
}

// connectOptions is what tests change in a CONNECT.
type connectOptions struct {
	id           string
	user         string
	password     string
	keep         bool   // not a clean session
	expiry       uint32 // of the session, MQTT 5
	noExpiryFlag bool
	will         string // topic
	willPayload  string
	willDelay    uint32
	willRetain   bool
	receiveMax   uint16
	keepalive    uint16
	method       string
}

func (w *wire) connect(o connectOptions) packets.Packet {
	w.r.Helper()
	w.sendConnect(o)
	return w.expect(packets.Connack)
}

func (w *wire) sendConnect(o connectOptions) {
	w.r.Helper()
	name := "MQTT"
	if w.version == 3 {
		name = "MQIsdp"
	}
	if o.keepalive == 0 {
		o.keepalive = 60
	}
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, Connect: packets.ConnectParams{ProtocolName: []byte(name),
		ClientIdentifier: o.id, Clean: !o.keep, Keepalive: o.keepalive}}
	pk.Properties.ReceiveMaximum = o.receiveMax
	pk.Properties.AuthenticationMethod = o.method
	if o.expiry > 0 && !o.noExpiryFlag {
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = o.expiry, true
	}
	if o.user != "" {
		pk.Connect.UsernameFlag, pk.Connect.Username = true, []byte(o.user)
	}
	if o.password != "" {
		pk.Connect.PasswordFlag, pk.Connect.Password = true, []byte(o.password)
	}
	if o.will != "" {
		if o.willPayload == "" {
			o.willPayload = "gone"
		}
		pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload, pk.Connect.WillRetain = true, o.will, []byte(o.willPayload), o.willRetain
		pk.Connect.WillProperties.WillDelayInterval = o.willDelay
	}
	w.send(pk)
}

// client connects a client with a certificate and expects it to be let in.
func (r *rig) client(listener string, h holder, version byte, o connectOptions) *wire {
	r.Helper()
	w := r.wire(listener, h, version)
	ack := w.connect(o)
	require.Zero(r, ack.ReasonCode, "CONNACK; the broker's log:\n%s", r.log)
	return w
}

func (w *wire) nextID() uint16 { w.id++; return w.id }

// subscribe asks for filters with QoS 1 and returns the reason codes. Messages that come before the answer are an error.
func (w *wire) subscribe(filters ...string) []byte {
	w.r.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: w.nextID()}
	for _, f := range filters {
		pk.Filters = append(pk.Filters, packets.Subscription{Filter: f, Qos: 1})
	}
	w.send(pk)
	return w.expect(packets.Suback).ReasonCodes
}

func (w *wire) publish(topic, payload string, qos byte, retain bool) {
	w.r.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos, Retain: retain}, TopicName: topic, Payload: []byte(payload)}
	if qos > 0 {
		pk.PacketID = w.nextID()
	}
	w.send(pk)
}

// published publishes with QoS 1 and returns the reason of the answer. When it returns the message is in the queues of
// those who get it; the server acknowledges first and delivers afterwards.
func (w *wire) published(topic, payload string, retain bool) byte {
	w.r.Helper()
	w.publish(topic, payload, 1, retain)
	reason := w.expect(packets.Puback).ReasonCode
	w.settle()
	return reason
}

// settle returns when the server is done with all that was sent before: it answers a PINGREQ only then. What comes in
// between is held for whoever expects it.
func (w *wire) settle() {
	w.r.Helper()
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	for {
		pk, err := w.read(testPatience)
		require.NoError(w.r, err, "waiting for the answer to a PINGREQ; the broker's log:\n%s", w.r.log)
		if pk.FixedHeader.Type == packets.Pingresp {
			return
		}
		w.held = append(w.held, pk)
	}
}

// message expects a PUBLISH and acknowledges it.
func (w *wire) message() (topic, payload string) {
	w.r.Helper()
	pk := w.expect(packets.Publish)
	if pk.FixedHeader.Qos == 1 {
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: pk.PacketID})
	}
	return pk.TopicName, string(pk.Payload)
}

// leave says goodbye in order and waits until the broker has hung up.
func (w *wire) leave() {
	w.r.Helper()
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
	w.expectEnd()
}

// vanish closes the connection without a word.
func (w *wire) vanish() { _ = w.conn.Close() }

// both are the versions that most promises are tried with.
var both = []byte{4, 5}

// nobody has no certificate.
var nobody holder

// rule is an access rule for both actions.
func rule(who string, topics ...string) channels.Rule {
	return channels.Rule{Who: who, Allow: []channels.Action{channels.Publish, channels.Subscribe}, Topics: topics}
}
