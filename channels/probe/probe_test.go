package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
)

// pki is a CA of a test's own.
type pki struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &pki{cert, key}
}

// leaf makes a certificate for a name, and for this machine when it is a server's.
func (p *pki) leaf(t *testing.T, name string, kind Kind) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	switch kind {
	case KindExpired:
		template.NotAfter = time.Now().Add(-time.Minute)
	case KindNotYetValid:
		template.NotBefore = time.Now().Add(30 * time.Minute)
	case KindServerRole:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, p.cert, key.Public(), p.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// material is everything the probe can be given.
func (p *pki) material(t *testing.T) Material {
	revoked := p.leaf(t, "revoked", KindClient)
	roots := x509.NewCertPool()
	roots.AddCert(p.cert)
	return Material{
		Roots: roots, Anchor: p.cert, Revoked: &revoked,
		Mint: func(_ context.Context, kind Kind, name string) (tls.Certificate, error) {
			return p.leaf(t, name, kind), nil
		},
	}
}

// startOpen starts a broker that lets everybody do everything, and returns its port.
func startOpen(t *testing.T, config *tls.Config) int {
	t.Helper()
	return startWith(t, config, new(auth.AllowHook))
}

// startWith starts a broker that goes by some hooks; without any it refuses every login.
func startWith(t *testing.T, config *tls.Config, hooks ...mochi.Hook) int {
	t.Helper()
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	for _, h := range hooks {
		require.NoError(t, server.AddHook(h, nil))
	}
	l := listeners.NewTCP(listeners.Config{ID: "open", Address: "127.0.0.1:0", TLSConfig: config})
	require.NoError(t, server.AddListener(l))
	require.NoError(t, server.Serve())
	t.Cleanup(func() { _ = server.Close() })
	_, port, err := net.SplitHostPort(l.Address())
	require.NoError(t, err)
	number, err := net.LookupPort("tcp", port)
	require.NoError(t, err)
	return number
}

// deployment is one listener that asks for everything.
func deployment(l channels.Listener) *channels.Deployment {
	return &channels.Deployment{
		Schema: channels.Schema, Server: "localhost", Revocation: channels.Revocation{CRL: true},
		Trust:     []channels.Trust{{CA: "self", CRL: "self"}},
		Listeners: []channels.Listener{l},
		Access: []channels.Rule{{Who: "*", Allow: []channels.Action{channels.Publish, channels.Subscribe},
			Topics: []string{"devices/{user}/#"}}},
	}
}

func run(t *testing.T, d *channels.Deployment, m Material) map[string]Result {
	t.Helper()
	results, err := Run(t.Context(), d, m, Options{Now: time.Now, Random: rand.Reader, Timeout: 5 * time.Second})
	require.NoError(t, err)
	require.Len(t, results, len(d.Listeners))
	byCase := map[string]Result{}
	for _, r := range results[0].Results {
		byCase[r.Case] = r
	}
	return byCase
}

// A probe that cannot fail proves nothing: a broker that checks nothing must fail every case it is there to catch.
func TestAnOpenBrokerFailsEveryCase(t *testing.T) {
	ca := newPKI(t)
	port := startOpen(t, &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "localhost", KindServerRole)},
		ClientAuth:   tls.RequestClientCert, // asked for, never verified
		MinVersion:   tls.VersionTLS10,
	})
	got := run(t, deployment(channels.Listener{
		Name: "OPEN", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
		Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned}, TLS: channels.TLSOptions{Min: "1.3"},
	}), ca.material(t))
	caught := []string{
		"no certificate", "a stranger's certificate", "expired certificate", "certificate not yet valid",
		"server's certificate", "revoked certificate", "TLS 1.1", "TLS 1.2",
		"another's topic: publish", "another's topic: subscribe", "another's topic: will", "another's client id",
	}
	for name, r := range got {
		assert.Empty(t, r.LeftOut, name)
		assert.Equal(t, !slices.Contains(caught, name), r.OK, "%s: %s (%s)", name, r.Got, r.Cause)
	}
	for _, name := range caught {
		assert.Contains(t, got, name)
	}
	assert.Regexp(t, `^connected, message back on devices/mqttpki-probe-\w{8}-0a/`, got["right client, MQTT 5"].Got)
}

// Nothing is denied to a client by keeping everybody out.
func TestABrokerThatRefusesEveryLoginProvesNothing(t *testing.T) {
	ca := newPKI(t)
	port := startWith(t, &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "localhost", KindServerRole)},
		ClientAuth:   tls.RequestClientCert,
		MinVersion:   tls.VersionTLS12,
	})
	got := run(t, deployment(channels.Listener{
		Name: "CLOSED", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
		Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned},
	}), ca.material(t))
	proved := []string{"plain MQTT to the TLS port", "TLS 1.1", "client meets a wrong server name", "key of another certificate"}
	for name, r := range got {
		assert.Equal(t, slices.Contains(proved, name), r.OK, "%s: %s (%s)", name, r.Got, r.Cause)
	}
}

