// Package broker is the bundled MQTT broker: it runs the listeners, identities and access rules of a
// channels.Deployment on the mochi-mqtt server, which it alone imports.
//
// It does not read channels.yaml, keys or CRLs from disk: whoever starts it hands over the material, and a [Source] to
// ask again when files have changed.
//
// Clients are not trusted, not even after their handshake. The server below checks neither wills nor inherited
// subscriptions, gives any client the session of another that used its id, does not survive one malformed packet, and
// loses a queue when it restarts; so everything that decides who may do what, who owns a session and what is kept lies
// here: in the hook (hook_*.go), in the connection that the server is given (conn.go) and in the store (store.go).
package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/mqttpki/mqttpki/channels"
)

// Options tunes a broker. Now and Random must be set; everything else has a usable zero value.
type Options struct {
	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // judges certificates and CRLs, and sets deadlines
	Random io.Reader        // makes up client ids for clients that bring none

	// StateDir is a folder for sessions, queues and retained messages; "" keeps them in memory only.
	StateDir string

	// Source reads the material anew for [Broker.Reload]; nil: there is nothing to reload.
	Source Source
	// Watch names the files whose change leads to a reload; none: only Reload does.
	Watch []string

	// Origins are origins ("https://app.example.com") of web pages, other than the broker's own, that may open
	// WebSockets. Programs that are no browsers send no origin and are not concerned.
	Origins []string

	// HandshakeTimeout is how long a connection may take from being accepted to its CONNECT; 0 is 10 s.
	HandshakeTimeout time.Duration
	// Handshakes is how many connections of one listener may be on their way to a CONNECT at once; 0 is 256.
	Handshakes int
	// WriteTimeout is how long a client may leave one write unread; 0 is 10 s.
	WriteTimeout time.Duration
	// FlushInterval is how much of what clients sent may be lost in a power cut; 0 is 50 ms.
	FlushInterval time.Duration
}

// Source reads the model and the material from where they are kept.
type Source func() (*channels.Deployment, Material, error)

// Broker is a running broker, or one about to run. Its methods may be called from several goroutines.
type Broker struct {
	opts      Options
	log       *slog.Logger
	current   atomic.Pointer[snapshot]
	server    *mqtt.Server
	hook      *hook
	store     *store // nil without Options.StateDir
	sessions  *sessions
	listeners []*listener
	passwords chan struct{} // a slot for each password that may be derived at once

	reload sync.Mutex // one reload at a time

	mu       sync.Mutex
	state    runState
	watcher  *watcher
	stopping chan struct{} // closed when Close begins
	closed   chan struct{} // closed when Close has done its work
	failure  error         // what Close returns
}

type runState int

const (
	stateNew runState = iota
	stateRunning
	stateClosed
)

// New checks the model against the material and returns a broker that has bound no address yet. Errors name the
// listener, file or CRL that cannot be used.
func New(d *channels.Deployment, m Material, o Options) (*Broker, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("starting the broker: it was given no clock, or no randomness")
	}
	o = o.withDefaults()
	b := &Broker{opts: o, log: guardedLogger(o.Logger), passwords: make(chan struct{}, 2), stopping: make(chan struct{}), closed: make(chan struct{})}
	s, err := b.compile(d, m)
	if err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	b.current.Store(s)
	b.sessions = newSessions()
	b.hook = &hook{b: b, delayed: map[string]delayedWill{}}
	return b, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.HandshakeTimeout <= 0 {
		o.HandshakeTimeout = 10 * time.Second
	}
	if o.Handshakes <= 0 {
		o.Handshakes = 256
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.FlushInterval <= 0 {
		o.FlushInterval = 50 * time.Millisecond
	}
	return o
}

// Start binds every listener, restores the stored sessions and serves; it returns when clients can connect. When ctx
// ends the broker closes itself. On an error, such as an address that is taken, nothing is left running.
func (b *Broker) Start(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != stateNew {
		return errors.New("starting the broker: it was started before")
	}
	if err := b.start(); err != nil {
		b.state = stateClosed
		b.release()
		close(b.closed)
		return fmt.Errorf("starting the broker: %w", err)
	}
	b.state = stateRunning
	go b.housekeep()
	go func() {
		select {
		case <-ctx.Done():
			_ = b.Close()
		case <-b.closed:
		}
	}()
	return nil
}

func (b *Broker) start() error {
	b.server = newServer(b)
	if err := b.server.AddHook(b.hook, nil); err != nil {
		return err
	}
	for i := range b.snapshot().deployment.Listeners {
		l := newListener(b, b.snapshot().deployment.Listeners[i])
		if err := b.server.AddListener(l); err != nil {
			return err
		}
		b.listeners = append(b.listeners, l)
	}
	if b.opts.StateDir != "" {
		if err := b.restore(); err != nil {
			return err
		}
	}
	for _, problem := range b.snapshot().warnings(b.opts.Now()) {
		b.log.Warn(problem)
	}
	if err := b.server.Serve(); err != nil {
		return err
	}
	if len(b.opts.Watch) > 0 && b.opts.Source != nil {
		w, err := watch(b.opts.Watch, b.log, func() { _ = b.Reload() })
		if err != nil {
			b.log.Warn("files are not watched; SIGHUP still reloads them", "error", err)
		}
		b.watcher = w
	}
	return nil
}

// release gives back what a failed start holds.
func (b *Broker) release() {
	for _, l := range b.listeners {
		l.stopAccepting()
	}
	if b.store != nil {
		_ = b.store.close()
	}
}

// running reports whether the broker serves.
func (b *Broker) running() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == stateRunning
}

// Addresses returns where each listener listens, by its name; useful where a port was 0.
func (b *Broker) Addresses() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]string{}
	for _, l := range b.listeners {
		all[l.ID()] = l.Address()
	}
	return all
}

// Done is closed when the broker has stopped.
func (b *Broker) Done() <-chan struct{} { return b.closed }

// stopTimeout bounds the farewell to clients; the rest of a stop takes milliseconds.
const stopTimeout = 3 * time.Second

// Close says goodbye to every client (MQTT 5: DISCONNECT with reason 139, server shutting down), writes what is to be
// kept to disk and returns within five seconds. A second Close waits for the first and returns the same.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.state != stateRunning {
		started := b.state == stateClosed
		b.state = stateClosed
		b.mu.Unlock()
		if started {
			<-b.closed
			return b.failure
		}
		close(b.closed)
		return nil
	}
	b.state = stateClosed
	b.mu.Unlock()

	close(b.stopping)
	if b.watcher != nil {
		b.watcher.close()
	}
	for _, l := range b.listeners {
		l.stopAccepting()
	}
	b.farewell(stopTimeout)
	b.failure = b.server.Close()
	if b.store != nil {
		b.failure = errors.Join(b.failure, b.store.close())
	}
	if b.failure != nil {
		b.failure = fmt.Errorf("stopping the broker: %w", b.failure)
	}
	b.log.Info("stopped")
	close(b.closed)
	return b.failure
}

// snapshot is what holds at this moment; a reload replaces it as a whole.
func (b *Broker) snapshot() *snapshot { return b.current.Load() }
