package broker

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/wsconn"
)

// Bounds of the HTTP side of a listener.
const (
	maxHeaderBytes  = 16 << 10
	httpTimeout     = 10 * time.Second // for an answer; a request has the time of a handshake
	httpIdle        = 30 * time.Second // between two requests of one connection
	webSocketBuffer = 1024             // bytes, of reading; writing borrows from a pool
)

// defaultPath is where WebSockets are opened when the model names no path.
const defaultPath = "/mqtt"

// webServer is the HTTP side of one WebSocket listener: the upgrade to MQTT, and on wss a status page.
type webServer struct {
	l         *listener
	path      string
	http      http.Server
	upgrader  websocket.Upgrader
	establish listeners.EstablishFn
	feed      chan net.Conn // connections that have their handshake behind them
	closed    chan struct{}
	once      sync.Once
}

// webConn is a connection in the hands of net/http.
type webConn struct {
	net.Conn
	link     *link
	hijacked atomic.Bool
}

// linkKey finds the link in the context of a request.
type linkKey struct{}

func newWebServer(l *listener) *webServer {
	w := &webServer{l: l, path: l.model.Path, feed: make(chan net.Conn), closed: make(chan struct{})}
	if w.path == "" {
		w.path = defaultPath
	}
	w.upgrader = websocket.Upgrader{
		HandshakeTimeout: httpTimeout,
		Subprotocols:     []string{wsconn.Subprotocol, "mqttv3.1"},
		ReadBufferSize:   webSocketBuffer,
		WriteBufferSize:  webSocketBuffer,
		WriteBufferPool:  &sync.Pool{},
		CheckOrigin:      func(*http.Request) bool { return true }, // upgrade has asked before, and logs
	}
	w.http = http.Server{
		Handler:           http.HandlerFunc(w.serveHTTP),
		ReadHeaderTimeout: l.b.opts.HandshakeTimeout,
		ReadTimeout:       l.b.opts.HandshakeTimeout,
		WriteTimeout:      httpTimeout,
		IdleTimeout:       httpIdle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(l.b.log.With("listener", l.model.Name).Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, linkKey{}, c)
		},
		ConnState: w.connState,
	}
	return w
}

// serve begins to answer requests.
func (w *webServer) serve(establish listeners.EstablishFn) {
	w.establish = establish
	go func() { _ = w.http.Serve(w) }()
}

// Accept, Close and Addr make the connections that the listener has accepted a net.Listener for net/http.
func (w *webServer) Accept() (net.Conn, error) {
	select {
	case c := <-w.feed:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (w *webServer) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// Addr is where the listener listens.
func (w *webServer) Addr() net.Addr { return w.l.net.Addr() }

// take gives a connection to net/http, which from now on ends it.
func (w *webServer) take(c *webConn) {
	select {
	case w.feed <- c:
	case <-w.closed:
		w.l.end(c.link)
	}
}

// close stops answering; connections that became WebSockets are the listener's to close.
func (w *webServer) close() {
	_ = w.Close()
	_ = w.http.Close()
}

// connState ends the link of a connection that net/http is done with.
func (w *webServer) connState(c net.Conn, state http.ConnState) {
	wc, ok := c.(*webConn)
	if !ok {
		return
	}
	switch state {
	case http.StateHijacked:
		wc.hijacked.Store(true)
	case http.StateClosed:
		w.l.end(wc.link)
	}
}

// knownOrigin lets in programs that are no browsers, the broker's own pages, and the origins that were allowed. Any
// other page could use the certificate in its visitor's browser.
func (w *webServer) knownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	return strings.EqualFold(u.Host, r.Host) && (u.Scheme == "https") == w.l.model.Transport.Encrypted() ||
		slices.ContainsFunc(w.l.b.opts.Origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

func (w *webServer) serveHTTP(rw http.ResponseWriter, r *http.Request) {
	wc, ok := r.Context().Value(linkKey{}).(*webConn)
	switch {
	case !ok:
		http.Error(rw, "internal error", http.StatusInternalServerError)
	case r.URL.Path == w.path && websocket.IsWebSocketUpgrade(r):
		w.upgrade(rw, r, wc)
	case r.URL.Path == "/" && w.l.model.Transport == channels.WSS:
		w.servePage(rw, r, wc.link)
	case r.URL.Path == w.path:
		rw.Header().Set("Upgrade", "websocket")
		http.Error(rw, "MQTT over WebSocket is spoken here, subprotocol mqtt", http.StatusUpgradeRequired)
	default:
		http.NotFound(rw, r)
	}
}

// upgrade turns a request into a WebSocket. The client talks to the server in a goroutine of its own, so that what
// net/http holds for a request is given back.
func (w *webServer) upgrade(rw http.ResponseWriter, r *http.Request, wc *webConn) {
	k := wc.link
	switch {
	case !slices.ContainsFunc(websocket.Subprotocols(r), func(s string) bool { return slices.Contains(w.upgrader.Subprotocols, s) }):
		http.Error(rw, "the subprotocol mqtt is missing (MQTT 5.0 section 6)", http.StatusBadRequest)
		w.l.logRefused(k, refuse(causeProtocol, "its WebSocket does not ask for the subprotocol mqtt"))
		return
	case !w.knownOrigin(r):
		http.Error(rw, "this origin may not open WebSockets here", http.StatusForbidden)
		w.l.logRefused(k, refuse(causeProtocol, "the web page's origin %q is not allowed to open WebSockets", r.Header.Get("Origin")))
		return
	}
	since := w.l.b.opts.Now()
	ws, err := w.upgrader.Upgrade(rw, r, nil)
	if err != nil {
		w.l.logRefused(k, refuse(causeProtocol, "opening the WebSocket failed: %v", err))
		if wc.hijacked.Load() {
			w.l.end(k)
		}
		return
	}
	var state *tls.ConnectionState
	if p := k.peer.Load(); p != nil {
		state = &p.state
	}
	go w.l.speak(k, wsconn.Wrap(ws, state, w.l.b.opts.Now), since, w.establish)
}