// A port without TLS answers plain MQTT, whatever it answers.
func TestAPlainPortIsNoTLSPort(t *testing.T) {
	ca := newPKI(t)
	port := startWith(t, nil) // which refuses every login
	got := run(t, deployment(channels.Listener{
		Name: "PLAIN", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
		Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned},
	}), ca.material(t))
	r := got["plain MQTT to the TLS port"]
	assert.False(t, r.OK, r.Got)
	assert.Contains(t, r.Got, "plain MQTT is answered")
}

// Where a certificate is optional the right client shows none, and a wrong one is to be refused all the same.
func TestWrongCertificatesWhereTheyAreOptional(t *testing.T) {
	ca := newPKI(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	port := startOpen(t, &tls.Config{
		Certificates: []tls.Certificate{ca.leaf(t, "localhost", KindServerRole)},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	})
	d := deployment(channels.Listener{
		Name: "OPTIONAL", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateOptional,
		Identity: channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDOwned},
	})
	d.Revocation.CRL = false
	got := run(t, d, ca.material(t))
	for _, name := range []string{"a stranger's certificate", "expired certificate", "certificate not yet valid", "server's certificate", "key of another certificate"} {
		r := got[name]
		assert.Empty(t, r.LeftOut, name)
		assert.True(t, r.OK, "%s: %s", name, r.Got)
	}
}

// renaming is a broker that lets everybody in, under an id that is the user's own where own is set.
type renaming struct {
	auth.AllowHook
	own bool
}

func (h *renaming) Provides(b byte) bool { return b == mochi.OnConnect || h.AllowHook.Provides(b) }

func (h *renaming) OnConnect(cl *mochi.Client, _ packets.Packet) error {
	if conn, ok := cl.Net.Conn.(*tls.Conn); ok && h.own {
		cl.ID = conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	return nil
}

// Where the id is to be the user's name a broker may put that in the place of another, which takes nothing from anybody.
func TestAnIDThatIsReplacedTakesNothing(t *testing.T) {
	for _, own := range []bool{true, false} {
		ca := newPKI(t)
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		port := startWith(t, &tls.Config{
			Certificates: []tls.Certificate{ca.leaf(t, "localhost", KindServerRole)},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
		}, &renaming{own: own})
		got := run(t, deployment(channels.Listener{
			Name: "L", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
			Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDEqual},
		}), ca.material(t))
		r := got["another's client id"]
		assert.Equal(t, own, r.OK, "%s (%s)", r.Got, r.Cause)
	}
}

// Without the CA's password the cases that need a new certificate are left out and say why; the others run.
func TestWithoutMintingWhatIsLeftOutIsSaid(t *testing.T) {
	ca := newPKI(t)
	port := startOpen(t, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, "localhost", KindServerRole)}, MinVersion: tls.VersionTLS12})
	m := ca.material(t)
	m.Mint, m.NoMint = nil, "the CA's password was not given"
	got := run(t, deployment(channels.Listener{
		Name: "L", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
		Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned},
	}), m)
	for _, name := range []string{"right client, MQTT 5", "expired certificate", "another's topic: will", "another's client id"} {
		assert.Contains(t, got[name].LeftOut, "the CA's password was not given", name)
	}
	assert.Empty(t, got["plain MQTT to the TLS port"].LeftOut)
	assert.True(t, got["plain MQTT to the TLS port"].OK)
	assert.True(t, got["client meets a wrong server name"].OK)
	assert.Equal(t, CauseServerName, got["client meets a wrong server name"].Cause)
}

// A port where nobody listens is a failure, not a refusal that was hoped for.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	ca := newPKI(t)
	got := run(t, deployment(channels.Listener{
		Name: "L", Bind: "127.0.0.1", Port: port, Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
		Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned},
	}), ca.material(t))
	require.Len(t, got, 1)
	assert.False(t, got["somebody listens"].OK)
	assert.Equal(t, CauseUnreachable, got["somebody listens"].Cause)
}

func TestCauseOfTellsAlertsApart(t *testing.T) {
	for alert, want := range alertCauses {
		assert.Equal(t, want, causeOf(&net.OpError{Op: "remote error", Err: alert}), alert.Error())
	}
	assert.Equal(t, CauseLogin, causeOf(&errRefused{"CONNACK", 5, ""}))
	assert.Equal(t, CauseDenied, causeOf(&errRefused{"SUBACK", 0x87, ""}))
	assert.Equal(t, CauseTimeout, causeOf(context.DeadlineExceeded))
	assert.Equal(t, CauseOther, causeOf(assert.AnError))
}
