package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels/broker"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// testDeps is the world of a test: no terminal, no variables, the real clock.
func testDeps(out, errs *bytes.Buffer) *deps {
	return &deps{
		in: strings.NewReader(""), out: out, err: errs, now: time.Now, random: rand.Reader, pki: "pki",
		env:       func(string) (string, bool) { return "", false },
		stdinLine: &lineReader{r: strings.NewReader("")},
	}
}

// demo is a quickstart's folder with the bundled broker running on it.
type demo struct {
	client string         // folder of sensor-1
	ports  map[string]int // of the listeners
}

const demoClient = "sensor-1"

// startDemo makes one for all the clients of a test. Pages of the origins may open WebSockets.
func startDemo(t *testing.T, origins ...string) demo {
	t.Helper()
	var out, errs bytes.Buffer
	d := testDeps(&out, &errs)
	dir := filepath.Join(t.TempDir(), "demo")
	require.Equal(t, exitDone, run(t.Context(), d, []string{"quickstart", "--dir", dir}), "%s\n%s", out.String(), errs.String())

	d.pki = filepath.Join(dir, quickPKI)
	x, err := d.loadDeployment("")
	require.NoError(t, err)
	// Nothing holds the ports since the quickstart ended; another program may have taken one.
	o := &quickstartOptions{deps: d, Dir: dir}
	_, err = o.freePorts(x.model)
	require.NoError(t, err)
	b, err := broker.New(x.model, x.brokerMaterial(), broker.Options{Now: time.Now, Random: rand.Reader, Origins: origins})
	require.NoError(t, err)
	require.NoError(t, b.Start(context.Background()))
	t.Cleanup(func() { assert.NoError(t, b.Close()) })
	ports := map[string]int{}
	for _, l := range x.model.Listeners {
		ports[l.Name] = l.Port
	}
	return demo{filepath.Join(d.pki, "client", demoClient), ports}
}

func (d demo) file(name string) string { return filepath.Join(d.client, name) }

func (d demo) port(listener string) string { return strconv.Itoa(d.ports[listener]) }

// Every kind of client that the documentation names gets in with the files that were made for it, as they are.
func TestClientsOfEveryKind(t *testing.T) {
	if testing.Short() {
		t.Skip("the real clients have their turn without -short")
	}
	d := startDemo(t)
	topic := "devices/" + demoClient + "/up"

	t.Run("mosquitto", func(t *testing.T) {
		sub := interop.Need(t, "mosquitto_sub")
		pub := interop.Need(t, "mosquitto_pub")
		files := []string{"-h", "localhost", "-p", d.port("SSLREQ"), "--cafile", d.file("ca.crt"),
			"--cert", d.file(demoClient + "-chain.crt"), "--key", d.file(demoClient + ".key")}
		for _, version := range []string{"mqttv311", "mqttv5"} {
			// The subscriber is ready when it says so; then the other one speaks.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			listener := exec.CommandContext(ctx, sub, append(files, "-V", version, "-i", demoClient+"-sub", "-t", topic, "-C", "1", "-W", "15")...)
			var heard bytes.Buffer
			listener.Stdout, listener.Stderr = &heard, &heard
			require.NoError(t, listener.Start())
			ended := make(chan error, 1)
			go func() { ended <- listener.Wait() }()
			for waiting := true; waiting; { // a publish before the subscription is lost, so it is repeated until one arrives
				interop.Run(t, d.client, pub, append(files, "-V", version, "-i", demoClient, "-t", topic, "-q", "1", "-m", "hello")...)
				select {
				case err := <-ended:
					require.NoError(t, err, heard.String())
					waiting = false
				case <-time.After(200 * time.Millisecond):
				}
			}
			assert.Equal(t, "hello\n", heard.String(), version)
		}
	})

	t.Run("MQTT.js", func(t *testing.T) {
		node := interop.Need(t, "node")
		modules := interop.NodeModule(t, "mqtt")
		for _, c := range []struct{ url, kind string }{
			{"mqtts://localhost:" + d.port("SSLREQ"), "pem"},
			{"mqtts://localhost:" + d.port("SSLREQ"), "pfx"},
			{"wss://localhost:" + d.port("SSLREQWS") + "/mqtt", "pem"},
			{"wss://localhost:" + d.port("SSLREQWS") + "/mqtt", "pfx"},
		} {
			script, err := filepath.Abs("testdata/clients/roundtrip.js")
			require.NoError(t, err)
			t.Setenv("NODE_PATH", modules)
			out := interop.Run(t, d.client, node, script, c.url, demoClient, topic, d.client, c.kind)
			assert.Equal(t, topic+" hello from MQTT.js\n", out, "%v", c)
		}
	})

	t.Run("paho-mqtt for Python", func(t *testing.T) {
		python := interop.Python(t, "paho.mqtt.client")
		script, err := filepath.Abs("testdata/clients/roundtrip.py")
		require.NoError(t, err)
		for transport, listener := range map[string]string{"tcp": "SSLREQ", "websockets": "SSLREQWS"} {
			out := interop.Run(t, d.client, python, script, transport, "localhost", d.port(listener), demoClient, topic, d.client)
			assert.Equal(t, topic+" hello from paho-mqtt\n", out, transport)
		}
	})

	t.Run("Paho for Java", func(t *testing.T) {
		jar := interop.PahoJar(t)
		sample, err := filepath.Abs("../../../scripts/java/MqttSample.java")
		require.NoError(t, err)
		for _, jdk := range interop.JDKs(t) {
			for _, ending := range []string{".jks", ".p12"} {
				out := interop.Run(t, d.client, jdk.Tool("java"), "-cp", jar, sample, "-a", "both", "-b", "localhost", "-p", d.port("SSLREQ"),
					"-i", demoClient, "-t", topic, "-m", "hello from Java", "-n", "1",
					"-k", d.file(demoClient+ending), "-w", "file:"+d.file(demoClient+".pass"), "-r", d.file("truststore"+ending),
					"-x", "file:"+d.file(demoClient+".pass"))
				assert.Contains(t, out, "hello from Java", "%d %s", jdk.Version, ending)
			}
		}
	})

	t.Run("Paho for C", func(t *testing.T) {
		pub := interop.Need(t, "paho_cs_pub")
		out := interop.Run(t, d.client, pub, topic, "-c", "ssl://localhost:"+d.port("SSLREQ"), "-i", demoClient, "-m", "hello from C", "-q", "1",
			"--cafile", d.file("ca.crt"), "--cert", d.file(demoClient+"-chain.crt"), "--key", d.file(demoClient+".key"), "--verbose")
		assert.Contains(t, out, "Publishing data", out) // its exit code is 0 whatever happens
		assert.NotContains(t, out, "failed", out)
	})
}
