package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
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

func TestAClientIDBelongsToWhoMadeItsSession(t *testing.T) {
	t.Parallel()
	for _, version := range both {
		t.Run(versionName(version), func(t *testing.T) {
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			r.start()
			dev1, dev2 := r.ca.client("dev1"), r.ca.client("dev2")
			stored := connectOptions{id: "tank", keep: true, expiry: 600}
			owner := r.client(required, dev1, version, stored)
			owner.subscribe("devices/dev1/#")

			refused := func(when string) {
				t.Helper()
				for _, clean := range []bool{true, false} {
					w := r.wire(required, dev2, version)
					ack := w.connect(connectOptions{id: "tank", keep: !clean, expiry: 600})
					want := packets.ErrClientIdentifierNotValid.Code
					if version < 5 {
						want = packets.Err3ClientIdentifierNotValid.Code
					}
					assert.Equal(t, want, ack.ReasonCode, "%s, clean %v", when, clean)
					assert.False(t, ack.SessionPresent)
					w.expectEnd()
				}
			}
			refused("live")
			owner.silent() // and it was not disturbed
			owner.vanish()
			r.logged("client disconnected")
			refused("stored")
			r.restart()
			refused("stored, after a restart")

			back := r.wire(required, dev1, version)
			ack := back.connect(stored)
			assert.Zero(t, ack.ReasonCode)
			assert.True(t, ack.SessionPresent)
			back.leave()

			// A clean session of the owner ends it; then the id is free.
			last := r.client(required, dev1, version, connectOptions{id: "tank"})
			last.leave()
			r.client(required, dev2, version, connectOptions{id: "tank"}).leave()
		})
	}
}

func TestUnderAnyASessionIsReplacedAndNotInherited(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).Identity.ClientID = channels.ClientIDAny
	r.model.Access = []channels.Rule{rule("*", "common/#")}
	r.start()
	stored := connectOptions{id: "tank", keep: true, expiry: 600}
	owner := r.client(required, r.ca.client("dev1"), 5, stored)
	owner.subscribe("common/#")

	w := r.wire(required, r.ca.client("dev2"), 5)
	ack := w.connect(stored)
	assert.Zero(t, ack.ReasonCode)
	assert.False(t, ack.SessionPresent)
	assert.Equal(t, packets.ErrSessionTakenOver.Code, owner.expectEnd())
	other := r.client(required, r.ca.client("dev3"), 5, connectOptions{id: "other"})
	assert.Zero(t, other.published("common/x", "not for dev2", false))
	w.silent()
}

func TestClientIDsBoundToTheUser(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).Identity.ClientID = channels.ClientIDEqual
	r.listener(secureWS).Identity.ClientID = channels.ClientIDPrefix
	r.start()
	for _, tc := range []struct {
		listener, id string
		want         byte
	}{
		{required, "dev1", 0},
		{required, "dev1-a", packets.ErrClientIdentifierNotValid.Code},
		{required, "", packets.ErrClientIdentifierNotValid.Code},
		{secureWS, "dev1", 0},
		{secureWS, "dev1-a", 0},
		{secureWS, "dev10", packets.ErrClientIdentifierNotValid.Code},
		{secureWS, "", packets.ErrClientIdentifierNotValid.Code},
	} {
		w := r.wire(tc.listener, r.ca.client("dev1"), 5)
		assert.Equal(t, tc.want, w.connect(connectOptions{id: tc.id}).ReasonCode, "%s %q", tc.listener, tc.id)
		w.vanish()
	}
	// Two users that the prefix rule lets have one id: the first to use it keeps it.
	r.client(secureWS, r.ca.client("dev1"), 5, connectOptions{id: "dev1-a", keep: true, expiry: 60}).leave()
	w := r.wire(secureWS, r.ca.client("dev1-a"), 5)
	assert.Equal(t, packets.ErrClientIdentifierNotValid.Code, w.connect(connectOptions{id: "dev1-a"}).ReasonCode)
}

func TestAMadeUpClientIDCannotBeGuessed(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	seen := map[string]bool{}
	for range 3 {
		w := r.wire(required, r.ca.client("dev1"), 5)
		ack := w.connect(connectOptions{})
		require.Zero(t, ack.ReasonCode)
		id := ack.Properties.AssignedClientID
		assert.True(t, strings.HasPrefix(id, "auto-") && len(id) == len("auto-")+24, "%q", id)
		assert.False(t, seen[id])
		seen[id] = true
	}
	w := r.wire(required, r.ca.client("dev1"), 4)
	assert.Zero(t, w.connect(connectOptions{}).ReasonCode, "a clean session without an id is allowed in 3.1.1")
	w = r.wire(required, r.ca.client("dev1"), 4)
	assert.NotZero(t, w.connect(connectOptions{keep: true}).ReasonCode, "a kept one is not")
}

func TestOldProtocolAndLongClientIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	w := r.client(required, r.ca.client("dev1"), 3, connectOptions{id: strings.Repeat("x", 100)})
	assert.Equal(t, []byte{1}, w.subscribe("devices/dev1/#"))
	for _, id := range []string{strings.Repeat("x", maxClientID+1), "with\x07bell"} {
		w := r.wire(required, r.ca.client("dev1"), 5)
		assert.Equal(t, packets.ErrClientIdentifierNotValid.Code, w.connect(connectOptions{id: id}).ReasonCode)
	}
}

func TestWhatAClientCallsItselfDoesNotCount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(plain).Identity = channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDOwned}
	r.listener(optional).Identity = channels.Identity{User: channels.UserFixed, FixedUser: "Guest", ClientID: channels.ClientIDOwned}
	r.start()
	for _, tc := range []struct {
		listener, own string
		holder        holder
	}{{plain, "", nobody}, {optional, "Guest", nobody}, {required, "dev1", r.ca.client("dev1")}} {
		w := r.client(tc.listener, tc.holder, 5, connectOptions{id: "x" + tc.listener, user: "ops-1", password: "anything"})
		assert.Equal(t, []byte{packets.ErrNotAuthorized.Code}, w.subscribe("devices/ops-1/x"), tc.listener)
		if tc.own != "" {
			assert.Equal(t, []byte{1}, w.subscribe("devices/"+tc.own+"/x"), tc.listener)
		}
		w.leave()
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	for _, tc := range []struct{ user, password string }{{"alice", "wrong"}, {"alice", ""}, {"", ""}, {"nobody", aPassword}, {"bob", aPassword + " "}} {
		for _, version := range both {
			for _, listener := range []string{plain, optional} {
				w := r.wire(listener, r.ca.client("alice"), version) // whose certificate does not help
				ack := w.connect(connectOptions{id: "x", user: tc.user, password: tc.password})
				want := packets.ErrBadUsernameOrPassword.Code
				if version < 5 {
					want = packets.ErrMalformedUsernameOrPassword.Code
				}
				assert.Equal(t, want, ack.ReasonCode, "%+v", tc)
				w.expectEnd()
			}
		}
	}
	assert.NotContains(t, r.log.String(), aPassword)
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
	assert.Zero(t, bystander.published("devices/dev1/x", "still here", false))
	r.client(required, dev, 5, connectOptions{id: "bad"}).leave() // and the id can be used again
}
