package broker

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// get fetches a page of a WebSocket listener.
func (r *rig) get(listener, path string, h holder) (*http.Response, string) {
	r.Helper()
	scheme := "http"
	if r.listener(listener).Transport.Encrypted() {
		scheme = "https"
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: r.clientTLS(h), DisableKeepAlives: true}}
	response, err := client.Get(scheme + "://" + r.address(listener) + path)
	require.NoError(r, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(r, err)
	return response, string(body)
}

func TestTheStatusPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(secureWS).Name = "<b>SSLREQWS"
	r.start()
	evil := r.ca.client("<script>alert(1)</script>")
	response, body := r.get("<b>SSLREQWS", "/", evil)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.NotContains(t, body, "<script", "names are escaped")
	assert.Contains(t, body, "&lt;script&gt;")
	assert.NotContains(t, body, "<b>")
	assert.Contains(t, body, serialText(evil.cert))
	assert.NotContains(t, body, "PRIVATE")
	policy := response.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	assert.Contains(t, policy, pageStyle)
	for _, outside := range []string{"http:", "https:", "src=", "@import", "url("} {
		assert.NotContains(t, body, outside, "the page loads nothing")
	}

	_, body = r.get("<b>SSLREQWS", "/", r.ca.client("dev1"))
	assert.Contains(t, body, "You are <strong>dev1</strong>")
	_, body = r.get(optionWSS, "/", nobody)
	assert.Contains(t, body, "You sent no certificate")
	_, body = r.get(optionWSS, "/", r.ca.client("dev1"))
	assert.Contains(t, body, "Your certificate is valid here")
}

func TestWhatElseTheWebSocketPortsAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	for _, tc := range []struct {
		listener, path string
		status         int
	}{
		{plainWS, "/", http.StatusNotFound}, {plainWS, "/mqtt", http.StatusUpgradeRequired}, {plainWS, "/elsewhere", http.StatusNotFound},
		{secureWS, "/mqtt", http.StatusUpgradeRequired}, {secureWS, "/../etc/passwd", http.StatusNotFound},
	} {
		response, _ := r.get(tc.listener, tc.path, dev)
		assert.Equal(t, tc.status, response.StatusCode, "%s %s", tc.listener, tc.path)
	}
	request, err := http.NewRequest(http.MethodPost, "https://"+r.address(secureWS)+"/", strings.NewReader("x"))
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: r.clientTLS(dev)}}).Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	request, _ = http.NewRequest(http.MethodGet, "https://"+r.address(secureWS)+"/", nil)
	request.Header.Set("X-Long", strings.Repeat("x", 4*maxHeaderBytes))
	response, err = (&http.Client{Transport: &http.Transport{TLSClientConfig: r.clientTLS(dev)}}).Do(request)
	if err == nil {
		_ = response.Body.Close()
		assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
	}
}

func TestWhoMayOpenWebSockets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.opts.Origins = []string{"https://app.example.com"}
	r.start()
	dev := r.ca.client("dev1")
	own := "https://" + r.address(secureWS)
	for _, tc := range []struct {
		name, origin, path string
		protocols          []string
		status             int
	}{
		{"a program", "", "/mqtt", []string{"mqtt"}, http.StatusSwitchingProtocols},
		{"an old program", "", "/mqtt", []string{"mqttv3.1"}, http.StatusSwitchingProtocols},
		{"the broker's own page", own, "/mqtt", []string{"mqtt"}, http.StatusSwitchingProtocols},
		{"an allowed page", "https://app.example.com", "/mqtt", []string{"mqtt"}, http.StatusSwitchingProtocols},
		{"another page, with its visitor's certificate", "https://evil.example", "/mqtt", []string{"mqtt"}, http.StatusForbidden},
		{"the own host without TLS", "http://" + r.address(secureWS), "/mqtt", []string{"mqtt"}, http.StatusForbidden},
		{"a page without an origin of its own", "null", "/mqtt", []string{"mqtt"}, http.StatusForbidden},
		{"no subprotocol", "", "/mqtt", nil, http.StatusBadRequest},
		{"another subprotocol", "", "/mqtt", []string{"chat"}, http.StatusBadRequest},
		{"another path", "", "/ws", []string{"mqtt"}, http.StatusNotFound},
	} {
		header := http.Header{}
		if tc.origin != "" {
			header.Set("Origin", tc.origin)
		}
		dialer := websocket.Dialer{TLSClientConfig: r.clientTLS(dev), Subprotocols: tc.protocols}
		ws, response, err := dialer.Dial("wss://"+r.address(secureWS)+tc.path, header)
		require.NotNil(t, response, "%s: %v", tc.name, err)
		assert.Equal(t, tc.status, response.StatusCode, tc.name)
		if ws != nil {
			_ = ws.Close()
		}
	}
}

func TestTextFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	ws, _, err := dialer.Dial("ws://"+r.address(plainWS)+"/mqtt", nil)
	require.NoError(t, err)
	defer ws.Close()
	require.NoError(t, ws.WriteMessage(websocket.TextMessage, []byte("hello")))
	_, _, err = ws.ReadMessage()
	assert.Error(t, err)
}
