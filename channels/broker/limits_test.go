package broker

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
)

func TestATakenAddressIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, listener := range []string{plain, plainWS, optional, secureWS} {
		r := newRig(t)
		l := r.listener(listener)
		l.Bind, l.Port = "127.0.0.1", taken.Addr().(*net.TCPAddr).Port
		d, m, _ := r.source()
		b, err := New(d, m, r.opts)
		require.NoError(t, err)
		err = b.Start(t.Context())
		require.Error(t, err)
		assert.Contains(t, err.Error(), taken.Addr().String())
		assert.Contains(t, err.Error(), listener)
		for name, address := range b.Addresses() { // what was bound before is free again
			if name != listener && !strings.HasSuffix(address, ":0") {
				_, err := net.DialTimeout("tcp", address, time.Second)
				assert.Error(t, err, "%s still listens", name)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		model channels.Listener
		want  string
	}{
		{channels.Listener{Transport: channels.TCP, Port: 1883}, "127.0.0.1:1883"},
		{channels.Listener{Transport: channels.WS, Port: 1886}, "127.0.0.1:1886"},
		{channels.Listener{Transport: channels.TLS, Port: 8885}, "0.0.0.0:8885"},
		{channels.Listener{Transport: channels.WSS, Port: 8887}, "0.0.0.0:8887"},
		{channels.Listener{Transport: channels.TCP, Bind: "::1", Port: 1}, "[::1]:1"},
	} {
		assert.Equal(t, tc.want, bindAddress(&tc.model))
	}
}

func TestPacketsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).Limits = channels.Limits{PacketBytes: 2000}
	r.start()
	dev := r.ca.client("dev1")
	for _, tc := range []struct {
		listener string
		payload  int
		passes   bool
	}{{required, 1900, true}, {required, 2000, false}, {secureWS, 2000, true}, {secureWS, 1 << 20, false}} {
		w := r.wire(tc.listener, dev, 5)
		ack := w.connect(connectOptions{id: "x"})
		require.Zero(t, ack.ReasonCode)
		want := uint32(1 << 20)
		if tc.listener == required {
			want = 2000
		}
		assert.Equal(t, want, ack.Properties.MaximumPacketSize, "the client is told")
		pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, PacketID: 1, TopicName: "devices/dev1/x", Payload: make([]byte, tc.payload)}
		err := w.trySend(pk) // the broker may hang up before all is written
		if tc.passes {
			require.NoError(t, err)
			w.expect(packets.Puback)
		} else {
			w.expectEnd()
			r.logged("packet too large")
		}
		w.vanish()
	}
}

func TestARaisedLimitHoldsAfterAReload(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	limit := func(bytes int) {
		for i := range r.model.Listeners {
			r.model.Listeners[i].Limits.PacketBytes = bytes
		}
	}
	limit(4096)
	r.start()
	limit(65536)
	require.NoError(t, r.broker.Reload())
	w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "x"})
	assert.Zero(t, w.published("devices/dev1/x", strings.Repeat("x", 20_000), false))
}

func TestAFirstPacketIsShort(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.wire(required, r.ca.client("dev1"), 5)
	_, err := w.conn.Write([]byte{0x10, 0xff, 0xff, 0x3f}) // a CONNECT of a megabyte, within the limit for packets
	require.NoError(t, err)
	w.expectEnd()
	r.logged("packet too large")
	w = r.wire(required, r.ca.client("dev1"), 5)
	_, err = w.conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	require.NoError(t, err)
	w.expectEnd()
	r.logged("its first packet is not CONNECT")
}

func TestTheFrameGuardFindsHeadersWhereverReadsEnd(t *testing.T) {
	t.Parallel()
	var stream []byte
	for i := range 200 {
		body := make([]byte, i)
		stream = append(stream, 0x30)
		if i < 128 {
			stream = append(stream, byte(i))
		} else {
			stream = append(stream, byte(i)|0x80, byte(i>>7))
		}
		stream = append(stream, body...)
	}
	connect := []byte{0x10, 2, 0, 0}
	for _, size := range []int{1, 2, 3, 7, 64, len(stream)} {
		g := frameGuard{limit: 202}
		require.NoError(t, g.look(connect))
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			require.NoError(t, g.look(rest[:n]), "reads of %d", size)
			rest = rest[n:]
		}
		assert.Error(t, g.look([]byte{0x30, 200 | 0x80, 1}), "203 bytes")
	}
}

func TestConnectionsOfAListenerAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).Limits = channels.Limits{Connections: 2}
	r.start()
	dev := r.ca.client("dev1")
	one := r.client(required, dev, 5, connectOptions{id: "1"})
	r.client(required, dev, 5, connectOptions{id: "2"})
	_, err := r.dial(required, dev)
	assert.Error(t, err)
	r.logged("turned away")
	r.client(secureWS, dev, 5, connectOptions{id: "3"}) // other listeners have their own
	one.leave()
	require.Eventually(t, func() bool {
		conn, err := r.dial(required, dev)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}, testPatience, 10*time.Millisecond)
}

func TestSilentConnectionsDoNotFillTheLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).Limits = channels.Limits{Connections: 2}
	r.start()
	for range 2 {
		raw, err := net.Dial("tcp", r.address(required))
		require.NoError(t, err)
		defer raw.Close()
	}
	require.Eventually(t, func() bool { return len(r.broker.links()) == 2 }, testPatience, time.Millisecond)
	r.offset.Store(int64(2 * patience))
	r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "honest"})
}

