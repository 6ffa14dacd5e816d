package scripts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded runs a client runner under wine with stand-ins for java and Paho's C clients, and returns how it called
// them: one line a call, with the folders left out.
func recorded(t *testing.T, path, runner string, args ...string) []string {
	p := newPlace(t, wine(t))
	stand := build(t, "windows", "github.com/mqttpki/mqttpki/scripts/testdata/record")
	bin := filepath.Join(t.TempDir(), "a jdk (x86)", "bin")
	require.NoError(t, os.MkdirAll(bin, 0o700))
	for _, name := range []string{"java.exe", "paho_cs_sub.exe", "paho_cs_pub.exe"} {
		require.NoError(t, os.Link(stand, filepath.Join(bin, name)))
	}
	record := filepath.Join(t.TempDir(), "record")
	p.env["RECORD"] = p.path(record)
	p.env["javapath"] = p.path(filepath.Dir(bin))
	p.env["WINEPATH"] = p.path(bin)
	p.env["algorithm"] = "EC"
	p.run(path)
	p.run(runner, args...)
	text, err := os.ReadFile(record)
	require.NoError(t, err)
	short := strings.NewReplacer(p.path(p.certs), "CERTS", p.path(p.sdk), "SDK", p.path(p.scripts), "SCRIPTS").Replace(string(text))
	return strings.Split(strings.TrimSpace(short), "\n")
}

// The batch files call the clients as the .sh files do, which are run against a broker.
func TestBatchClientsCallTheClients(t *testing.T) {
	java := `java|-cp|SDK\sdk\clients\java\org.eclipse.paho.client.mqttv3.jar|SCRIPTS\java\MqttSample.java|-a|both|-b|localhost|-r|CERTS\`
	t.Run("java", func(t *testing.T) {
		assert.Equal(t, []string{
			java + `cltcatruststore.jks|-p|8884|-m|two words`,
			java + `cltcatruststore.jks|-p|8885|-k|CERTS\cltkeystore.jks|-w|env:password|-m|two words`,
		}, recorded(t, "cacerts", "cajavaclient", "-m", "two words"))
	})
	t.Run("c", func(t *testing.T) {
		sub := `paho_cs_sub|-c|ssl://localhost:PORT|-t|mqttpki/sample|-q|2|-i|sample_subscribe|--cafile|CERTS\cltsrvtruststore.pem`
		pub := `paho_cs_pub|-c|ssl://localhost:PORT|-t|mqttpki/sample|-q|2|-i|sample_publish|-m|Hello from Paho C|--cafile|CERTS\cltsrvtruststore.pem`
		key := `|--cert|<PRIVATE KEY+CERTIFICATE>|--key|<PRIVATE KEY+CERTIFICATE>`
		on := func(port, call string) string { return strings.Replace(call, "PORT", port, 1) }
		assert.Equal(t, []string{on("8884", sub), on("8884", pub), on("8885", sub+key), on("8885", pub+key)},
			recorded(t, "sscerts", "sscclient"))
	})
}
