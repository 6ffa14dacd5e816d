package scripts_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/broker"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// serverStore is what an MQXR service is given: the server's key store.
func (p *place) serverStore() *keystore.Store {
	p.t.Helper()
	data, err := os.ReadFile(p.file("srvkeystore.jks"))
	require.NoError(p.t, err)
	store, err := jksfile.Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(p.env["password"])})
	require.NoError(p.t, err)
	return store
}

// serve runs the bundled broker as an MQXR service would: the two TLS channels without WebSockets, on free ports, with
// nothing but the server's key store.
func (p *place) serve() {
	p.t.Helper()
	store := p.serverStore()
	var anchors []*x509.Certificate
	for _, a := range store.Anchors {
		anchors = append(anchors, a.Certificate.X509)
	}
	model, err := channels.Preset("ibm-sample", "mqttserver.ibm.id.com")
	require.NoError(p.t, err)
	model.Listeners = model.Listeners[1:3]
	ports := p.ports()
	for i := range model.Listeners {
		model.Listeners[i].Bind, model.Listeners[i].Port = "127.0.0.1", ports[i]
	}
	b, err := broker.New(model, broker.Material{
		Identity: store.Identities[0], Trust: []broker.TrustMaterial{{Anchors: anchors}},
	}, broker.Options{Now: time.Now, Random: rand.Reader})
	require.NoError(p.t, err)
	require.NoError(p.t, b.Start(context.Background()))
	p.t.Cleanup(func() { assert.NoError(p.t, b.Close()) })
}

// serveMosquitto is serve for the self-signed path, where clients' certificates are trusted one by one: the bundled
// broker wants a CA.
func (p *place) serveMosquitto() {
	p.t.Helper()
	store := p.serverStore()
	dir := p.t.TempDir()
	ports := p.ports()
	block := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		require.NoError(p.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	key := block("key.pem", "PRIVATE KEY", store.Identities[0].Key.PKCS8)
	cert := block("cert.pem", "CERTIFICATE", store.Identities[0].Leaf().Raw)
	trust := block("trust.pem", "CERTIFICATE", store.Anchors[0].Certificate.Raw)
	conf := "user root\nper_listener_settings true\n"
	for i, port := range ports {
		conf += fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\ncertfile %s\nkeyfile %s\ncafile %s\nrequire_certificate %t\n",
			port, cert, key, trust, i == 1)
	}
	file := filepath.Join(dir, "mosquitto.conf")
	require.NoError(p.t, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command(interop.Need(p.t, "mosquitto"), "-c", file)
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for _, port := range ports {
		require.Eventually(p.t, func() bool {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		}, 20*time.Second, 50*time.Millisecond)
	}
}

// ports finds two free ones and tells the scripts: that of the channel without client certificates first.
func (p *place) ports() []int {
	p.t.Helper()
	ports := freePorts(p.t, 2)
	p.env["portsslopt"], p.env["portsslreq"] = strconv.Itoa(ports[0]), strconv.Itoa(ports[1])
	return ports
}

// freePorts asks the system for ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// clientPaths are the two ways to certificates.
var clientPaths = []struct {
	script, prefix string // of the script that makes them, and of the names of their clients
	serve          func(*place)
}{
	{"sscerts", "ss", (*place).serveMosquitto},
	{"cacerts", "ca", (*place).serve},
}

func TestJavaClients(t *testing.T) {
	for _, path := range clientPaths {
		t.Run(path.script, func(t *testing.T) {
			p := newPlace(t, nil)
			p.env["pahojar"] = interop.PahoJar(t)
			jdks := interop.JDKs(t)
			p.env["javapath"] = jdks[len(jdks)-1].Home
			p.run(path.script)
			path.serve(p)
			out := p.run(path.prefix+"javaclient", "-t", "a/b", "-m", "with blanks & more")
			assert.Equal(t, 2, strings.Count(out, "message on a/b: with blanks & more"), out)
			assert.NotContains(t, out, "warning")
		})
	}
}

// The Java sample checks whom it talks to unless it is told not to, and refuses what it does not trust in any case.
func TestJavaSampleChecksTheServer(t *testing.T) {
	p := newPlace(t, nil)
	p.env["pahojar"] = interop.PahoJar(t)
	jdks := interop.JDKs(t)
	p.env["javapath"] = jdks[0].Home
	p.env["algorithm"] = "EC"
	p.run("cacerts")
	p.serve()
	p.env["host"] = "127.0.0.1"
	out, err := p.try("cajavaclient")
	assert.Error(t, err)
	assert.Contains(t, out, "No subject alternative names matching IP address 127.0.0.1 found")
	p.run("cajavaclient", "-v", "false")

	p.run("sscerts") // the broker still has the CA's certificates
	out, err = p.try("ssjavaclient", "-v", "false")
	assert.Error(t, err)
	assert.Contains(t, out, "failed: ")
}

func TestCClients(t *testing.T) {
	for _, path := range clientPaths {
		t.Run(path.script, func(t *testing.T) {
			interop.Need(t, "paho_cs_pub")
			interop.Need(t, "paho_cs_sub")
			p := newPlace(t, nil)
			p.env["TMPDIR"] = t.TempDir()
			p.run(path.script)
			path.serve(p)
			out := p.run(path.prefix + "cclient")
			assert.Equal(t, 2, strings.Count(out, "and received: Hello from Paho C"), out)
			left, err := filepath.Glob(filepath.Join(p.env["TMPDIR"], "*"))
			require.NoError(t, err)
			assert.Empty(t, left, "the unencrypted key is still there")
		})
	}
}

// With the wrong host the C clients see a certificate that is not for it, and the script says that nothing came.
func TestCClientsCheckTheServer(t *testing.T) {
	interop.Need(t, "paho_cs_pub")
	p := newPlace(t, nil)
	p.env["algorithm"] = "EC"
	p.run("cacerts")
	p.serve()
	p.env["host"] = "127.0.0.1"
	out, err := p.try("cacclient")
	assert.Error(t, err)
	assert.Contains(t, out, "no message came back")
}
