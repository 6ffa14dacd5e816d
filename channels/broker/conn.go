package broker

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// conn is what the MQTT server reads from and writes to. It stands between the server and the bytes, whatever carries
// them, to keep what the server does not: a limit on packets per listener, on the first packet, and on the time a
// client may leave a write unread.
type conn struct {
	stream atomic.Pointer[net.Conn] // TCP, TLS or WebSocket
	link   *link
	guard  frameGuard
}

func newConn(k *link, stream net.Conn, limit int) *conn {
	c := &conn{link: k, guard: frameGuard{limit: limit}}
	c.stream.Store(&stream)
	return c
}

// under returns the stream.
func (c *conn) under() net.Conn { return *c.stream.Load() }

// drop lets go of the stream, which has been closed: the server keeps a conn for as long as the session is stored, and
// what TLS remembers of its peer is most of the memory of a connection.
func (c *conn) drop() {
	var gone net.Conn = goneConn{c.link.raw}
	c.stream.Store(&gone)
	c.link.peer.Store(nil)
}

// goneConn is what remains of a closed connection: its addresses.
type goneConn struct{ net.Conn }

// Read passes bytes on as long as the packets they belong to are within the limits.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.under().Read(p)
	if n > 0 {
		if bad := c.guard.look(p[:n]); bad != nil {
			return 0, bad
		}
	}
	return n, err
}

// Write gives each write its own deadline. The server knows none: a client that stops reading would block whoever
// takes over its client id, and the stop of the broker, for ever. After a failed write the connection is of no use.
func (c *conn) Write(p []byte) (int, error) {
	b := c.link.listener.b
	timeout := b.opts.WriteTimeout
	if c.link.hurried.Load() {
		timeout = hurriedWrite
	}
	_ = c.under().SetWriteDeadline(b.opts.Now().Add(timeout))
	n, err := c.under().Write(p)
	if err != nil {
		c.link.cut()
	}
	return n, err
}

// SetDeadline is how the server sets the keepalive's deadline; only reading is bound by it, see Write.
func (c *conn) SetDeadline(t time.Time) error { return c.under().SetReadDeadline(t) }

// Close closes the connection in order, but not at leisure: TLS would wait five seconds for a peer that does not read.
func (c *conn) Close() error {
	c.link.closed()
	impatience := time.AfterFunc(hurriedWrite, func() { _ = c.link.raw.Close() })
	defer impatience.Stop()
	return c.under().Close()
}

// ConnectionState returns what TLS agreed on; zero without TLS.
func (c *conn) ConnectionState() tls.ConnectionState {
	if p := c.link.peer.Load(); p != nil {
		return p.state
	}
	return tls.ConnectionState{}
}

// SetReadDeadline and SetWriteDeadline complete a net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.under().SetReadDeadline(t) }

// SetWriteDeadline holds until the next Write, which sets its own.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.under().SetWriteDeadline(t) }

// LocalAddr is the address of the broker.
func (c *conn) LocalAddr() net.Addr { return c.link.raw.LocalAddr() }

// RemoteAddr is the address of the client.
func (c *conn) RemoteAddr() net.Addr { return c.link.raw.RemoteAddr() }
