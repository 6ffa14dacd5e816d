package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
)

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

func TestAnIDThatIsOwnedIsNotToBeHadWhereIDsAreAnybodys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.StateDir = t.TempDir()
	r.listener(optional).Identity = channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDAny}
	r.start()
	stored := connectOptions{id: "tank", keep: true, expiry: 600}
	owner := r.client(required, r.ca.client("dev1"), 5, stored)
	owner.subscribe("devices/dev1/#")
	thief := func() byte { return r.wire(optional, nobody, 5).connect(connectOptions{id: "tank"}).ReasonCode }
	assert.Equal(t, packets.ErrClientIdentifierNotValid.Code, thief(), "while the owner is there")
	owner.silent()
	owner.leave()
	assert.Equal(t, packets.ErrClientIdentifierNotValid.Code, thief(), "while its session is stored")
	r.restart()
	assert.Equal(t, packets.ErrClientIdentifierNotValid.Code, thief(), "after a restart")
	assert.True(t, r.wire(required, r.ca.client("dev1"), 5).connect(stored).SessionPresent)
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

func TestWarnings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(plain).Identity.User = channels.UserNone
	r.listener(optional).Identity = channels.Identity{User: channels.UserFixed, FixedUser: "Guest"}
	d, m, _ := r.source()
	b, err := New(d, m, r.opts)
	require.NoError(t, err)
	for _, tc := range []struct {
		after time.Duration
		want  []string
	}{
		{0, []string{"the server certificate expires at", "lets anybody in, without a name", `lets anybody in, as "Guest"`}},
		{28 * 24 * time.Hour, []string{"the server certificate has expired", `the CRL "self.crl" is stale at`}},
		{31 * 24 * time.Hour, []string{`the CRL "self.crl" is stale since`}},
	} {
		all := strings.Join(b.snapshot().warnings(time.Now().Add(tc.after)), "\n")
		for _, want := range tc.want {
			assert.Contains(t, all, want)
		}
	}
}
