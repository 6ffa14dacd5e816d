package mosquitto

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/targettest"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// model returns a valid deployment of these listeners on loopback.
func model(t *testing.T, rules []channels.Rule, listeners ...channels.Listener) *channels.Deployment {
	d := &channels.Deployment{
		Schema: channels.Schema, Server: "localhost", Trust: []channels.Trust{{CA: channels.Self, CRL: channels.Self}},
		Listeners: listeners, Users: channels.Users{File: "users.passwd"}, Access: rules,
	}
	d.FillDefaults()
	onLoopback(t, d)
	require.Empty(t, d.Validate().Errors())
	return d
}

var both = []channels.Action{channels.Publish, channels.Subscribe}

// TestWebSocketsAlone starts a model that has nothing but WebSockets, which mosquitto 2.0 by itself refuses.
func TestWebSocketsAlone(t *testing.T) {
	tr := run(t, model(t, nil, channels.Listener{Name: "ws", Port: 1, Transport: channels.WS}))
	assert.Equal(t, 0, tr.connect("ws", who{user: "alice", password: targettest.Password}))
	if runtime.GOOS == "linux" {
		_, port, _ := net.SplitHostPort(tr.m.Listeners[0].Address())
		_, err := net.Dial("tcp", "127.0.0.2:"+port)
		require.Error(t, err, "the address that was bound is the only one")
	}
}

// TestEmptyFiles has no rule and no user: an access list and a password file that hold a comment alone let nobody do
// anything.
func TestEmptyFiles(t *testing.T) {
	d := model(t, nil, channels.Listener{Name: "tls", Port: 1, Transport: channels.TLS},
		channels.Listener{Name: "password", Port: 2, Transport: channels.TCP},
		channels.Listener{Name: "open", Port: 3, Transport: channels.TLS, ClientCertificate: channels.CertificateNone, Identity: channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDAny}})
	tr := prepare(t, d)
	mat := tr.pki.Material(d)
	mat.Users = []byte("# nobody yet\n")
	tr.emitAndStart(mat)
	require.Error(t, tr.publish("tls", "x", tr.pemFiles(tr.pki.Client("dev1"))...))
	require.Error(t, tr.publish("open", "x"))
	assert.Equal(t, 5, tr.connect("password", who{user: "alice", password: targettest.Password}))
	assert.Equal(t, 5, tr.connect("password", who{}))
}

// TestAddresses binds IPv6, and every address of both kinds.
func TestAddresses(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 on this machine")
	}
	probe.Close()
	identity := channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDAny}
	d := model(t, nil,
		channels.Listener{Name: "every", Port: 1, Transport: channels.TCP, Identity: identity},
		channels.Listener{Name: "every-ws", Port: 2, Transport: channels.WS, Identity: identity},
		channels.Listener{Name: "six", Port: 3, Transport: channels.TCP, Identity: identity},
		channels.Listener{Name: "six-ws", Port: 4, Transport: channels.WS, Identity: identity},
	)
	for i, bind := range []string{"::", "::", "::1", "::1"} {
		d.Listeners[i].Bind = bind
	}
	tr := run(t, d)
	for _, tc := range []struct {
		listener, address string
		open              bool
	}{
		{"every", "127.0.0.1", true}, {"every", "::1", true}, {"every-ws", "127.0.0.1", true}, {"every-ws", "::1", true},
		{"six", "127.0.0.1", false}, {"six", "::1", true}, {"six-ws", "127.0.0.1", false}, {"six-ws", "::1", true},
	} {
		c, err := net.Dial("tcp", net.JoinHostPort(tc.address, fmt.Sprint(tr.m.Listener(tc.listener).Port)))
		assert.Equal(t, tc.open, err == nil, "%s at %s", tc.listener, tc.address)
		if err == nil {
			c.Close()
		}
	}
	for _, l := range tr.m.Listeners {
		assert.Equal(t, 0, tr.connect(l.Name, who{}), l.Name)
	}
}

