package cli

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// What `channels emit mosquitto` writes is loaded by the real program as it is, and `verify mosquitto` finds that it does
// what the model says, but for what was said to be lost.
func TestVerifyARealMosquitto(t *testing.T) {
	if testing.Short() {
		t.Skip("the real broker has its turn without -short")
	}
	mosquitto := interop.Need(t, "mosquitto")
	me, err := user.Current()
	require.NoError(t, err)
	var out, errs bytes.Buffer
	d := testDeps(&out, &errs)
	command := func(want int, words ...string) string {
		t.Helper()
		out.Reset()
		errs.Reset()
		require.Equal(t, want, run(t.Context(), d, words), "%v\n%s\n%s", words, out.String(), errs.String())
		return out.String()
	}
	dir := filepath.Join(t.TempDir(), "demo")
	command(exitDone, "quickstart", "--dir", dir)
	d.pki = filepath.Join(dir, quickPKI)
	model := filepath.Join(d.pki, "channels.yaml")
	etc := filepath.Join(t.TempDir(), "etc")
	moveToFreePorts(t, model)
	appendTo(t, model, fmt.Sprintf("targets:\n  mosquitto: {config_dir: %s, run_as: %s}\n", etc, me.Username))

	// On WebSockets Mosquitto 2.0 ignores the CRL: refused first, then accepted by name.
	command(exitFound, "channels", "emit", "mosquitto", "--out", etc)
	command(exitDone, "channels", "emit", "mosquitto", "--out", etc, "--accept-loss", "SSLREQWS:crl")
	config := filepath.Join(t.TempDir(), "mosquitto.conf")
	require.NoError(t, os.WriteFile(config, []byte("include_dir "+filepath.Join(etc, "conf.d")+"\n"), 0o600))
	broker := exec.Command(mosquitto, "-c", config)
	var log bytes.Buffer
	broker.Stdout, broker.Stderr = &log, &log
	require.NoError(t, broker.Start())
	ended := make(chan struct{})
	go func() { _ = broker.Wait(); close(ended) }()
	t.Cleanup(func() { _ = broker.Process.Kill(); <-ended })
	x, err := d.loadDeployment("")
	require.NoError(t, err)
	for _, l := range x.model.Listeners {
		require.Eventually(t, func() bool {
			conn, err := net.Dial("tcp", l.Address())
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		}, 20*time.Second, 50*time.Millisecond, "%s does not listen: %s", l.Name, &log)
	}

	matrix := command(exitDone, "verify", "mosquitto", "--accept-loss", "SSLREQWS:crl", "--ca-pass", "file:"+filepath.Join(dir, quickCAPass),
		"--user", "operator-1=file:"+filepath.Join(dir, quickUsers, "operator-1.pass"),
		"--user", "operator-2=file:"+filepath.Join(dir, quickUsers, "operator-2.pass"))
	assert.Contains(t, matrix, "67 as they should be, 0 not, 7 left out")
	assert.Contains(t, matrix, "left out: Mosquitto 2.0: crlfile is ignored on WebSockets: a revoked certificate gets in")
	assert.Contains(t, matrix, "left out: Mosquitto 2.0: client ids are not owned")

	// Nothing is excused that was not said to be lost: without the target the same broker is found wanting.
	matrix = command(exitFound, "verify", "--ca-pass", "file:"+filepath.Join(dir, quickCAPass), "--listener", "SSLREQWS")
	assert.Regexp(t, `revoked certificate +refused +NOT OK +let in`, matrix)
	assert.Regexp(t, `another's client id +refused +NOT OK +let in under the other's id`, matrix)
}

// moveToFreePorts is the scripts' verb `ports` for a test in Go.
func moveToFreePorts(t *testing.T, model string) {
	t.Helper()
	text, err := os.ReadFile(model)
	require.NoError(t, err)
	moved, err := withFreePorts(string(text))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(model, []byte(moved), 0o600))
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}
