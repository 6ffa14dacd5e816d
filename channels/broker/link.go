package broker

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// link is one connection from being accepted to being over, with all that is known of its peer. The server's own list
// of clients can lose sight of a connection when two use one client id at once; links cannot, so what must reach every
// connection (a revocation, a stop) goes by them.
type link struct {
	listener *listener
	raw      net.Conn  // TCP
	opened   time.Time // when it was accepted
	placed   time.Time // when it got its place among those on their way to a CONNECT; pending's own
	remote   string

	peer atomic.Pointer[peer] // what TLS found out; nil without TLS, and when the connection is over

	// Set by the hook while the client is admitted; read by others only after established.
	client     *mqtt.Client
	user       string
	id         string
	password   bool // the user proved itself by a password
	claimed    bool // sessions knows it as the holder of id
	admitted   bool
	expiryCut  bool              // the session is kept for less than the client asked for
	credential [sha256.Size]byte // by which it did, see channels.UserFile
	receiveMax int               // how many unacknowledged messages the client takes (MQTT 5 section 3.1.2.11.3)

	expiry      atomic.Uint32 // seconds that the session outlives the connection; 0: it ends with it
	established atomic.Bool   // CONNACK has been sent
	muted       atomic.Bool   // its will is not to be published
	hurried     atomic.Bool   // writes get a short deadline from now on
	done        chan struct{} // closed when nothing runs on its behalf any more
	closing     chan struct{} // closed when the connection is closed, by whichever side
	once        sync.Once

	ids     packetIDs
	window  window
	backlog retainedBacklog
	denials atomic.Int64 // what was denied, counted so that the log is not flooded
}

// peer is what a handshake found out.
type peer struct {
	state  tls.ConnectionState
	groups []*trustGroup // of the model's trust, under which its certificate came in; nil without one
}

// leaf returns the client's certificate, nil when there is none.
func (k *link) leaf() *x509.Certificate {
	p := k.peer.Load()
	if p == nil || len(p.state.PeerCertificates) == 0 {
		return nil
	}
	return p.state.PeerCertificates[0]
}

// persistent reports whether the session of a client outlives its connection; it does where there is none.
func persistent(cl *mqtt.Client) bool {
	k := linkOf(cl)
	return k == nil || k.expiry.Load() > 0
}

func newLink(l *listener, raw net.Conn, now time.Time) *link {
	k := &link{listener: l, raw: raw, opened: now, remote: raw.RemoteAddr().String(), done: make(chan struct{}), closing: make(chan struct{})}
	k.window.free = make(chan struct{}, 1)
	k.backlog.moved = make(chan struct{}, 1)
	return k
}

// cut closes the connection below everything, at once.
func (k *link) cut() {
	k.closed()
	_ = k.raw.Close()
}

// closed wakes whoever waits on behalf of this connection.
func (k *link) closed() { k.once.Do(func() { close(k.closing) }) }

// hurry gives a blocked write, and all later ones, one second.
func (k *link) hurry(now time.Time) {
	k.hurried.Store(true)
	_ = k.raw.SetWriteDeadline(now.Add(hurriedWrite))
}

// hurriedWrite is how long a client that is being sent away may take to read that.
const hurriedWrite = time.Second

// linkOf returns the link of a client, nil for a stored session that nobody is connected to.
func linkOf(cl *mqtt.Client) *link {
	if c, ok := cl.Net.Conn.(*conn); ok {
		return c.link
	}
	return nil
}