// TestLowestTLSVersion tells where tls_version holds.
func TestLowestTLSVersion(t *testing.T) {
	tr := run(t, model(t, nil,
		channels.Listener{Name: "tls13", Port: 1, Transport: channels.TLS, TLS: channels.TLSOptions{Min: "1.3"}},
		channels.Listener{Name: "wss13", Port: 2, Transport: channels.WSS, TLS: channels.TLSOptions{Min: "1.3"}},
		channels.Listener{Name: "old", Port: 3, Transport: channels.TLS, TLS: channels.TLSOptions{Ciphers: channels.CiphersCompatible}},
	), targets.Loss{Listener: "wss13", Property: targets.TLSMin})
	dev1 := tr.pki.Client("dev1")
	assert.Equal(t, 0, tr.connect("tls13", who{cert: dev1}))
	assert.Equal(t, -1, tr.connect("tls13", who{cert: dev1, maxTLS: tls.VersionTLS12}))
	assert.Equal(t, 0, tr.connect("wss13", who{cert: dev1, maxTLS: tls.VersionTLS12}), "the loss that had to be accepted is still there; if it is gone, limits.go is wrong")
	assert.Equal(t, 0, tr.connect("old", who{cert: dev1, maxTLS: tls.VersionTLS12}))
	assert.Equal(t, -1, tr.connect("old", who{cert: dev1, maxTLS: tls.VersionTLS11}))
}

// TestNobodyNamesHimself lets clients of listeners without names claim one that has rights elsewhere.
func TestNobodyNamesHimself(t *testing.T) {
	identity := channels.Identity{User: channels.UserFixed, FixedUser: "guest", ClientID: channels.ClientIDAny}
	tr := run(t, model(t, []channels.Rule{
		{Who: "*", Allow: both, Topics: []string{"devices/{user}/#", "public/#"}},
		{Who: "guest", Allow: both, Topics: []string{"lobby/{user}"}},
		{Who: "admin", Allow: both, Topics: []string{"#"}},
	},
		channels.Listener{Name: "open", Port: 1, Transport: channels.TLS, ClientCertificate: channels.CertificateNone, Identity: identity},
		channels.Listener{Name: "none", Port: 2, Transport: channels.TLS, ClientCertificate: channels.CertificateNone,
			Identity: channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDAny}},
		channels.Listener{Name: "named", Port: 3, Transport: channels.TLS},
	))
	for _, claim := range [][]string{nil, {"-u", "admin", "-P", "x"}, {"-u", "dev1"}} {
		require.NoError(t, tr.publish("open", "public/x", claim...), "%v", claim)
		require.NoError(t, tr.publish("open", "lobby/guest", claim...), "%v", claim)
		require.NoError(t, tr.publish("open", "devices/guest/x", claim...), "%v", claim)
		require.Error(t, tr.publish("open", "secret", claim...), "%v", claim)
		require.Error(t, tr.publish("open", "devices/dev1/x", claim...), "%v", claim)
		require.NoError(t, tr.publish("none", "public/x", claim...), "%v", claim)
		require.Error(t, tr.publish("none", "lobby/guest", claim...), "%v", claim)
		require.Error(t, tr.publish("none", "devices/dev1/x", claim...), "%v", claim)
	}
	admin := tr.pemFiles(tr.pki.Client("admin"))
	require.NoError(t, tr.publish("named", "secret", admin...))
	require.NoError(t, tr.publish("named", "secret", append(admin, "-u", "dev1")...), "the certificate counts, not what is claimed")
	require.Error(t, tr.publish("named", "$SYS/x", admin...))
}

// TestSubjectAndEqualIDs tries the other identity, and the client id that must be the user's name.
func TestSubjectAndEqualIDs(t *testing.T) {
	tr := run(t, model(t, []channels.Rule{{Who: "*", Allow: both, Topics: []string{"d/{user}"}}},
		channels.Listener{Name: "subject", Port: 1, Transport: channels.TLS, Identity: channels.Identity{User: channels.UserSubject}},
		channels.Listener{Name: "equal", Port: 2, Transport: channels.TLS, Identity: channels.Identity{ClientID: channels.ClientIDEqual}, Limits: channels.Limits{Connections: 2}},
	))
	dev1 := tr.pki.Client("dev1")
	subject, err := channels.UserOf(channels.UserSubject, dev1.Cert)
	require.NoError(t, err)
	require.NoError(t, tr.publish("subject", "d/"+subject, tr.pemFiles(dev1)...))
	require.Error(t, tr.publish("subject", "d/dev1", tr.pemFiles(dev1)...))
	require.NoError(t, tr.publish("equal", "d/dev1", append(tr.pemFiles(dev1), "-i", "other")...))
	require.Eventually(t, func() bool { return strings.Contains(tr.log.String(), "as dev1 (") }, 10*time.Second, 20*time.Millisecond)
	assert.NotContains(t, tr.log.String(), "as other (")
}

