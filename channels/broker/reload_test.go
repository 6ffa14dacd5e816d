package broker

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// servedSerial is the serial number of the certificate that a listener shows.
func (r *rig) servedSerial(listener string, h holder) string {
	r.Helper()
	conn, err := tls.Dial("tcp", r.address(listener), r.clientTLS(h))
	require.NoError(r, err)
	defer conn.Close()
	return serialText(conn.ConnectionState().PeerCertificates[0])
}

func TestReloadServesTheNewCertificateAndKeepsGoodSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	live := r.client(required, dev, 5, connectOptions{id: "live"})
	before := r.servedSerial(required, dev)
	r.server = r.ca.server()
	require.NoError(t, r.broker.Reload())
	for _, listener := range []string{required, optional, secureWS, optionWSS} {
		after := r.servedSerial(listener, dev)
		assert.NotEqual(t, before, after, listener)
		assert.Equal(t, serialText(r.server.cert), after, listener)
	}
	assert.Zero(t, live.published("devices/dev1/x", "still here", false))
}

func TestABadReloadChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	before := r.servedSerial(required, dev)
	live := r.client(required, dev, 5, connectOptions{id: "live"})

	good := r.server
	r.server = r.ca.server()
	r.server.key = newKey(t) // not the certificate's
	r.ca.revoke(dev)         // in a CRL that would have been fine
	err := r.broker.Reload()
	assert.ErrorContains(t, err, "the server key does not belong to the server certificate")
	r.logged("reload refused; everything stays as it was")
	assert.Equal(t, before, r.servedSerial(required, dev))
	assert.Zero(t, live.published("devices/dev1/x", "still here", false))

	r.server = good
	require.NoError(t, r.broker.Reload())
	assert.Equal(t, packets.ErrNotAuthorized.Code, live.expectEnd())
}

func TestCRLsThatAReloadRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		crls func(r *rig, before []byte) []byte
		want string
	}{
		{"garbage", func(*rig, []byte) []byte { return []byte("garbage") }, "reading CRL"},
		{"empty", func(*rig, []byte) []byte { return nil }, "reading CRL"},
		{"another PKI's", func(r *rig, _ []byte) []byte { return newAuthority(r, "other").crls() }, "none is by the CA that issues clients"},
		{"the root's alone", func(r *rig, _ []byte) []byte {
			_, rest := pem.Decode(r.ca.crls())
			return rest
		}, "none is by the CA that issues clients"},
		{"from before a revocation", func(_ *rig, before []byte) []byte { return before }, "is older than the one in place"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			before := r.ca.crls()
			revoked, dev := r.ca.client("dev2"), r.ca.client("dev1")
			r.ca.revoke(revoked)
			var replaced []byte
			r.opts.Source = func() (*channels.Deployment, Material, error) {
				d, m, err := r.source()
				m.Trust[0].CRLs[0].Data = replaced
				return d, m, err
			}
			r.start()
			replaced = tc.crls(r, before)
			assert.ErrorContains(t, r.broker.Reload(), tc.want)
			r.client(required, dev, 5, connectOptions{id: "x"})
			assert.Error(t, r.refused(required, r.clientTLS(revoked)))
		})
	}
}

func TestARevokedClientIsSentAway(t *testing.T) {
	t.Parallel()
	for _, listener := range []string{required, secureWS} {
		for _, version := range both {
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			r.start()
			dev, other := r.ca.client("dev1"), r.ca.client("ops-1")
			ops := r.client(required, other, 5, connectOptions{id: "ops"})
			ops.subscribe("devices/#")
			o := connectOptions{id: "tank", keep: true, expiry: 600, will: "devices/dev1/will"}
			live := r.client(listener, dev, version, o)
			live.subscribe("devices/dev1/#")

			r.ca.revoke(dev)
			require.NoError(t, r.broker.Reload())
			reason := live.expectEnd()
			if version == 5 {
				assert.Equal(t, packets.ErrNotAuthorized.Code, reason)
			}
			r.logged("client sent away")
			ops.silent() // no will

			// Nothing of the session is left: the id is free, and a later owner inherits nothing.
			require.Eventually(t, func() bool { _, there := r.broker.server.Clients.Get("tank"); return !there }, testPatience, time.Millisecond)
			next := r.wire(required, other, version)
			ack := next.connect(connectOptions{id: "tank", keep: true, expiry: 600})
			assert.Zero(t, ack.ReasonCode)
			assert.False(t, ack.SessionPresent)
			assert.Empty(t, r.broker.server.Topics.Subscribers("devices/dev1/x").Subscriptions["tank"].Filter)
			assert.Error(t, r.refused(listener, r.clientTLS(dev)))
		}
	}
}

