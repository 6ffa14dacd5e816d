package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sharedBuffer is written by a command in one goroutine and read by the test in another.
type sharedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// brokerFolder is a PKI with a model whose ports are free.
func brokerFolder(t *testing.T) (d *deps, dir string, ports map[string]int) {
	t.Helper()
	var out, errs bytes.Buffer
	d = testDeps(&out, &errs)
	dir = filepath.Join(t.TempDir(), "demo")
	require.Equal(t, exitDone, run(t.Context(), d, []string{"quickstart", "--dir", dir}), "%s\n%s", out.String(), errs.String())
	d.pki = filepath.Join(dir, quickPKI)
	x, err := d.loadDeployment("")
	require.NoError(t, err)
	_, err = (&quickstartOptions{deps: d, Dir: dir}).freePorts(x.model)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(x.path, x.model.YAML(), 0o644))
	ports = map[string]int{}
	for _, l := range x.model.Listeners {
		ports[l.Name] = l.Port
	}
	return d, dir, ports
}

// runningBroker is `broker run` in this process.
type runningBroker struct {
	t    *testing.T
	log  *sharedBuffer
	stop context.CancelFunc
	code chan int
}

func runBrokerCommand(t *testing.T, pki string, flags ...string) *runningBroker {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	b := &runningBroker{t: t, log: &sharedBuffer{}, stop: stop, code: make(chan int, 1)}
	d := testDeps(&bytes.Buffer{}, nil)
	d.err = b.log
	go func() { b.code <- run(ctx, d, append([]string{"broker", "run", "--pki", pki}, flags...)) }()
	t.Cleanup(stop)
	return b
}

func (b *runningBroker) logged(text string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return bytes.Contains([]byte(b.log.String()), []byte(text)) }, 20*time.Second, 5*time.Millisecond,
		"%q in the log:\n%s", text, b.log)
}

func (b *runningBroker) ended() int {
	b.t.Helper()
	select {
	case code := <-b.code:
		return code
	case <-time.After(20 * time.Second):
		b.t.Fatal("broker run does not end")
		return -1
	}
}

// servedBy returns the serial number of the certificate that a port shows.
func servedBy(t *testing.T, dir string, port int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, quickPKI, "ca", "root.crt"))
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	root, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	conn, err := tls.Dial("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	require.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestBrokerRun(t *testing.T) {
	d, dir, ports := brokerFolder(t)
	caPass := "file:" + filepath.Join(dir, quickCAPass)
	command := func(words ...string) int {
		t.Helper()
		var out, errs bytes.Buffer
		code := run(t.Context(), testDeps(&out, &errs), append(words, "--pki", d.pki))
		t.Logf("%v: %d\n%s", words, code, errs.String())
		return code
	}
	b := runBrokerCommand(t, d.pki)
	b.logged("state restored")
	b.logged("listening listener=SSLREQWS")
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(loopback, strconv.Itoa(ports["SSLREQWS"])))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	assert.Equal(t, exitDone, command("verify", "--ca-pass", caPass, "--listener", "SSLREQ"))

	second := runBrokerCommand(t, d.pki)
	assert.Equal(t, exitFailed, second.ended(), "the ports are taken")
	second.logged("address already in use")
	second.logged(":" + strconv.Itoa(ports["PlainText"]))

	before := servedBy(t, dir, ports["SSLOPT"])
	x, err := d.loadDeployment("")
	require.NoError(t, err)
	require.Equal(t, exitDone, command("renew", x.model.Server, "--ca-pass", caPass))
	require.Eventually(t, func() bool { return servedBy(t, dir, ports["SSLOPT"]) != before }, 20*time.Second, 20*time.Millisecond,
		"the new certificate, without anybody asking for it:\n%s", b.log)
	after := servedBy(t, dir, ports["SSLOPT"])

	if runtime.GOOS != "windows" {
		model := filepath.Join(d.pki, "channels.yaml")
		text, err := os.ReadFile(model)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(model, append(text, "colour: red\n"...), 0o644))
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		require.NoError(t, self.Signal(syscall.SIGHUP))
		b.logged("reload refused; everything stays as it was")
		b.logged("colour")
		assert.Equal(t, after, servedBy(t, dir, ports["SSLOPT"]))
		require.NoError(t, os.WriteFile(model, text, 0o644))
	}

	b.stop()
	assert.Equal(t, exitDone, b.ended())
	b.logged("msg=stopped")
	assert.FileExists(t, filepath.Join(d.pki, filepath.FromSlash(statePath), "broker.db"))
}

func TestBrokerRunSaysWhatIsMissing(t *testing.T) {
	empty := runBrokerCommand(t, t.TempDir())
	assert.Equal(t, exitNotFound, empty.ended())
	empty.logged("hint: mqttpki channels init")
	wrong := runBrokerCommand(t, t.TempDir(), "--state", "x", "--no-state")
	assert.NotEqual(t, exitDone, wrong.ended())
}