// TestPasswordBesideCertificate wants both: the certificate lets in, the password names the user.
func TestPasswordBesideCertificate(t *testing.T) {
	tr := run(t, model(t, []channels.Rule{{Who: "*", Allow: both, Topics: []string{"d/{user}"}}},
		channels.Listener{Name: "both", Port: 1, Transport: channels.TLS, Identity: channels.Identity{User: channels.UserPassword}},
		channels.Listener{Name: "both-ws", Port: 2, Transport: channels.WSS, Identity: channels.Identity{User: channels.UserPassword}}))
	alice, cert := []string{"-u", "alice", "-P", targettest.Password}, tr.pki.Client("dev1")
	require.NoError(t, tr.publish("both", "d/alice", append(tr.pemFiles(cert), alice...)...))
	require.Error(t, tr.publish("both", "d/dev1", append(tr.pemFiles(cert), alice...)...), "the certificate names nobody here")
	require.Error(t, tr.publish("both", "d/alice", alice...), "no certificate")
	require.Error(t, tr.publish("both", "d/dev1", tr.pemFiles(cert)...), "no password")
	for _, name := range []string{"both", "both-ws"} {
		assert.Equal(t, 0, tr.connect(name, who{cert: cert, user: "alice", password: targettest.Password}), name)
		assert.Equal(t, -1, tr.connect(name, who{user: "alice", password: targettest.Password}), name)
		assert.Equal(t, 5, tr.connect(name, who{cert: cert}), name)
	}
}

// TestLimits fills a listener, and sends a packet that is too large.
func TestLimits(t *testing.T) {
	tr := run(t, model(t, nil, channels.Listener{Name: "one", Port: 1, Transport: channels.TCP, Limits: channels.Limits{Connections: 1, PacketBytes: 1024}}))
	alice := who{user: "alice", password: targettest.Password}
	// A client that hangs up before CONNECT, as the harness does, lets one more in with 2.0.11.
	var c io.ReadWriteCloser
	refused := false
	for i := range 4 {
		alice.id = fmt.Sprint("client", i)
		if got, code := tr.session("one", alice); code == 0 {
			c = got
		} else {
			refused = true
		}
	}
	require.True(t, refused, "four clients where one is allowed")
	topic := mqttString("devices/alice/x")
	packet := append(append([]byte{0x30, 0x80, 0x10}, topic...), make([]byte, 2048-len(topic))...)
	_, err := c.Write(packet)
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err, "the broker hangs up")
	require.Eventually(t, func() bool { return strings.Contains(tr.log.String(), "oversize packet") }, 10*time.Second, 20*time.Millisecond)
}

// TestInstalled runs the printed install lines and starts mosquitto as root, so that it drops to its own user and has
// to read every file as that user.
func TestInstalled(t *testing.T) {
	program := interop.Need(t, "mosquitto")
	if os.Getuid() != 0 {
		t.Skip("only root may give files to the user mosquitto")
	}
	if _, err := user.Lookup("mosquitto"); err != nil {
		interop.Missing(t, "the user mosquitto")
	}
	etc, err := os.MkdirTemp("/var/tmp", "mqttpki-test")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(etc) })
	require.NoError(t, os.Chmod(etc, 0o755))
	d, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	onLoopback(t, d)
	d.Targets = map[string]channels.TargetNode{"mosquitto": {Raw: []byte("config_dir: " + etc + "\naccept_loss: [\"SSLREQWS:crl\"]\n")}}
	tr := &trial{t: t, pki: targettest.New(t), m: targets.Model{Deployment: d}, log: &lockedBuffer{}}
	files, problems, err := targets.Emit(Target{}, tr.m, tr.pki.Material(d))
	require.NoError(t, err, "%v", problems)
	here := t.TempDir()
	for _, f := range files {
		path := filepath.Join(here, f.Path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, f.Data, f.Mode))
	}
	shell := exec.Command("sh", "-ec", strings.Join(targets.InstallLines(files), "\n"))
	shell.Dir = here
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s", out)
	tr.start(program, filepath.Join(etc, confPath))
	require.NoError(t, tr.publish("SSLREQ", "devices/dev1/t", tr.pemFiles(tr.pki.Client("dev1"))...))
	assert.Equal(t, 0, tr.connect("SSLOPTWS", who{user: "alice", password: targettest.Password}))
	info, err := os.Stat(filepath.Join(etc, keyPath))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	assert.NotContains(t, tr.log.String(), "Warning", "mosquitto finds nothing to complain of: %s", fmt.Sprint(tr.log))
}