func TestSilentConnectionsAreCut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.HandshakeTimeout = 300 * time.Millisecond
	r.start()
	for _, listener := range []string{plain, plainWS, required, secureWS} {
		t.Run(listener, func(t *testing.T) {
			t.Parallel()
			raw, err := net.Dial("tcp", r.address(listener))
			require.NoError(t, err)
			_ = raw.SetReadDeadline(time.Now().Add(20 * time.Second))
			_, err = io.ReadAll(raw)
			assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s keeps a connection that says nothing", listener)
			_ = raw.Close()
		})
	}
	dev := r.ca.client("dev1")
	for _, listener := range []string{required, secureWS} { // through the handshake, and then silent
		w := r.wire(listener, dev, 5)
		w.expectEnd()
	}
	w := r.client(required, dev, 5, connectOptions{id: "x", keepalive: 1})
	w.expectEnd() // one and a half seconds of silence
}

func TestAVeryLongKeepaliveIsNoKeepaliveOfZero(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.wire(required, r.ca.client("dev1"), 5)
	ack := w.connect(connectOptions{id: "x", keepalive: 43691}) // half as much again is 65536
	require.Zero(t, ack.ReasonCode)
	assert.Equal(t, uint16(maxKeepalive), ack.Properties.ServerKeepAlive)
	time.Sleep(50 * time.Millisecond)
	w.silent()
}

func TestHandshakesDoNotCrowdOutHonestClients(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.Handshakes = 4
	r.start()
	for range 16 { // four times as many as there are places, all silent
		raw, err := net.Dial("tcp", r.address(required))
		require.NoError(t, err)
		defer raw.Close()
	}
	r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "honest"}).leave()
}

func TestConnectionsThatWaitInHTTPAreCountedToo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		listener string
		dial     func(r *rig) (net.Conn, error)
	}{
		{"no request", plainWS, func(r *rig) (net.Conn, error) { return net.Dial("tcp", r.address(plainWS)) }},
		{"a WebSocket without a CONNECT", plainWS, func(r *rig) (net.Conn, error) { return r.dial(plainWS, nobody) }},
		{"a handshake without a request", optionWSS, func(r *rig) (net.Conn, error) {
			return tls.Dial("tcp", r.address(optionWSS), r.clientTLS(nobody))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.opts.Handshakes = 4
			r.start()
			for range 16 {
				go func() {
					if conn, err := tc.dial(r); err == nil { // who is cut to make room has an error
						_, _ = conn.Read(make([]byte, 1))
					}
				}()
			}
			for range 4 {
				r.client(tc.listener, nobody, 5, connectOptions{id: "honest", user: "alice", password: aPassword}).leave()
				assert.LessOrEqual(t, len(r.broker.links()), 4+2, "those with a place, the honest one, and one that waits for a place")
			}
		})
	}
}

func TestSubscriptionsAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "x"})
	var filters []string
	for i := range maxSubscriptions + 1 {
		filters = append(filters, fmt.Sprintf("devices/dev1/%d", i))
	}
	reasons := w.subscribe(filters...)
	assert.Equal(t, byte(1), reasons[maxSubscriptions-1])
	assert.Equal(t, packets.ErrTopicFilterInvalid.Code, reasons[maxSubscriptions])
}

func TestPendingCutsTheOldestOnlyAfterItsTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	clock := func() time.Time { return now }
	p := newPending(1)
	a, b := net.Pipe()
	defer b.Close()
	first := &link{raw: a, opened: now, closing: make(chan struct{})}
	require.True(t, p.enter(first, clock, nil))
	now = now.Add(2 * patience)
	// It has waited for a place longer than others may keep one: the time that it has begins now.
	second := &link{raw: a, opened: now.Add(-2 * patience), closing: make(chan struct{})}
	require.True(t, p.enter(second, clock, nil), "the first has had its time")
	select {
	case <-first.closing:
	default:
		t.Error("the first was not cut")
	}
	stop := make(chan struct{})
	close(stop)
	assert.False(t, p.enter(&link{raw: a, opened: now}, clock, stop), "the second has not")
	p.leave(first) // which lost its place before
	p.leave(second)
	assert.Empty(t, p.at)
	assert.Zero(t, p.queue.Len())
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	secret := "s3cr3t-payload"
	for _, version := range both {
		w := r.client(plain, nobody, version, connectOptions{id: "a", user: "alice", password: aPassword, will: "devices/alice/w", willPayload: secret})
		w.published("devices/alice/x", secret, true)
		w.published("devices/bob/x", secret, false)
		w.sendConnect(connectOptions{id: "a", user: "alice", password: aPassword, willPayload: secret, will: "devices/alice/w"}) // a second CONNECT: the server logs the packet
		w.expectEnd()
	}
	r.wire(plain, nobody, 5).sendConnect(connectOptions{id: "a", user: "alice", password: "wr0ng-password"})
	r.logged("wrong password")
	r.logged("error processing packet")
	log := r.log.String()
	for _, text := range []string{secret, fmt.Sprint([]byte(secret)), aPassword, fmt.Sprint([]byte(aPassword)), "wr0ng-password", "pk="} {
		assert.NotContains(t, log, text)
	}
	assert.NotContains(t, log, fmt.Sprintf("%x", bytes.ToLower([]byte(secret))))
}

func TestQuietCountsWhatItHolds(t *testing.T) {
	t.Parallel()
	q := quiet{burst: 2}
	now := time.Now()
	for i, want := range []bool{true, true, false, false} {
		held, say := q.count(now)
		assert.Equal(t, want, say, i)
		assert.Zero(t, held)
	}
	held, say := q.count(now.Add(quietInterval))
	assert.True(t, say)
	assert.Equal(t, 2, held)
}
