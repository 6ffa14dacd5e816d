// Package wsconn carries MQTT in WebSocket frames as a net.Conn (MQTT 5.0 section 6, MQTT 3.1.1 section 6): binary
// messages whose boundaries mean nothing to MQTT. The bundled broker wraps what it has accepted, the probe what it
// has dialled.
//
// The peer is untrusted: a text message ends the connection, and frames are read as they come, so that a frame's
// claimed length reserves no memory.
package wsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Subprotocol is what both sides must name (MQTT 5.0 section 6.0, [MQTT-6.0.0-3]).
const Subprotocol = "mqtt"

// Conn is one connection. Reads and writes may run at the same time as each other, as with any net.Conn.
type Conn struct {
	ws    *websocket.Conn
	state *tls.ConnectionState // nil on a plain WebSocket
	r     io.Reader            // the message being read
	now   func() time.Time     // for the deadline of the goodbye
	write sync.Mutex           // gorilla allows one writer at a time; Close writes too
}

// Wrap returns ws as a net.Conn; state is the TLS connection below it, nil when there is none.
func Wrap(ws *websocket.Conn, state *tls.ConnectionState, now func() time.Time) *Conn {
	return &Conn{ws: ws, state: state, now: now}
}

// ConnectionState returns what TLS agreed on, the client's certificate included; zero on a plain WebSocket.
func (c *Conn) ConnectionState() tls.ConnectionState {
	if c.state == nil {
		return tls.ConnectionState{}
	}
	return *c.state
}

// Read reads from the current binary message and goes on to the next. A peer that closes in order is io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		if c.r == nil {
			kind, r, err := c.ws.NextReader()
			if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived) {
				return 0, io.EOF
			}
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("reading from the WebSocket: MQTT travels in binary messages, and this is text")
			}
			c.r = r
		}
		n, err := c.r.Read(p)
		if errors.Is(err, io.EOF) {
			c.r, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write sends p as one binary message.
func (c *Conn) Write(p []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// goodbye is how long Close waits for a peer that does not read.
const goodbye = time.Second

// Close says goodbye, briefly, and closes the connection below.
func (c *Conn) Close() error {
	message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, message, c.now().Add(goodbye))
	return c.ws.Close()
}

// NetConn is the connection below, as crypto/tls's method of that name: closing it says no goodbye.
func (c *Conn) NetConn() net.Conn { return c.ws.NetConn() }

// LocalAddr is the address of this side.
func (c *Conn) LocalAddr() net.Addr { return c.ws.LocalAddr() }

// RemoteAddr is the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.ws.RemoteAddr() }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.ws.SetReadDeadline(t), c.ws.SetWriteDeadline(t))
}

// SetReadDeadline bounds reading. After it has passed the connection cannot be read from again.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.ws.SetReadDeadline(t) }

// SetWriteDeadline bounds writing.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.ws.SetWriteDeadline(t) }

// Client opens a WebSocket over a connection that is already up (and, for wss, through its handshake), naming host
// in the request. It closes the connection when it fails.
func Client(ctx context.Context, conn net.Conn, host, path string, now func() time.Time) (*Conn, error) {
	target := url.URL{Scheme: "ws", Host: host, Path: path}
	dialer := websocket.Dialer{
		Subprotocols:   []string{Subprotocol},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	ws, response, err := dialer.DialContext(ctx, target.String(), nil)
	if err != nil {
		_ = conn.Close()
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("opening the WebSocket at %s: the server answers %s", path, response.Status)
		}
		return nil, fmt.Errorf("opening the WebSocket at %s: %w", path, err)
	}
	if ws.Subprotocol() != Subprotocol {
		_ = ws.Close()
		return nil, fmt.Errorf("opening the WebSocket at %s: the server does not agree to the subprotocol %q", path, Subprotocol)
	}
	var state *tls.ConnectionState
	if secure, ok := conn.(*tls.Conn); ok {
		s := secure.ConnectionState()
		state = &s
	}
	return Wrap(ws, state, now), nil
}
