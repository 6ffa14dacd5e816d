package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWillsObeyTheRules(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	victim := r.client(required, r.ca.client("victim"), 5, connectOptions{id: "victim"})
	victim.subscribe("devices/victim/#")
	for _, version := range both {
		for _, topic := range []string{"devices/victim/x", "$SYS/broker/version", "$other/x", "devices/+/x", "devices/mallory/#"} {
			w := r.wire(required, r.ca.client("mallory"), version)
			ack := w.connect(connectOptions{id: "m", will: topic})
			if version == 5 {
				assert.Equal(t, packets.ErrNotAuthorized.Code, ack.ReasonCode, topic)
			} else {
				assert.Equal(t, packets.Err3NotAuthorized.Code, ack.ReasonCode, topic)
			}
			w.expectEnd()
		}
	}
	victim.silent()

	own := r.client(required, r.ca.client("dev1"), 4, connectOptions{id: "listener"})
	own.subscribe("devices/dev1/will")
	r.client(required, r.ca.client("dev1"), 4, connectOptions{id: "dier", will: "devices/dev1/will"}).vanish()
	topic, payload := own.message()
	assert.Equal(t, "devices/dev1/will gone", topic+" "+payload)
}

func TestWillsAreCheckedAgainWhenDue(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	r.model.Access = append(r.model.Access, rule("dev1", "shared/#"))
	require.NoError(t, r.broker.Reload())
	listener := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	listener.subscribe("shared/#")
	now := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "now", will: "shared/now"})
	later := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "later", keep: true, expiry: 60, will: "shared/later", willDelay: 1})
	later.vanish()
	r.logged("client=later user=dev1 listener=SSLREQ remote=" + later.conn.LocalAddr().String() + " why")

	r.model.Access = r.model.Access[:2]
	require.NoError(t, r.broker.Reload())
	now.vanish()
	time.Sleep(3 * time.Second) // the server looks at delayed wills once a second, and they are a second late
	listener.silent()
}

func TestADelayedWillIsPublishedInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	listener := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "ops"})
	listener.subscribe("devices/dev1/will")
	t.Run("after its delay", func(t *testing.T) {
		r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "d1", keep: true, expiry: 60, will: "devices/dev1/will", willDelay: 1}).vanish()
		listener.message()
	})
	t.Run("at once where the session ends with the connection", func(t *testing.T) {
		r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "d2", will: "devices/dev1/will", willDelay: 3600}).vanish()
		listener.message()
	})
	t.Run("not at all when the client is back before", func(t *testing.T) {
		o := connectOptions{id: "d3", keep: true, expiry: 60, will: "devices/dev1/will", willDelay: 1}
		r.client(required, r.ca.client("dev1"), 5, o).vanish()
		back := r.client(required, r.ca.client("dev1"), 5, o)
		time.Sleep(3 * time.Second)
		listener.silent()
		back.leave()
	})
}

func TestDeniedPublishesGoNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	require.Equal(t, []byte{1}, ops.subscribe("#"))
	deep := "devices/mallory" + strings.Repeat("/x", maxLevels)
	for _, version := range both {
		for _, retain := range []bool{false, true} {
			w := r.client(required, r.ca.client("mallory"), version, connectOptions{id: "m"})
			for _, topic := range []string{"devices/victim/x", "$SYS/broker/version", "$sys/x", "$other/x", "$share/g/devices/mallory/x", "/devices/mallory/x", deep} {
				w.publish(topic, "evil", 0, retain)
				reason := w.published(topic, "evil", retain)
				if version == 5 {
					assert.Equal(t, packets.ErrNotAuthorized.Code, reason, topic)
				}
			}
			assert.Zero(t, w.published("devices/mallory/fine", "good", false), "the connection stays: to hang up would make a client send the same for ever")
			topic, _ := ops.message()
			assert.Equal(t, "devices/mallory/fine", topic)
			w.leave()
		}
	}
	ops.silent()
	assert.Contains(t, r.log.String(), "msg=denied what=publish topic=devices/victim/x client=m user=mallory")
	assert.NotContains(t, r.log.String(), "evil")
}

func TestQoS2PublishesObeyTheRules(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	ops.subscribe("#")
	for _, version := range both {
		w := r.client(required, r.ca.client("mallory"), version, connectOptions{id: "m"})
		w.publish("devices/victim/x", "evil", 2, false)
		rec := w.expect(packets.Pubrec)
		if version == 5 {
			assert.Equal(t, packets.ErrNotAuthorized.Code, rec.ReasonCode)
		} else {
			w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel}, PacketID: rec.PacketID})
			w.expect(packets.Pubcomp)
		}
		w.publish("devices/mallory/x", "good", 2, false)
		rec = w.expect(packets.Pubrec)
		assert.Zero(t, rec.ReasonCode)
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel}, PacketID: rec.PacketID})
		w.expect(packets.Pubcomp)
		_, payload := ops.message()
		assert.Equal(t, "good", payload)
	}
}

