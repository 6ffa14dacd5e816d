package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/mqttpki/mqttpki/channels"
)

// listener is one port. It replaces the server's own listeners, which bind late, stop at the first failed accept, hide
// the client's certificate behind a WebSocket and leave the handshake without a deadline.
type listener struct {
	b       *Broker
	model   channels.Listener // as it was at the start: name, address and transport do not change in a reload
	net     net.Listener
	base    *tls.Config // asks the snapshot for the configuration of each handshake; nil without TLS
	web     *webServer  // nil without WebSockets
	pending *pending

	mu    sync.Mutex
	links map[*link]struct{}
	stop  chan struct{} // closed when no more connections are taken
	once  sync.Once
	wait  sync.WaitGroup // the accept loop, and whatever runs for a connection

	full    quiet // limits the log when connections are turned away
	refused quiet // and when they are refused
}

// The server takes it as one of its own.
var _ listeners.Listener = (*listener)(nil)

func newListener(b *Broker, model channels.Listener) *listener {
	l := &listener{b: b, model: model, pending: newPending(b.opts.Handshakes), links: map[*link]struct{}{}, stop: make(chan struct{}),
		full: quiet{burst: 1}, refused: quiet{burst: 100}}
	if model.Transport.Encrypted() {
		l.base = &tls.Config{
			MinVersion: tls.VersionTLS12,
			Time:       b.opts.Now,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				p, ok := b.snapshot().listeners[model.Name]
				if !ok || p.tls == nil {
					return nil, errors.New("the listener is gone from the model")
				}
				return p.tls, nil
			},
		}
	}
	return l
}

// keepAlive finds peers that are gone without a word, whatever keepalive they asked of MQTT.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4}

// Init binds the address, so that one which is taken is an error of the start and names it.
func (l *listener) Init(*slog.Logger) error {
	address := bindAddress(&l.model)
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	bound, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("listener %q: binding %s: %w", l.model.Name, address, err)
	}
	if backlog := l.model.Limits.Backlog; backlog > 0 {
		if err := setBacklog(bound, backlog); err != nil {
			l.b.log.Warn("the accept queue keeps the system's length", "listener", l.model.Name, "error", err)
		}
	}
	l.net = bound
	l.wait.Add(1) // for Serve, which is called in a goroutine of the server
	if l.model.Transport.WebSocket() {
		l.web = newWebServer(l)
	}
	l.b.log.Info("listening", "listener", l.model.Name, "transport", l.model.Transport, "address", l.Address())
	return nil
}

// bindAddress is where a listener of the model binds: plain ones on loopback unless the model says otherwise.
func bindAddress(model *channels.Listener) string {
	host := model.Bind
	switch {
	case host != "":
	case model.Transport.Encrypted():
		host = "0.0.0.0"
	default:
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(model.Port))
}

// ID is the listener's name in the model.
func (l *listener) ID() string { return l.model.Name }

// Address is where it listens.
func (l *listener) Address() string {
	if l.net == nil {
		return bindAddress(&l.model)
	}
	return l.net.Addr().String()
}

// Protocol is its transport.
func (l *listener) Protocol() string { return string(l.model.Transport) }

// Serve accepts connections until the listener is closed. A failed accept (no more file descriptors, say) is waited
// out: to give up would close the port for good.
func (l *listener) Serve(establish listeners.EstablishFn) {
	defer l.wait.Done()
	if l.web != nil {
		l.web.serve(establish)
	}
	const first, longest = 5 * time.Millisecond, time.Second
	delay := first
	for {
		raw, err := l.net.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			l.b.log.Warn("accepting a connection failed; trying again", "listener", l.model.Name, "error", err)
			select {
			case <-time.After(delay):
			case <-l.stop:
				return
			}
			delay = min(2*delay, longest)
			continue
		}
		delay = first
		k := newLink(l, raw, l.b.opts.Now())
		if !l.admit(k) {
			continue
		}
		l.wait.Add(1)
		if !l.pending.enter(k, l.b.opts.Now, l.stop) {
			l.end(k)
			return
		}
		go l.handle(k, establish)
	}
}

