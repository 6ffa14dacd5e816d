package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestQueuesAndRetainedMessagesSurviveARestart(t *testing.T) {
	t.Parallel()
	for _, version := range both {
		t.Run(versionName(version), func(t *testing.T) {
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			r.start()
			dev := r.ca.client("dev1")
			stored := connectOptions{id: "tank", keep: true, expiry: 600}
			away := r.client(required, dev, version, stored)
			require.Equal(t, []byte{1}, away.subscribe("devices/dev1/q/#"))
			away.leave()
			sender := r.client(required, dev, version, connectOptions{id: "sender"})
			const count = 50
			for i := range count {
				sender.published("devices/dev1/q/x", fmt.Sprint(i), false)
			}
			sender.published("devices/dev1/state", "kept", true)
			sender.published("devices/dev1/cleared", "first", true)
			sender.published("devices/dev1/cleared", "", true)

			// The broker is stopped, with the first messages delivered and not acknowledged.
			r.restart()
			r.logged("state restored")
			half := r.wire(required, dev, version)
			require.True(t, half.connect(stored).SessionPresent)
			for i := range 3 {
				assert.Equal(t, fmt.Sprint(i), string(half.expect(packets.Publish).Payload))
			}
			half.vanish()
			r.logged("client disconnected\" client=tank")
			r.restart()

			back := r.wire(required, dev, version)
			require.True(t, back.connect(stored).SessionPresent)
			for i := range count {
				_, payload := back.message()
				assert.Equal(t, fmt.Sprint(i), payload, "in the order of publishing")
			}
			require.Equal(t, []byte{1}, back.subscribe("devices/dev1/+"))
			topic, payload := back.message()
			assert.Equal(t, "devices/dev1/state kept", topic+" "+payload)
			back.silent()
			back.leave()
			r.restart()
			again := r.wire(required, dev, version)
			require.True(t, again.connect(stored).SessionPresent)
			again.silent() // what was acknowledged does not come again
		})
	}
}

func TestAQueueDoesNotStandInTheWayOfASubscription(t *testing.T) {
	t.Parallel()
	for _, version := range both {
		r := newRig(t).start()
		dev := r.ca.client("dev1")
		stored := connectOptions{id: "tank", keep: true, expiry: 600}
		away := r.client(required, dev, version, stored)
		away.subscribe("devices/dev1/q")
		away.leave()
		sender := r.client(required, dev, version, connectOptions{id: "sender"})
		const count = 20 // of one second, so that only their numbers tell their order
		for i := range count {
			sender.published("devices/dev1/q", fmt.Sprint(i), false)
		}
		// The client counts its packets from 1, as the broker does, and sends before it has acknowledged any of the queue.
		back := r.wire(required, dev, version)
		require.True(t, back.connect(stored).SessionPresent)
		for i := range count {
			assert.Equal(t, fmt.Sprint(i), string(back.expect(packets.Publish).Payload))
		}
		require.Equal(t, []byte{1}, back.subscribe("devices/dev1/other"), "MQTT %d", version)
		back.publish("devices/dev1/other", "mine", 1, false)
		ack := back.expect(packets.Puback)
		assert.Equal(t, back.id, ack.PacketID, "the client's own number comes back")
		assert.Equal(t, "mine", string(back.expect(packets.Publish).Payload))
		back.publish("devices/dev1/elsewhere", "exactly once", 2, false)
		assert.Equal(t, back.id, back.expect(packets.Pubrec).PacketID)
		back.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel}, PacketID: back.id})
		assert.Equal(t, back.id, back.expect(packets.Pubcomp).PacketID)
		back.vanish() // with the queue unacknowledged
		r.logged("client disconnected\" client=tank")
		last := r.wire(required, dev, version)
		require.True(t, last.connect(stored).SessionPresent)
		for i := range count {
			_, payload := last.message()
			assert.Equal(t, fmt.Sprint(i), payload, "the queue was not touched by the client's own packets")
		}
	}
}

func TestSessionsThatAreNotKeptLeaveNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.start()
	dev := r.ca.client("dev1")
	for _, version := range both {
		w := r.client(required, dev, version, connectOptions{id: "brief"})
		w.subscribe("devices/dev1/#")
		w.vanish()
	}
	kept := r.client(required, dev, 5, connectOptions{id: "kept", keep: true, expiry: 600})
	kept.subscribe("devices/dev1/#")
	kept.leave()
	r.client(required, dev, 5, connectOptions{id: "kept"}).leave() // a clean start removes it
	require.NoError(t, r.broker.Close())
	db, err := bbolt.Open(filepath.Join(r.opts.StateDir, storeName), 0o600, nil)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		for _, bucket := range []string{bucketClients, bucketSubscriptions, bucketQueue} {
			assert.NoError(t, tx.Bucket([]byte(bucket)).ForEach(func(k, _ []byte) error { return fmt.Errorf("%s holds %q", bucket, k) }))
		}
		return nil
	}))
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.start()
	dev, other := r.ca.client("dev1"), r.ca.client("ops-1")
	stored := connectOptions{id: "tank", keep: true, expiry: 600}
	away := r.client(required, dev, 5, stored)
	away.subscribe("devices/dev1/#")
	away.leave()
	r.logged("client disconnected\" client=tank") // by then the date at which it expires is set
	shortened := r.client(required, dev, 5, connectOptions{id: "shortened", keep: true, expiry: 600})
	shortened.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}, ReasonCode: packets.CodeDisconnectWillMessage.Code,
		Properties: packets.Properties{SessionExpiryInterval: 1, SessionExpiryIntervalFlag: true}})
	shortened.expectEnd()
	r.logged("client disconnected\" client=shortened")

	r.offset.Store(int64(5 * time.Minute))
	r.broker.expireSessions(r.opts.Now())
	_, there := r.broker.server.Clients.Get("tank")
	assert.True(t, there)
	_, there = r.broker.server.Clients.Get("shortened")
	assert.False(t, there)

	r.offset.Store(int64(11 * time.Minute))
	r.broker.expireSessions(r.opts.Now())
	assert.Empty(t, r.broker.server.Topics.Subscribers("devices/dev1/x").Subscriptions, "subscriptions must not wait for the next user of the id")
	next := r.wire(required, other, 5)
	ack := next.connect(stored)
	assert.Zero(t, ack.ReasonCode)
	assert.False(t, ack.SessionPresent)
}

func TestASessionThatExpiredWhileTheBrokerWasDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.start()
	dev := r.ca.client("dev1")
	w := r.client(required, dev, 5, connectOptions{id: "tank", keep: true, expiry: 600})
	w.leave()
	require.NoError(t, r.broker.Close())
	r.offset.Store(int64(11 * time.Minute))
	r.start()
	assert.False(t, r.wire(required, dev, 5).connect(connectOptions{id: "tank", keep: true, expiry: 600}).SessionPresent)
}

func TestTakeoversInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.start()
	dev := r.ca.client("dev1")
	sender := r.client(required, dev, 5, connectOptions{id: "sender"})
	for _, o := range []connectOptions{{id: "tank", keep: true, expiry: 600}, {id: "tank"}, {id: "tank", keep: true}} {
		// Many connections fight for one id at once; whoever has it in the end must really have it.
		var wait sync.WaitGroup
		for range 8 {
			w := r.wire(required, dev, 5)
			wait.Go(func() {
				for range 3 {
					pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"),
						ClientIdentifier: o.id, Clean: !o.keep, Keepalive: 60}}
					pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = o.expiry, true
					if w.trySend(pk) != nil {
						return
					}
					if _, err := w.next(); err != nil {
						return
					}
				}
			})
		}
		wait.Wait()
		last := r.client(required, dev, 5, o)
		require.Equal(t, []byte{1}, last.subscribe("devices/dev1/t"))
		sender.published("devices/dev1/t", "to the last", false)
		_, payload := last.message()
		assert.Equal(t, "to the last", payload)
		old, there := r.broker.server.Clients.Get("tank")
		require.True(t, there)
		assert.False(t, old.Closed())
		last.leave()
	}
}

func TestATakeoverOfAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.WriteTimeout = time.Hour // which a takeover does not wait for
	r.start()
	dev := r.ca.client("dev1")
	o := connectOptions{id: "tank", keep: true, expiry: 600}
	stuck := r.client(required, dev, 5, o)
	stuck.subscribe("devices/dev1/t")
	sender := r.client(required, dev, 5, connectOptions{id: "sender"})
	large := strings.Repeat("x", 512<<10)
	for range 40 { // more than the kernel's buffers hold
		sender.publish("devices/dev1/t", large, 0, false)
	}
	sender.silent()
	next := r.wire(required, dev, 5)
	assert.True(t, next.connect(o).SessionPresent)
}

func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.WriteTimeout = 200 * time.Millisecond
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
	r.logged("client disconnected\" client=stuck" + required)
	r.logged("client disconnected\" client=stuck" + secureWS)
	sender.silent()
}

func TestRetainedMessagesAreNotDroppedForBeingMany(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	sender := r.client(required, dev, 5, connectOptions{id: "sender"})
	const count = 3 * writesPending
	for i := range count {
		sender.publish(fmt.Sprintf("devices/dev1/r/%d", i), "kept", 0, true)
	}
	sender.silent()
	for _, o := range []connectOptions{{id: "all"}} {
		w := r.client(required, dev, 5, o)
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: 1,
			Filters: packets.Subscriptions{{Filter: "devices/dev1/r/#"}}})
		w.expect(packets.Suback)
		seen := map[string]bool{}
		for len(seen) < count {
			topic, _ := w.message()
			seen[topic] = true
		}
	}
}

func TestTheReceiveMaximumOfAClientHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	w := r.client(required, dev, 5, connectOptions{id: "slow", receiveMax: 3})
	w.subscribe("devices/dev1/t")
	sender := r.client(required, dev, 5, connectOptions{id: "sender"})
	for i := range 10 {
		sender.published("devices/dev1/t", fmt.Sprint(i), false)
	}
	var unacknowledged []uint16
	for i := range 3 {
		pk := w.expect(packets.Publish)
		assert.Equal(t, fmt.Sprint(i), string(pk.Payload))
		unacknowledged = append(unacknowledged, pk.PacketID)
	}
	_, err := w.nextWithin(200 * time.Millisecond)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "a fourth message came without an acknowledgement")
	for _, id := range unacknowledged {
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: id})
	}
	for i := 3; i < 10; i++ {
		_, payload := w.message()
		assert.Equal(t, fmt.Sprint(i), payload)
	}
}

func TestStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	t.Run("another broker runs on it", func(t *testing.T) {
		r := newRig(t)
		r.opts.StateDir = t.TempDir()
		r.start()
		d, m, _ := r.source()
		second, err := New(d, m, r.opts)
		require.NoError(t, err)
		assert.ErrorIs(t, second.Start(t.Context()), keystore.ErrLocked)
		assert.NoError(t, second.Close())
	})
	for name, data := range map[string][]byte{"text": []byte(strings.Repeat("hello", 5000)), "short": []byte("x"), "zeros": make([]byte, 65536)} {
		t.Run("damaged: "+name, func(t *testing.T) {
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			path := filepath.Join(r.opts.StateDir, storeName)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			d, m, _ := r.source()
			b, err := New(d, m, r.opts)
			require.NoError(t, err)
			err = b.Start(t.Context())
			assert.ErrorIs(t, err, keystore.ErrFormat)
			assert.ErrorContains(t, err, storeName)
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, data, left, "the file is left for whoever wants to look at it")
		})
	}
	t.Run("cut off", func(t *testing.T) {
		r := newRig(t)
		r.opts.StateDir = t.TempDir()
		r.start()
		w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "tank", keep: true, expiry: 600})
		for i := range 50 {
			w.published(fmt.Sprintf("devices/dev1/%d", i), strings.Repeat("x", 4000), true)
		}
		require.NoError(t, r.broker.Close())
		path := filepath.Join(r.opts.StateDir, storeName)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		d, m, _ := r.source()
		for _, length := range []int{1, 4096, 5000, 8192, 12288, 3 * 4096, 65536, 100_000, 150_000} {
			require.NoError(t, os.WriteFile(path, whole[:length], 0o600))
			b, err := New(d, m, r.opts)
			require.NoError(t, err)
			err = b.Start(t.Context())
			assert.ErrorIs(t, err, keystore.ErrFormat, "%d of %d bytes", length, len(whole))
			assert.NoError(t, b.Close())
		}
	})
	t.Run("of a later version", func(t *testing.T) {
		r := newRig(t)
		r.opts.StateDir = t.TempDir()
		r.start()
		require.NoError(t, r.broker.Close())
		db, err := bbolt.Open(filepath.Join(r.opts.StateDir, storeName), 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketMeta)).Put([]byte("schema"), []byte("9"))
		}))
		require.NoError(t, db.Close())
		d, m, _ := r.source()
		b, err := New(d, m, r.opts)
		require.NoError(t, err)
		assert.ErrorIs(t, b.Start(t.Context()), keystore.ErrUnsupported)
	})
}

func TestStateWithRecordsThatAreDamaged(t *testing.T) {
	t.Parallel()
	for _, bucket := range []string{bucketClients, bucketSubscriptions, bucketQueue, bucketRetained} {
		r := newRig(t)
		r.opts.StateDir = t.TempDir()
		r.start()
		r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "tank", keep: true, expiry: 600}).leave()
		require.NoError(t, r.broker.Close())
		db, err := bbolt.Open(filepath.Join(r.opts.StateDir, storeName), 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucket)).Put([]byte("tank\x00devices/dev1/x"), []byte("{"))
		}))
		require.NoError(t, db.Close())
		d, m, _ := r.source()
		b, err := New(d, m, r.opts)
		require.NoError(t, err)
		assert.ErrorIs(t, b.Start(t.Context()), keystore.ErrFormat, bucket)
	}
}
