package broker

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// files writes what an outside client needs and returns mosquitto's flags for it.
func (r *rig) files(h holder) []string {
	r.Helper()
	dir := r.TempDir()
	write := func(name string, data ...[]byte) string {
		path := filepath.Join(dir, name)
		var all []byte
		for _, d := range data {
			all = append(all, d...)
		}
		require.NoError(r, os.WriteFile(path, all, 0o600))
		return path
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(h.key)
	require.NoError(r, err)
	_, port, err := net.SplitHostPort(r.address(required))
	require.NoError(r, err)
	return []string{"-h", "localhost", "-p", port,
		"--cafile", write("ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.ca.root.Raw})),
		"--cert", write("client.crt", pemOf("CERTIFICATE", h.cert.Raw), pemOf("CERTIFICATE", r.ca.issuing.Raw)),
		"--key", write("client.key", pemOf("PRIVATE KEY", pkcs8))}
}

// Published with QoS 1 while the subscriber was away and before the broker was stopped: all of it, in order, once.
func TestMosquittoClientsFindTheirQueueAfterARestart(t *testing.T) {
	t.Parallel()
	sub, pub := interop.Need(t, "mosquitto_sub"), interop.Need(t, "mosquitto_pub")
	for _, version := range []string{"mqttv311", "mqttv5"} {
		r := newRig(t)
		r.opts.StateDir = t.TempDir()
		r.start()
		flags := append(r.files(r.ca.client("dev1")), "-V", version, "-q", "1", "-t", "devices/dev1/q")
		flags = slices.Clip(flags)
		tank := append(flags, "-i", "tank", "-c")
		if version == "mqttv5" {
			tank = append(tank, "-x", "600")
		}
		tank = slices.Clip(tank)
		interop.Run(t, "", sub, append(tank, "-E")...)
		for _, text := range []string{"one", "two", "three"} {
			interop.Run(t, "", pub, append(flags, "-i", "sender", "-m", text)...)
		}
		address := r.address(required)
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.NoError(t, r.broker.Close())
		r.listener(required).Port, err = net.LookupPort("tcp", port)
		require.NoError(t, err)
		r.start()
		assert.Equal(t, "one\ntwo\nthree\n", interop.Run(t, "", sub, append(tank, "-C", "3", "-W", "20")...), version)
	}
}
