package scripts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The batch files call the clients as the .sh files do, which are run against a broker. Stand-ins for java and Paho's C
// clients say how they were called.
func TestBatchClientsCallTheClients(t *testing.T) {
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
	p.run("cacerts")
	p.run("cajavaclient", "-m", "two words")
	p.run("cacclient")

	java := `java|-cp|SDK\sdk\clients\java\org.eclipse.paho.client.mqttv3.jar|SCRIPTS\java\MqttSample.java|-a|both|-b|localhost|-r|CERTS\cltcatruststore.jks`
	sub := `paho_cs_sub|-c|ssl://localhost:PORT|-t|mqttpki/sample|-q|2|-i|sample_subscribe|--cafile|CERTS\cltcatruststore.pem`
	pub := `paho_cs_pub|-c|ssl://localhost:PORT|-t|mqttpki/sample|-q|2|-i|sample_publish|-m|Hello from Paho C|--cafile|CERTS\cltcatruststore.pem`
	key := `|--cert|<PRIVATE KEY+CERTIFICATE+CERTIFICATE>|--key|<PRIVATE KEY+CERTIFICATE+CERTIFICATE>`
	on := func(port, call string) string { return strings.Replace(call, "PORT", port, 1) }
	want := []string{
		java + `|-p|8884|-m|two words`,
		java + `|-p|8885|-k|CERTS\cltkeystore.jks|-w|env:password|-m|two words`,
		on("8884", sub), on("8884", pub), on("8885", sub+key), on("8885", pub+key),
	}
	text, err := os.ReadFile(record)
	require.NoError(t, err)
	short := strings.NewReplacer(p.path(p.certs), "CERTS", p.path(p.sdk), "SDK", p.path(p.scripts), "SCRIPTS").Replace(string(text))
	assert.Equal(t, want, strings.Split(strings.TrimSpace(short), "\n"))
}