// admit enters a new connection into the list of all, or turns it away.
func (l *listener) admit(k *link) bool {
	limit := l.model.Limits.Connections
	if p, ok := l.b.snapshot().listeners[l.model.Name]; ok {
		limit = p.model.Limits.Connections
	}
	l.mu.Lock()
	// Nobody can fill the limit with connections that say nothing: the oldest of them makes room.
	full := limit > 0 && len(l.links) >= limit && !l.pending.giveUp(l.b.opts.Now())
	if !full {
		l.links[k] = struct{}{}
	}
	l.mu.Unlock()
	if full {
		k.cut()
		if n, say := l.full.count(l.b.opts.Now()); say {
			l.b.log.Warn("turned away: the listener has all the connections that its limit allows",
				"listener", l.model.Name, "limit", limit, "remote", k.remote, "not_logged", n)
		}
		return false
	}
	return true
}

// forget closes a connection and takes it off the list.
func (l *listener) forget(k *link) {
	k.cut()
	l.mu.Lock()
	delete(l.links, k)
	l.mu.Unlock()
}

// handle takes one connection through its handshake and to its end, or hands it to the web server.
func (l *listener) handle(k *link, establish listeners.EstablishFn) {
	stream := k.raw
	_ = k.raw.SetDeadline(k.opened.Add(l.b.opts.HandshakeTimeout)) // until CONNECT has come
	if l.base != nil {
		secure := tls.Server(k.raw, l.base)
		if why := l.handshake(k, secure); why != nil {
			l.logRefused(k, why)
			l.end(k)
			return
		}
		stream = secure
	}
	if l.web != nil {
		l.web.take(&webConn{Conn: stream, link: k})
		return
	}
	go l.speak(k, stream, k.opened, establish) // a handshake leaves its goroutine with a large stack; an idle client needs a small one
}

// handshake runs TLS and keeps what it found out about the peer.
func (l *listener) handshake(k *link, secure *tls.Conn) *refusal {
	if err := secure.Handshake(); err != nil {
		return explain(err)
	}
	state := secure.ConnectionState()
	found := &peer{state: state}
	if len(state.PeerCertificates) > 0 {
		s := l.b.snapshot()
		p, ok := s.listeners[l.model.Name]
		if !ok {
			return refuse(causeOther, "the listener is gone from the model")
		}
		// Again, and not kept from the handshake: a reload may have come in between.
		groups, why := s.trust.judge(state.VerifiedChains, p.useCRL, l.b.opts.Now())
		if why != nil {
			return why
		}
		found.groups = groups
	}
	k.peer.Store(found)
	return nil
}

// speak hands a stream of MQTT to the server and cleans up after it. CONNECT is waited for from since on.
func (l *listener) speak(k *link, stream net.Conn, since time.Time, establish listeners.EstablishFn) {
	c := newConn(k, stream, k.packetLimit())
	_ = c.SetDeadline(since.Add(l.b.opts.HandshakeTimeout))
	err := l.converse(c, establish)
	l.pending.leave(k)
	_ = c.Close()
	l.b.settle(k)
	l.logEnded(k, err)
	c.drop()
	l.end(k)
}

// end is the last thing that happens to a connection that was accepted.
func (l *listener) end(k *link) {
	l.pending.leave(k)
	l.forget(k)
	close(k.done)
	l.wait.Done()
}

// converse lets the server talk to one client. The server's decoder panics on at least one malformed packet (MQTT 5
// SUBSCRIBE that ends after a filter); that must end one connection, not the broker.
func (l *listener) converse(c *conn, establish listeners.EstablishFn) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = refuse(causeProtocol, "malformed packet: the server failed on it (%v)", r)
		}
	}()
	return establish(l.model.Name, c)
}

// all returns the connections there are.
func (l *listener) all() []*link {
	l.mu.Lock()
	defer l.mu.Unlock()
	links := make([]*link, 0, len(l.links))
	for k := range l.links {
		links = append(links, k)
	}
	return links
}

// stopAccepting closes the port; connections stay.
func (l *listener) stopAccepting() {
	l.once.Do(func() {
		close(l.stop)
		if l.net != nil {
			_ = l.net.Close()
		}
	})
}

// Close closes the port and every connection, and waits until nothing runs for them: the server must not be asked for
// another client while it stops.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.stopAccepting()
	closeClients(l.model.Name)
	if l.web != nil {
		l.web.close()
	}
	for _, k := range l.all() {
		k.cut()
	}
	l.wait.Wait()
}
