package mosquitto

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/targettest"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// trial is mosquitto running what was emitted for a model.
type trial struct {
	t   *testing.T
	pki *targettest.PKI
	m   targets.Model
	log *lockedBuffer
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// onLoopback moves a model to free ports of the loopback interface.
func onLoopback(t *testing.T, d *channels.Deployment) *channels.Deployment {
	for i := range d.Listeners {
		d.Listeners[i].Bind, d.Listeners[i].Port = "127.0.0.1", freePort(t)
	}
	return d
}

// run emits a model and starts mosquitto on it.
func run(t *testing.T, d *channels.Deployment, accept ...targets.Loss) *trial {
	t.Helper()
	tr := prepare(t, d, accept...)
	tr.emitAndStart(tr.pki.Material(d))
	return tr
}

// prepare sets a trial up in a folder of its own.
func prepare(t *testing.T, d *channels.Deployment, accept ...targets.Loss) *trial {
	t.Helper()
	interop.Need(t, "mosquitto")
	me, err := user.Current()
	require.NoError(t, err)
	d.Targets = map[string]channels.TargetNode{"mosquitto": {Raw: []byte(fmt.Sprintf("config_dir: %s\nrun_as: %s\n", t.TempDir(), me.Username))}}
	return &trial{t: t, pki: targettest.New(t), m: targets.Model{Deployment: d, Accept: accept}, log: &lockedBuffer{}}
}

// emitAndStart writes each file where it belongs and starts mosquitto.
func (tr *trial) emitAndStart(mat targets.Material) {
	files, problems, err := targets.Emit(Target{}, tr.m, mat)
	require.NoError(tr.t, err, "%v", problems)
	conf := ""
	for _, f := range files {
		if f.Dest != "" {
			require.NoError(tr.t, os.MkdirAll(filepath.Dir(f.Dest), 0o755))
			require.NoError(tr.t, os.WriteFile(f.Dest, f.Data, f.DestMode))
		}
		if f.Path == confPath {
			conf = f.Dest
		}
	}
	tr.start(interop.Need(tr.t, "mosquitto"), conf)
}

// start runs mosquitto until the test ends and waits until it listens.
func (tr *trial) start(program, conf string) {
	cmd := exec.Command(program, "-v", "-c", conf)
	cmd.Stdout, cmd.Stderr = tr.log, tr.log
	require.NoError(tr.t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tr.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
		}
		if tr.t.Failed() {
			tr.t.Logf("mosquitto said:\n%s", tr.log)
		}
	})
	for _, l := range tr.m.Listeners {
		require.Eventually(tr.t, func() bool {
			c, err := net.DialTimeout("tcp", l.Address(), time.Second)
			if err == nil {
				c.Close()
			}
			return err == nil
		}, 10*time.Second, 20*time.Millisecond, "listener %s", l.Name)
	}
}

// who is a client.
type who struct {
	cert           *targettest.Entity
	chain          []*targettest.Entity
	id             string // "" is "probe"
	user, password string
	maxTLS         uint16
}

// connect sends CONNECT to a listener and returns CONNACK's code, or -1 when the connection was refused before.
func (tr *trial) connect(name string, w who) int {
	c, code := tr.session(name, w)
	if c != nil {
		c.Close()
	}
	return code
}