func TestARevokedClientsStoredSessionGoes(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"while the broker runs", "while it does not"} {
		t.Run(when, func(t *testing.T) {
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			r.start()
			dev, ops := r.ca.client("dev1"), r.ca.client("ops-1")
			listener := r.client(required, ops, 5, connectOptions{id: "ops"})
			listener.subscribe("devices/dev1/will")
			w := r.client(required, dev, 5, connectOptions{id: "tank", keep: true, expiry: 600, will: "devices/dev1/will", willDelay: 2})
			w.subscribe("devices/dev1/x")
			w.vanish()
			r.logged("client disconnected\" client=tank")
			listener.published("devices/dev1/x", "queued", false)

			r.ca.revoke(dev)
			if when == "while it does not" {
				require.NoError(t, r.broker.Close())
				r.start()
			} else {
				require.NoError(t, r.broker.Reload())
				time.Sleep(4 * time.Second) // the will would be due
				listener.silent()
				r.restart()
			}
			next := r.wire(required, ops, 5)
			ack := next.connect(connectOptions{id: "tank", keep: true, expiry: 600})
			assert.Zero(t, ack.ReasonCode)
			assert.False(t, ack.SessionPresent)
			next.silent()
		})
	}
}

func TestReloadTakesBackWhatIsNoLongerAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.model.Access = append(r.model.Access, rule("*", "news/#"))
	r.opts.StateDir = t.TempDir()
	r.start()
	dev := r.ca.client("dev1")
	ops := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	stored := connectOptions{id: "tank", keep: true, expiry: 600}
	away := r.client(required, dev, 5, stored)
	require.Equal(t, []byte{1, 1}, away.subscribe("news/#", "devices/dev1/#"))
	away.leave()
	ops.published("news/1", "queued before the rules changed", false)
	ops.published("devices/dev1/1", "fine", false)
	live := r.client(required, dev, 5, connectOptions{id: "live"})
	require.Equal(t, []byte{1}, live.subscribe("news/#"))

	r.model.Access = r.model.Access[:2]
	require.NoError(t, r.broker.Reload())
	ops.published("news/2", "after", false)
	live.silent()
	assert.NotEqual(t, []byte{1}, live.subscribe("news/#"))
	check := func() {
		t.Helper()
		back := r.wire(required, dev, 5)
		ack := back.connect(stored)
		require.True(t, ack.SessionPresent)
		_, payload := back.message()
		assert.Equal(t, "fine", payload)
		back.silent()
		back.leave()
	}
	check()

	// The same when the rules change while the broker is down.
	r.model.Access = append(r.model.Access, rule("*", "news/#"))
	require.NoError(t, r.broker.Reload())
	again := r.client(required, dev, 5, stored)
	require.Equal(t, []byte{1}, again.subscribe("news/#"))
	again.leave()
	ops.published("news/3", "queued before the rules changed", false)
	ops.published("devices/dev1/2", "fine", false)
	require.NoError(t, r.broker.Close())
	r.model.Access = r.model.Access[:2]
	r.start()
	sender := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	sender.published("news/4", "after", false)
	assert.Empty(t, r.broker.server.Topics.Subscribers("news/4").Subscriptions)
	check()
}

