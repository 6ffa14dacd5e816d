package inspect_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// keyJudges are the programs that can be run on private keys in PEM.
func keyJudges() []judge {
	return []judge{
		{"OpenSSL 1.1", func(w *workshop, s []tried) []inspect.Answer { return w.python(s, "3.4.8", "OpenSSL 1.1.1") }},
		{"OpenSSL 3.0", opensslKeys},
		{"OpenSSL 3.4", func(w *workshop, s []tried) []inspect.Answer {
			return orElse(w.python(s, "44.0.0", "OpenSSL 3.4.0", "CRYPTOGRAPHY_OPENSSL_NO_LEGACY=1"), w.python(s, "44.0.0", "OpenSSL 3.4.0"))
		}},
		{"GnuTLS 3.7", gnutlsKeys},
	}
}

// opensslKeys asks `openssl pkey`.
func opensslKeys(w *workshop, samples []tried) []inspect.Answer {
	try := func(option ...string) []inspect.Answer {
		answers := make([]inspect.Answer, len(samples))
		for i, s := range samples {
			_, err := interop.Try(w.t, w.dir, w.openssl, append([]string{"pkey", "-in", s.name, "-passin", "pass:" + s.pass, "-noout"}, option...)...)
			answers[i] = yesIf(err == nil)
		}
		return answers
	}
	return orElse(try(), try("-provider", "legacy", "-provider", "default"))
}

// gnutlsKeys asks `certtool --key-info`.
func gnutlsKeys(w *workshop, samples []tried) []inspect.Answer {
	certtool := interop.Need(w.t, "certtool")
	answers := make([]inspect.Answer, len(samples))
	for i, s := range samples {
		_, err := interop.Try(w.t, w.dir, certtool, "--key-info", "--infile", s.name, "--password", s.pass)
		answers[i] = yesIf(err == nil)
	}
	return answers
}

// mosquitto starts a listener with each file as certificate and key: it reads those with which it comes up.
func mosquitto(w *workshop, samples []tried) []inspect.Answer {
	w.t.Helper()
	program := interop.Need(w.t, "mosquitto")
	answers := make([]inspect.Answer, len(samples))
	for i, s := range samples {
		answers[i] = yesIf(w.comesUp(program, s.name))
	}
	return answers
}

// comesUp starts the broker and waits until it says that it runs, or ends.
func (w *workshop) comesUp(program, file string) bool {
	w.t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	_, port, err := net.SplitHostPort(free.Addr().String())
	require.NoError(w.t, err)
	require.NoError(w.t, free.Close())
	path := filepath.Join(w.dir, file)
	config := filepath.Join(w.dir, "mosquitto.conf")
	me, err := user.Current()
	require.NoError(w.t, err)
	text := fmt.Sprintf("user %s\nlistener %s 127.0.0.1\ncertfile %s\nkeyfile %s\nallow_anonymous true\n", me.Username, port, path, path)
	require.NoError(w.t, os.WriteFile(config, []byte(text), 0o600))
	log, err := os.Create(filepath.Join(w.dir, "mosquitto.log"))
	require.NoError(w.t, err)
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(w.t.Context(), program, "-v", "-c", config)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(w.t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	up := false
	require.Eventually(w.t, func() bool {
		said, err := os.ReadFile(log.Name())
		require.NoError(w.t, err)
		up = bytes.Contains(said, []byte(" running"))
		select {
		case <-ended:
			return true
		default:
			return up
		}
	}, time.Minute, 20*time.Millisecond)
	_ = cmd.Process.Kill()
	<-ended
	return up
}
