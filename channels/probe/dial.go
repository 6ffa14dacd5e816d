package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/wsconn"
)

// settle is how long a connection is listened to after its handshake before anything is written. In TLS 1.3 the
// client learns of its refusal only then, and a write may turn the alert into a reset.
const settle = 300 * time.Millisecond

// knock is one attempt at a listener.
type knock struct {
	certificate *tls.Certificate // what the client shows; nil: nothing
	serverName  string           // "" is the listener's host
	version     uint16           // the one TLS version offered; 0: 1.2 and 1.3
	wait        bool             // listen before writing; for attempts that are meant to be refused
}

// open dials l and goes through TLS and the WebSocket's opening, so that MQTT can begin.
func (p *prober) open(ctx context.Context, l *channels.Listener, k knock) (net.Conn, error) {
	host, address := p.address(l)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", address, err)
	}
	if l.Transport.Encrypted() {
		conn, err = p.secure(ctx, conn, host, k)
		if err != nil {
			return nil, err
		}
	}
	if l.Transport.WebSocket() {
		ws, err := wsconn.Client(ctx, conn, net.JoinHostPort(host, fmt.Sprint(l.Port)), l.Path, p.Now)
		if err != nil {
			return nil, err
		}
		return ws, nil
	}
	return conn, nil
}

// secure does the TLS handshake and, where asked, waits for a refusal that comes after it. It closes conn when it fails.
func (p *prober) secure(ctx context.Context, conn net.Conn, host string, k knock) (net.Conn, error) {
	config := &tls.Config{RootCAs: p.Roots, ServerName: host, MinVersion: tls.VersionTLS12, Time: p.Now}
	if k.serverName != "" {
		config.ServerName = k.serverName
	}
	if k.version != 0 {
		config.MinVersion, config.MaxVersion = k.version, k.version
	}
	if k.certificate != nil {
		// Sent whatever CAs the server names: a stranger's certificate has to reach it to be refused.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return k.certificate, nil
		}
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	if !k.wait {
		return secure, nil
	}
	early, err := listen(secure, p.Now)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &resumed{secure, io.MultiReader(bytes.NewReader(early), secure)}, nil
}

// listen reads for a moment. Silence is no error; what is read belongs to the conversation that follows.
func listen(conn net.Conn, now func() time.Time) ([]byte, error) {
	if err := conn.SetReadDeadline(now().Add(settle)); err != nil {
		return nil, err
	}
	buf := make([]byte, 512)
	n, err := conn.Read(buf)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, err
	}
	return buf[:n], conn.SetReadDeadline(time.Time{})
}

// resumed is a TLS connection of which something was read already.
type resumed struct {
	*tls.Conn
	r io.Reader
}

func (r *resumed) Read(p []byte) (int, error) { return r.r.Read(p) }

// login opens a connection and an MQTT session on it.
func (p *prober) login(ctx context.Context, l *channels.Listener, k knock, v Version, who login) (client, error) {
	conn, err := p.open(ctx, l, k)
	if err != nil {
		return nil, err
	}
	return connect(ctx, conn, v, who)
}