func TestDeniedSubscriptions(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	deep := strings.Repeat("+/", maxLevels) + "x"
	for _, version := range both {
		w := r.client(required, r.ca.client("mallory"), version, connectOptions{id: "m"})
		for _, filter := range []string{"#", "+/+/+", "devices/+/x", "devices/victim/#", "devices/#", "$SYS/#", "$share/g/#", "$share/g/devices/victim/x",
			"$SHARE/g/devices/mallory/x", "$share/g/$SYS/#", "$share/+/devices/mallory/x", "$share//devices/mallory/x", "devices/mal+lory/x", "devices/mallory/#/x", deep, "$share/g/"} {
			reasons := w.subscribe(filter)
			require.Len(t, reasons, 1)
			assert.GreaterOrEqual(t, reasons[0], packets.ErrUnspecifiedError.Code, filter)
		}
		assert.Equal(t, []byte{1, 1}, w.subscribe("devices/mallory/#", "$share/g/devices/mallory/+"))
		w.vanish()
	}
}

func TestSharedSubscriptionsReachSomebodyWhoIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	for i := range 3 {
		w := r.client(required, dev, 5, connectOptions{id: fmt.Sprint("member", i), keep: true, expiry: 600})
		require.Equal(t, []byte{1}, w.subscribe("$share/g/devices/dev1/x"))
		if i > 0 {
			w.vanish()
			r.logged(fmt.Sprintf("client disconnected\" client=member%d", i))
			continue
		}
		defer func() {
			sender := r.client(required, dev, 5, connectOptions{id: "sender"})
			for n := range 10 {
				sender.published("devices/dev1/x", fmt.Sprint(n), false)
				_, payload := w.message()
				assert.Equal(t, fmt.Sprint(n), payload)
			}
		}()
	}
}

func TestRetainedMessagesReachOnlyWhoMayRead(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	for _, topic := range []string{"devices/dev1/state", "devices/victim/state", "elsewhere"} {
		ops.published(topic, "kept", true)
	}
	w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "d"})
	w.subscribe("devices/dev1/#")
	topic, _ := w.message()
	assert.Equal(t, "devices/dev1/state", topic)
	w.silent()
}

func TestBrokerTopicsReachOnlyWhoIsNamedForThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.model.Access = append(r.model.Access, rule("reader", "#"))
	r.start()
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	require.Equal(t, []byte{1}, ops.subscribe("$SYS/broker/version"))
	topic, _ := ops.message()
	assert.Equal(t, "$SYS/broker/version", topic)

	reader := r.client(required, r.ca.client("reader"), 5, connectOptions{id: "reader"})
	assert.Equal(t, []byte{1}, reader.subscribe("#"))
	assert.NotEqual(t, []byte{1}, reader.subscribe("$SYS/broker/version"))
	reader.silent()
}

func TestTopicAliasesAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "d"})
	w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish}, TopicName: "devices/dev1/x", Payload: []byte("x"),
		Properties: packets.Properties{TopicAlias: 1, TopicAliasFlag: true}})
	assert.Equal(t, packets.ErrTopicAliasInvalid.Code, w.expectEnd())
}

func TestAnAnswerMayNotBeAskedForElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	ops.subscribe("devices/dev1/#")
	w := r.client(required, r.ca.client("dev1"), 5, connectOptions{id: "d"})
	ask := func(answer string) byte {
		w.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, PacketID: w.nextID(), TopicName: "devices/dev1/ask",
			Payload: []byte("?"), Properties: packets.Properties{ResponseTopic: answer}})
		return w.expect(packets.Puback).ReasonCode
	}
	assert.Equal(t, packets.ErrNotAuthorized.Code, ask("devices/victim/command"))
	assert.Zero(t, ask("devices/dev1/answer"))
	pk := ops.expect(packets.Publish)
	assert.Equal(t, "devices/dev1/answer", pk.Properties.ResponseTopic)
}

func TestExtendedAuthenticationIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.wire(required, r.ca.client("dev1"), 5)
	assert.Equal(t, packets.ErrBadAuthenticationMethod.Code, w.connect(connectOptions{id: "d", method: "SCRAM-SHA-1"}).ReasonCode)
}

func TestAMalformedPacketEndsOneConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	bystander := r.client(required, dev, 5, connectOptions{id: "bystander"})
	for name, bytes := range map[string][]byte{
		"SUBSCRIBE that ends after a filter": {0x82, 6, 0, 1, 0, 0, 1, 'a'},
		"PUBLISH without a topic":            {0x30, 1, 0},
		"a second CONNECT":                   {0x10, 0},
		"an unknown packet type":             {0x00, 0},
		"a length without end":               {0x30, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		w := r.client(required, dev, 5, connectOptions{id: "bad", keep: true, expiry: 600})
		_, err := w.conn.Write(bytes)
		require.NoError(t, err, name)
		w.expectEnd()
	}
	w := r.client(required, dev, 5, connectOptions{id: "clean"})
	_, err := w.conn.Write([]byte{0x82, 6, 0, 1, 0, 0, 1, 'a'})
	require.NoError(t, err)
	w.expectEnd()
	require.Eventually(t, func() bool { _, there := r.broker.server.Clients.Get("clean"); return !there }, testPatience, time.Millisecond,
		"a session that ends with its connection does, however that ended")
	assert.Zero(t, bystander.published("devices/dev1/x", "still here", false))
	r.client(required, dev, 5, connectOptions{id: "bad"}).leave() // and the id can be used again
}
