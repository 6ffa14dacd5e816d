package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// browser is a Chromium with a profile of its own, which trusts the demo's CA, has its client's PKCS12 and shows that
// certificate without asking.
type browser struct {
	t       *testing.T
	home    string
	program string
}

// newBrowser imports what the documentation tells a person to import. That the certificate is chosen without a person is
// a policy, which Chromium reads from /etc alone; so it runs with an /etc/chromium of its own, for which it takes root.
func newBrowser(t *testing.T, d demo) *browser {
	t.Helper()
	b := &browser{t: t, home: t.TempDir(), program: interop.Need(t, "chromium")}
	interop.Need(t, "unshare")
	if os.Geteuid() != 0 {
		interop.Missing(t, "the right to mount a folder of its own for the browser")
	}
	db := filepath.Join(b.home, ".pki", "nssdb")
	require.NoError(t, os.MkdirAll(db, 0o700))
	certutil, pk12util := interop.Need(t, "certutil"), interop.Need(t, "pk12util")
	interop.Run(t, b.home, certutil, "-N", "-d", "sql:"+db, "--empty-password")
	interop.Run(t, b.home, certutil, "-A", "-d", "sql:"+db, "-n", "ca", "-t", "C,,", "-i", d.file("ca.crt"))
	interop.Run(t, b.home, pk12util, "-i", d.file(demoClient+".p12"), "-d", "sql:"+db, "-w", d.file(demoClient+".pass"), "-K", "")
	policies := filepath.Join(b.home, "chromium", "policies", "managed")
	require.NoError(t, os.MkdirAll(policies, 0o755))
	policy := `{"AutoSelectCertificateForUrls": ["{\"pattern\":\"https://localhost\",\"filter\":{}}"]}`
	require.NoError(t, os.WriteFile(filepath.Join(policies, "certificate.json"), []byte(policy), 0o644))
	return b
}

// command is the browser on a page, without a window and without the services of its maker.
func (b *browser) command(ctx context.Context, page string, more ...string) *exec.Cmd {
	args := append([]string{"--mount", "sh", "-c", `mkdir -p /etc/chromium && mount --bind "$0" /etc/chromium && exec "$@"`,
		filepath.Join(b.home, "chromium"), b.program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + filepath.Join(b.home, "profile")}, more...)
	cmd := exec.CommandContext(ctx, "unshare", append(args, page)...)
	cmd.Env = append(os.Environ(), "HOME="+b.home)
	cmd.WaitDelay = time.Second
	return cmd
}

// A real browser sees the status page with its client certificate, and talks MQTT over a WebSocket with it.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("the real browser has its turn without -short")
	}
	interop.Need(t, "chromium")
	script, err := os.ReadFile(filepath.Join(interop.NodeModule(t, "mqtt"), "mqtt", "dist", "mqtt.min.js"))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	origin := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	results := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/clients/browser.html") })
	mux.HandleFunc("GET /mqtt.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(script)
	})
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		select {
		case results <- string(text):
		default:
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	d := startDemo(t, origin)
	b := newBrowser(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	page, err := b.command(ctx, "https://localhost:"+d.port("SSLREQWS")+"/", "--dump-dom").Output()
	require.NoError(t, err, string(page))
	assert.Contains(t, string(page), "MQTT listener SSLREQWS")
	assert.Contains(t, string(page), demoClient)

	topic := "devices/" + demoClient + "/browser"
	query := url.Values{"url": {"wss://localhost:" + d.port("SSLREQWS") + "/mqtt"}, "id": {demoClient}, "topic": {topic}}
	running, stop := context.WithCancel(ctx)
	cmd := b.command(running, origin+"/page?"+query.Encode(), "--remote-debugging-port=0")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	select {
	case got := <-results:
		assert.Equal(t, topic+" hello from a browser", got)
	case <-ctx.Done():
		t.Error("the page said nothing")
	}
	stop()
	_ = cmd.Wait()
}