// session is connect that leaves the connection open.
func (tr *trial) session(name string, w who) (io.ReadWriteCloser, int) {
	l := tr.m.Listener(name)
	c, err := tr.dial(l, w)
	if err != nil {
		tr.t.Logf("%s: %v", name, err)
		return nil, -1
	}
	flags, payload := byte(2), mqttString(cmp.Or(w.id, "probe"))
	if w.user != "" {
		flags |= 0x80
		payload = append(payload, mqttString(w.user)...)
	}
	if w.password != "" {
		flags |= 0x40
		payload = append(payload, mqttString(w.password)...)
	}
	packet := append(mqttString("MQTT"), 4, flags, 0, 60)
	packet = append(packet, payload...)
	if _, err := c.Write(append([]byte{0x10, byte(len(packet))}, packet...)); err != nil {
		return nil, -1
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 0x20 {
		tr.t.Logf("%s: %v %x", name, err, answer)
		c.Close()
		return nil, -1
	}
	return c, int(answer[3])
}

// mqttString is a UTF-8 string as MQTT encodes it.
func mqttString(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

// dial opens the transport of a listener.
func (tr *trial) dial(l *channels.Listener, w who) (io.ReadWriteCloser, error) {
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost", MaxVersion: w.maxTLS}
	config.RootCAs.AddCert(tr.pki.Root.Cert)
	if w.cert != nil {
		pair := tls.Certificate{Certificate: [][]byte{w.cert.Cert.Raw}, PrivateKey: w.cert.Key}
		for _, c := range w.chain {
			pair.Certificate = append(pair.Certificate, c.Cert.Raw)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if l.Transport.WebSocket() {
		dialer := websocket.Dialer{TLSClientConfig: config, Subprotocols: []string{"mqtt"}, HandshakeTimeout: 5 * time.Second}
		scheme := map[bool]string{true: "wss", false: "ws"}[l.Transport.Encrypted()]
		c, _, err := dialer.Dial(fmt.Sprintf("%s://%s%s", scheme, l.Address(), l.Path), nil)
		if err != nil {
			return nil, err
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		return &webConn{c: c}, nil
	}
	c, err := net.DialTimeout("tcp", l.Address(), 5*time.Second)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if !l.Transport.Encrypted() {
		return c, nil
	}
	secure := tls.Client(c, config)
	return secure, secure.Handshake()
}

// webConn is MQTT in WebSocket messages.
type webConn struct {
	c    *websocket.Conn
	rest []byte
}

func (w *webConn) Write(p []byte) (int, error) {
	return len(p), w.c.WriteMessage(websocket.BinaryMessage, p)
}

func (w *webConn) Read(p []byte) (int, error) {
	for len(w.rest) == 0 {
		_, data, err := w.c.ReadMessage()
		if err != nil {
			return 0, err
		}
		w.rest = data
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *webConn) Close() error { return w.c.Close() }

// pemFiles writes a client's key and certificate for mosquitto_pub.
func (tr *trial) pemFiles(e *targettest.Entity) []string {
	dir := tr.t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(tr.t, os.WriteFile(path, data, 0o600))
		return path
	}
	return []string{
		"--cert", write("c.crt", pemfile.EncodeCertificates(e.Certificate(), tr.pki.Issuing.Certificate())),
		"--key", write("c.key", targets.KeyPEM(e.PrivateKey(tr.t))),
	}
}

// publish runs mosquitto_pub on a tls listener.
func (tr *trial) publish(listener, topic string, args ...string) error {
	l := tr.m.Listener(listener)
	ca := filepath.Join(tr.t.TempDir(), "ca.crt")
	require.NoError(tr.t, os.WriteFile(ca, pemfile.EncodeCertificates(tr.pki.Root.Certificate()), 0o600))
	args = append([]string{"-h", "localhost", "-p", fmt.Sprint(l.Port), "--cafile", ca, "-t", topic, "-m", "hello", "-q", "1", "-V", "5"}, args...)
	out, err := interop.Try(tr.t, ".", interop.Need(tr.t, "mosquitto_pub"), args...)
	if err == nil && strings.Contains(out, "failed") {
		err = errors.New("refused")
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(out))
	}
	return err
}

// TestPresetOnMosquitto starts the emitted mtls preset: the right clients get in on every listener, others do not.
func TestPresetOnMosquitto(t *testing.T) {
	d, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	tr := run(t, onLoopback(t, d), targets.Loss{Listener: "SSLREQWS", Property: targets.CRL})
	dev1, stranger := tr.pki.Client("dev1"), targettest.New(t)
	issuing := []*targettest.Entity{tr.pki.Issuing}

	require.NoError(t, tr.publish("SSLREQ", "devices/dev1/t", tr.pemFiles(dev1)...))
	require.Error(t, tr.publish("SSLREQ", "devices/dev2/t", tr.pemFiles(dev1)...), "another's topic")
	require.Error(t, tr.publish("SSLREQ", "devices/dev1/t"), "no certificate")
	require.Error(t, tr.publish("SSLREQ", "devices/dev1/t", tr.pemFiles(stranger.Client("dev1"))...), "a stranger")
	require.Error(t, tr.publish("SSLREQ", "devices/revoked/t", tr.pemFiles(tr.pki.Revoked)...), "a revoked certificate")
	require.NoError(t, tr.publish("SSLOPT", "devices/alice/t", "-u", "alice", "-P", targettest.Password))
	require.Error(t, tr.publish("SSLOPT", "devices/alice/t", "-u", "alice", "-P", "wrong"))
	require.Error(t, tr.publish("SSLOPT", "devices/bob/t", "-u", "alice", "-P", targettest.Password), "another's topic")

	for _, name := range []string{"SSLREQ", "SSLREQWS"} {
		assert.Equal(t, 0, tr.connect(name, who{cert: dev1, chain: issuing}), name)
		assert.Equal(t, 0, tr.connect(name, who{cert: dev1}), "%s: a leaf alone is enough", name)
		assert.Equal(t, -1, tr.connect(name, who{}), "%s: no certificate", name)
		assert.Equal(t, -1, tr.connect(name, who{cert: stranger.Client("dev1"), chain: []*targettest.Entity{stranger.Issuing}}), "%s: a stranger", name)
		assert.Equal(t, -1, tr.connect(name, who{cert: dev1, maxTLS: tls.VersionTLS11}), "%s: TLS 1.1", name)
		assert.Equal(t, 0, tr.connect(name, who{cert: dev1, maxTLS: tls.VersionTLS12}), "%s: TLS 1.2", name)
	}
	assert.Equal(t, -1, tr.connect("SSLREQ", who{cert: tr.pki.Revoked}))
	assert.Equal(t, 0, tr.connect("SSLREQWS", who{cert: tr.pki.Revoked}), "the loss that had to be accepted is still there; if it is gone, limits.go is wrong")
	for _, name := range []string{"PlainText", "SSLOPT", "PLAINWS", "SSLOPTWS"} {
		assert.Equal(t, 0, tr.connect(name, who{user: "alice", password: targettest.Password}), name)
		assert.Equal(t, 5, tr.connect(name, who{user: "alice", password: "wrong"}), name)
		assert.Equal(t, 5, tr.connect(name, who{user: "mallory", password: "x"}), name)
		assert.Equal(t, 5, tr.connect(name, who{}), "%s: nobody", name)
	}
	require.Eventually(t, func() bool { return strings.Contains(tr.log.String(), "u'dev1'") }, 10*time.Second, 20*time.Millisecond)
}
