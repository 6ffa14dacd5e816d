package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Version is an MQTT protocol version.
type Version string

// The versions that the probe speaks.
const (
	MQTT311 Version = "3.1.1"
	MQTT5   Version = "5"
)

// queue is how many messages a client holds for its case to read; more are dropped, which no case provokes.
const queue = 16

// message is one PUBLISH received.
type message struct {
	topic   string
	payload string
}

// will is the message that the broker sends when a client vanishes.
type will struct {
	topic   string
	payload string
}

// login is what a client says of itself in CONNECT.
type login struct {
	clientID string
	user     string
	password []byte
	will     *will
}

// client is one MQTT session, in either version. Every method is bounded by its context.
type client interface {
	subscribe(ctx context.Context, filter string) error
	publish(ctx context.Context, topic, payload string) error
	received() <-chan message
	lost() <-chan struct{} // closed when the broker has ended the connection
	disconnect()           // in order
	vanish()               // drops the connection without a word, so that the will is due
}

// errRefused is a refusal in MQTT's own terms: CONNACK, SUBACK or PUBACK with an error code.
type errRefused struct {
	packet string
	code   byte
	text   string
}

func (e *errRefused) Error() string {
	if e.text == "" {
		return fmt.Sprintf("%s code %d", e.packet, e.code)
	}
	return fmt.Sprintf("%s code %d (%s)", e.packet, e.code, e.text)
}

// connect opens a session over conn, which it owns from then on.
func connect(ctx context.Context, conn net.Conn, v Version, l login) (client, error) {
	if v == MQTT5 {
		return connect5(ctx, conn, l)
	}
	return connect311(ctx, conn, l)
}

// inbox is what both kinds of client do with what arrives.
type inbox struct {
	messages chan message
	gone     chan struct{}
	once     sync.Once
}

func newInbox() *inbox {
	return &inbox{messages: make(chan message, queue), gone: make(chan struct{})}
}

func (b *inbox) received() <-chan message { return b.messages }

func (b *inbox) lost() <-chan struct{} { return b.gone }

func (b *inbox) end() { b.once.Do(func() { close(b.gone) }) }

func (b *inbox) put(m message) {
	select {
	case b.messages <- m:
	default:
	}
}

// client5 speaks MQTT 5.
type client5 struct {
	*inbox
	conn net.Conn
	c    *paho.Client
}

func connect5(ctx context.Context, conn net.Conn, l login) (client, error) {
	k := &client5{inbox: newInbox(), conn: conn}
	k.c = paho.NewClient(paho.ClientConfig{
		ClientID: l.clientID,
		Conn:     packets.NewThreadSafeConn(conn),
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			k.put(message{p.Packet.Topic, string(p.Packet.Payload)})
			return true, nil
		}},
		OnClientError:      func(error) { k.end() },
		OnServerDisconnect: func(*paho.Disconnect) { k.end() },
	})
	// No keep-alive: the library would send a first ping at once, in the middle of whatever the case is doing.
	cp := &paho.Connect{ClientID: l.clientID, CleanStart: true,
		Username: l.user, UsernameFlag: l.user != "", Password: l.password, PasswordFlag: l.password != nil}
	if l.will != nil {
		cp.WillMessage = &paho.WillMessage{Topic: l.will.topic, Payload: []byte(l.will.payload), QoS: 1}
	}
	ack, err := k.c.Connect(ctx, cp)
	if err != nil {
		_ = conn.Close()
		if ack != nil && ack.ReasonCode != 0 {
			text := ""
			if ack.Properties != nil {
				text = ack.Properties.ReasonString
			}
			return nil, &errRefused{"CONNACK", ack.ReasonCode, text}
		}
		return nil, err
	}
	return k, nil
}

// alive ends with ctx or with the connection, whose loss the library does not tell those who wait for an answer.
func (k *client5) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-k.gone:
			cancel(errLost)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

func (k *client5) subscribe(ctx context.Context, filter string) error {
	ctx, cancel := k.alive(ctx)
	defer cancel()
	ack, err := k.c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
	if ack != nil && len(ack.Reasons) == 1 && ack.Reasons[0] >= 0x80 {
		return &errRefused{"SUBACK", ack.Reasons[0], ""}
	}
	return because(ctx, err)
}

// because is err, or the loss of the connection where that is what ended the waiting.
func because(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errLost) {
		return errLost
	}
	return err
}

func (k *client5) publish(ctx context.Context, topic, payload string) error {
	ctx, cancel := k.alive(ctx)
	defer cancel()
	ack, err := k.c.Publish(ctx, &paho.Publish{Topic: topic, Payload: []byte(payload), QoS: 1})
	if ack != nil && ack.ReasonCode >= 0x80 {
		return &errRefused{"PUBACK", ack.ReasonCode, ""}
	}
	return because(ctx, err)
}

func (k *client5) disconnect() {
	_ = k.c.Disconnect(&paho.Disconnect{})
	_ = k.conn.Close()
}

func (k *client5) vanish() { cut(k.conn) }

// client311 speaks MQTT 3.1.1, in which a broker has no way to say that it refused a publish.
type client311 struct {
	*inbox
	conn net.Conn
	c    mqtt.Client
}

func connect311(ctx context.Context, conn net.Conn, l login) (client, error) {
	k := &client311{inbox: newInbox(), conn: conn}
	used := false
	o := mqtt.NewClientOptions().
		AddBroker("tcp://probe.invalid:1883"). // never dialled: the connection is given
		SetClientID(l.clientID).
		SetProtocolVersion(4).
		SetCleanSession(true).
		SetKeepAlive(0).
		SetAutoReconnect(false).
		SetConnectRetry(false).
		SetOrderMatters(false).
		SetConnectionLostHandler(func(mqtt.Client, error) { k.end() }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			if used {
				return nil, errors.New("the connection is used up")
			}
			used = true
			return conn, nil
		}).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			k.put(message{m.Topic(), string(m.Payload())})
		})
	if l.user != "" {
		o.SetUsername(l.user)
	}
	if l.password != nil {
		o.SetPassword(string(l.password))
	}
	if l.will != nil {
		o.SetBinaryWill(l.will.topic, []byte(l.will.payload), 1, false)
	}
	k.c = mqtt.NewClient(o)
	token := k.c.Connect()
	err := wait(ctx, token)
	if err != nil {
		_ = conn.Close()
		if t, ok := token.(*mqtt.ConnectToken); ok && t.ReturnCode() != 0 && t.ReturnCode() < 0x80 {
			return nil, &errRefused{"CONNACK", t.ReturnCode(), err.Error()}
		}
		return nil, err
	}
	return k, nil
}

// wait waits for a token, or for the context.
func wait(ctx context.Context, token mqtt.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *client311) subscribe(ctx context.Context, filter string) error {
	token := k.c.Subscribe(filter, 1, nil)
	err := wait(ctx, token)
	if t, ok := token.(*mqtt.SubscribeToken); ok && t.Result()[filter] == 0x80 {
		return &errRefused{"SUBACK", 0x80, ""}
	}
	return err
}

func (k *client311) publish(ctx context.Context, topic, payload string) error {
	return wait(ctx, k.c.Publish(topic, 1, false, payload))
}

func (k *client311) disconnect() {
	k.c.Disconnect(50) // milliseconds, for the DISCONNECT packet to leave
	_ = k.conn.Close()
}

func (k *client311) vanish() { cut(k.conn) }

// cut closes the TCP connection below TLS and WebSocket, whose own Close would say goodbye.
func cut(conn net.Conn) {
	for {
		below, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = below.NetConn()
	}
	_ = conn.Close()
}