func TestRemovedPasswordUsersAreSentAway(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	alice := connectOptions{id: "a", user: "alice", password: aPassword, keep: true, expiry: 600}
	live := r.client(plain, nobody, 5, alice)
	bob := r.client(plain, nobody, 5, connectOptions{id: "b", user: "bob", password: aPassword})
	users := *r.users
	changed, err := channels.ParseUsers(users.Bytes())
	require.NoError(t, err)
	changed.Remove("alice")
	r.users = changed
	require.NoError(t, r.broker.Reload())
	assert.Equal(t, packets.ErrNotAuthorized.Code, live.expectEnd())
	assert.Zero(t, bob.published("devices/bob/x", "still here", false))
}

func TestAChangedPasswordSendsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	login := connectOptions{id: "tank", user: "alice", password: aPassword, keep: true, expiry: 600, will: "devices/alice/x"}
	alice := r.client(plain, nobody, 5, login)
	watcher := r.client(required, r.ca.client("ops-1"), 5, connectOptions{id: "ops"})
	watcher.subscribe("devices/#")
	bob := r.client(plain, nobody, 5, connectOptions{id: "b", user: "bob", password: aPassword})
	fresh, err := channels.ParseUsers(r.users.Bytes())
	require.NoError(t, err)
	require.NoError(t, fresh.Set("alice", keystore.Secret("another"), 10, rand.Reader))
	r.users = fresh
	require.NoError(t, r.broker.Reload())
	assert.Equal(t, packets.ErrNotAuthorized.Code, alice.expectEnd())
	bob.silent()
	watcher.silent() // whoever knew the old password left a will
	login.id, login.password, login.will = "tank", "another", ""
	assert.True(t, r.wire(plain, nobody, 5).connect(login).SessionPresent, "the session is the user's still")
}

func TestWhoWouldNotBeLetInAnyMoreIsSentAway(t *testing.T) {
	t.Parallel()
	guest := channels.Identity{User: channels.UserFixed, FixedUser: "guest", ClientID: channels.ClientIDOwned}
	for _, tc := range []struct {
		name string
		then func(l *channels.Listener)
		stay bool
	}{
		{"nothing of it", func(l *channels.Listener) { l.Limits.Connections = 100 }, true},
		{"a certificate is required", func(l *channels.Listener) { l.ClientCertificate = channels.CertificateRequired }, false},
		{"the user is named by the certificate", func(l *channels.Listener) {
			l.ClientCertificate, l.Identity = channels.CertificateRequired, channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned}
		}, false},
		{"a password is asked for", func(l *channels.Listener) { l.Identity.User, l.Identity.FixedUser = channels.UserPassword, "" }, false},
		{"everybody is somebody else", func(l *channels.Listener) { l.Identity.FixedUser = "visitor" }, false},
		{"nobody has a name", func(l *channels.Listener) { l.Identity.User, l.Identity.FixedUser = channels.UserNone, "" }, false},
		{"the id is the user's name", func(l *channels.Listener) { l.Identity.ClientID = channels.ClientIDEqual }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.listener(optional).Identity = guest
			r.start()
			w := r.client(optional, nobody, 5, connectOptions{id: "tank"})
			tc.then(r.listener(optional))
			require.NoError(t, r.broker.Reload())
			if tc.stay {
				w.silent()
				return
			}
			assert.Equal(t, packets.ErrNotAuthorized.Code, w.expectEnd())
		})
	}
}

func TestACAThatIsNotTrustedAnyMore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	partner := newAuthority(t, "partner")
	r.model.Trust = append(r.model.Trust, channels.Trust{CA: "partner.crt", CRL: "partner.crl", Users: "partner-*"})
	r.extra = append(r.extra, partner.trust())
	r.start()
	live := r.client(required, partner.client("partner-7"), 5, connectOptions{id: "p"})
	r.model.Trust, r.extra = r.model.Trust[:1], nil
	require.NoError(t, r.broker.Reload())
	assert.Equal(t, packets.ErrNotAuthorized.Code, live.expectEnd())
}

