package broker

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAStopSaysGoodbye(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.start()
	dev := r.ca.client("dev1")
	var clients []*wire
	for _, listener := range []string{required, secureWS} {
		for _, version := range both {
			w := r.client(listener, dev, version, connectOptions{id: listener + versionName(version)})
			w.settle() // the server may still be busy letting it in when the CONNACK comes
			clients = append(clients, w)
		}
	}
	silent, err := net.Dial("tcp", r.address(required)) // has not begun its handshake
	require.NoError(t, err)
	defer silent.Close()
	page, err := net.Dial("tcp", r.address(plainWS)) // has not sent its request
	require.NoError(t, err)
	defer page.Close()

	require.NoError(t, r.broker.Close())
	for _, w := range clients {
		reason := w.expectEnd()
		if w.version == 5 {
			assert.Equal(t, byte(139), reason)
		} else {
			assert.Zero(t, reason, "3.1.1 has no DISCONNECT from a server")
		}
	}
	for name, address := range r.broker.Addresses() {
		_, err := net.DialTimeout("tcp", address, time.Second)
		assert.Error(t, err, "%s still listens", name)
	}
	require.NoError(t, r.broker.Close(), "a second stop is none")
	select {
	case <-r.broker.Done():
	default:
		t.Error("Done is not closed")
	}
	assert.Error(t, r.broker.Start(context.Background()), "a broker runs once")
}

func TestAStopDoesNotWaitForClientsThatDoNotRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.WriteTimeout = time.Hour
	r.start()
	dev := r.ca.client("dev1")
	for _, listener := range []string{required, secureWS} {
		stuck := r.client(listener, dev, 5, connectOptions{id: "stuck" + listener})
		stuck.subscribe("devices/dev1/t")
	}
	sender := r.client(required, dev, 5, connectOptions{id: "sender"})
	large := strings.Repeat("x", 512<<10)
	for range 40 {
		sender.publish("devices/dev1/t", large, 0, false)
	}
	sender.silent()
	closed := make(chan error, 1)
	go func() { closed <- r.broker.Close() }()
	select {
	case err := <-closed:
		assert.NoError(t, err)
	case <-time.After(time.Minute):
		t.Fatal("the stop hangs")
	}
}

func TestAStopDoesNotWaitForConnectionsWithoutAPlace(t *testing.T) {
	t.Parallel()
	for range 5 {
		r := newRig(t)
		r.opts.Handshakes = 1
		r.start()
		for range 4 { // one has the place, one waits for it, the others are in the kernel's queue
			raw, err := net.Dial("tcp", r.address(required))
			require.NoError(t, err)
			defer raw.Close()
		}
		require.Eventually(t, func() bool { return len(r.broker.links()) == 2 }, testPatience, time.Millisecond)
		stopped := make(chan error)
		go func() { stopped <- r.broker.Close() }()
		select {
		case err := <-stopped:
			require.NoError(t, err)
		case <-time.After(testPatience):
			t.Fatal("the broker does not stop")
		}
	}
}

func TestTheEndOfTheContextStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, m, _ := r.source()
	b, err := New(d, m, r.opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, b.Start(ctx))
	cancel()
	select {
	case <-b.Done():
	case <-time.After(testPatience):
		t.Fatal("it still runs")
	}
	assert.NoError(t, b.Close())
}

func TestConnectionsLeaveNothingBehind(t *testing.T) {
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	visit := func() {
		for _, listener := range []string{required, secureWS} {
			r.client(listener, dev, 5, connectOptions{id: "visitor"}).leave()
			w := r.wire(listener, r.ca.client("dev2"), 5)
			w.connect(connectOptions{id: "x", will: "devices/dev1/x"})
			w.expectEnd()
			conn, err := r.dial(listener, dev)
			require.NoError(t, err)
			_ = conn.Close()
			_, _ = r.get(secureWS, "/", dev)
		}
	}
	visit()
	settledAt := func() int {
		var n int
		require.Eventually(t, func() bool {
			time.Sleep(20 * time.Millisecond)
			before := n
			n = runtime.NumGoroutine()
			return n == before
		}, testPatience, time.Millisecond)
		return n
	}
	before := settledAt()
	for range 20 {
		visit()
	}
	assert.LessOrEqual(t, settledAt(), before+5, "goroutines")
	assert.Zero(t, r.broker.server.Clients.Len())
	assert.Empty(t, r.broker.links())
	r.broker.sessions.mu.Lock()
	defer r.broker.sessions.mu.Unlock()
	assert.Empty(t, r.broker.sessions.by)
}

func TestAKilledBrokerLosesOnlyTheLastMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	launch := func() *Broker {
		d, m, _ := r.source()
		b, err := New(d, m, r.opts)
		require.NoError(t, err)
		require.NoError(t, b.Start(t.Context()))
		r.broker = b
		return b
	}
	killed := launch()
	dev := r.ca.client("dev1")
	stored := connectOptions{id: "tank", keep: true, expiry: 600}
	w := r.client(required, dev, 5, stored)
	w.subscribe("devices/dev1/#")
	require.Eventually(t, func() bool { // all has been given to the disk
		killed.store.mu.Lock()
		defer killed.store.mu.Unlock()
		return len(killed.store.changes) == 0
	}, testPatience, time.Millisecond)
	require.NoError(t, killed.store.db.Close()) // waits for the last write
	assert.ErrorContains(t, killed.Close(), "could not be written", "what a stop cannot keep it must not keep to itself")

	second := launch()
	back := r.wire(required, dev, 5)
	assert.True(t, back.connect(stored).SessionPresent)
	back.publish("devices/dev1/x", "to myself", 1, false)
	back.expect(packets.Puback)
	back.message()
	require.NoError(t, second.Close())
}