func TestStoredSessionsGoWithTheirCA(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"while the broker runs", "while it does not"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.opts.StateDir = t.TempDir()
			partner := newAuthority(t, "partner")
			r.model.Trust = append(r.model.Trust, channels.Trust{CA: "partner.crt", CRL: "partner.crl", Users: "partner-*"})
			r.extra = []TrustMaterial{partner.trust()}
			r.start()
			own := map[string]holder{"ours": r.ca.client("dev1"), "theirs": partner.client("partner-1")}
			for id, h := range own {
				r.client(required, h, 5, connectOptions{id: id, keep: true, expiry: 600}).leave()
			}
			if when == "while the broker runs" {
				r.model.Trust, r.extra = r.model.Trust[:1], nil
				require.NoError(t, r.broker.Reload())
			} else {
				require.NoError(t, r.broker.Close())
				r.model.Trust, r.extra = r.model.Trust[:1], nil
				r.start()
			}
			assert.True(t, r.wire(required, own["ours"], 5).connect(connectOptions{id: "ours", keep: true, expiry: 600}).SessionPresent)
			ack := r.wire(required, r.ca.client("dev2"), 5).connect(connectOptions{id: "theirs", keep: true, expiry: 600})
			assert.Zero(t, ack.ReasonCode, "the id is free")
			assert.False(t, ack.SessionPresent)
		})
	}
}

func TestListenersThatMoveWaitForARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	r.listener(required).Port = 1
	r.listener(optional).Name = "NEW"
	require.NoError(t, r.broker.Reload())
	r.logged("wait for a restart")
	r.logged("is gone from the model")
	r.logged("is new")
	dev := r.ca.client("dev1")
	conn, err := tls.Dial("tcp", r.address(required), r.clientTLS(dev))
	require.NoError(t, err)
	_ = conn.Close()
	_, err = tls.Dial("tcp", r.address(optional), r.clientTLS(dev))
	assert.Error(t, err, "the port of a listener that is gone")
}

func TestChangedFilesAreReloaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crl := filepath.Join(dir, "issuing.crl")
	r := newRig(t)
	require.NoError(t, os.WriteFile(crl, r.ca.crls(), 0o600))
	r.opts.Source = func() (*channels.Deployment, Material, error) {
		d, m, _ := r.source()
		data, err := os.ReadFile(crl)
		m.Trust[0].CRLs = []CRLFile{{crl, data}}
		return d, m, err
	}
	r.opts.Watch = []string{crl, filepath.Join(dir, "absent")}
	r.start()
	dev, good := r.ca.client("dev1"), r.ca.client("dev2")
	live := r.client(required, dev, 5, connectOptions{id: "live"})
	bystander := r.client(required, good, 5, connectOptions{id: "bystander"})

	require.NoError(t, os.WriteFile(crl, []byte("damaged"), 0o600))
	r.logged("reload refused")
	assert.Zero(t, live.published("devices/dev1/x", "x", false))

	r.ca.revoke(dev)
	next := filepath.Join(dir, "next")
	require.NoError(t, os.WriteFile(next, r.ca.crls(), 0o600))
	replaced := time.Now()
	require.NoError(t, os.Rename(next, crl))
	assert.Equal(t, packets.ErrNotAuthorized.Code, live.expectEnd())
	t.Logf("the revoked client was sent away %v after its CRL was replaced", time.Since(replaced).Round(time.Millisecond))
	assert.Zero(t, bystander.published("devices/dev2/x", "x", false))
}

func TestReloadWithoutASource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.Source = func() (*channels.Deployment, Material, error) { return nil, Material{}, errors.New("cannot read it") }
	r.start()
	assert.ErrorContains(t, r.broker.Reload(), "cannot read it")
	r.broker.opts.Source = nil
	assert.Error(t, r.broker.Reload())
}

func TestServerCertificateChainLeavesOutTheRoot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.ca.identity(r.server)
	id.Chain = append(id.Chain, keystoreCertificate(r.ca.root))
	cert, err := certificate(&id)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{r.server.cert.Raw, r.ca.issuing.Raw}, cert.Certificate)
	_, err = x509.ParseCertificate(cert.Certificate[1])
	require.NoError(t, err)
}
