package broker

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// authority is a CA for tests: a root, an issuing CA below it, and their CRLs.
type authority struct {
	t           testing.TB
	name        string
	root        *x509.Certificate
	rootKey     *ecdsa.PrivateKey
	issuing     *x509.Certificate
	issuingKey  *ecdsa.PrivateKey
	serial      int64
	number      int64
	revoked     []x509.RevocationListEntry
	rootRevoked []x509.RevocationListEntry
	crlNotAfter time.Time
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, name: name, crlNotAfter: time.Now().Add(30 * 24 * time.Hour)}
	a.rootKey, a.issuingKey = newKey(t), newKey(t)
	template := func(cn string) *x509.Certificate {
		a.serial++
		return &x509.Certificate{SerialNumber: big.NewInt(1000 + a.serial), Subject: pkix.Name{CommonName: cn, Organization: []string{name}},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	}
	rootTemplate := template(name + " root")
	a.root = signCert(t, rootTemplate, rootTemplate, &a.rootKey.PublicKey, a.rootKey)
	a.issuing = signCert(t, template(name+" issuing"), a.root, &a.issuingKey.PublicKey, a.rootKey)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func signCert(t testing.TB, template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

// holder is a certificate with its key.
type holder struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	tls  tls.Certificate
}

// issue makes a leaf; change alters its template.
func (a *authority) issue(cn string, usage []x509.ExtKeyUsage, change func(*x509.Certificate)) holder {
	a.t.Helper()
	a.serial++
	template := &x509.Certificate{SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: cn},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: usage, BasicConstraintsValid: true}
	if change != nil {
		change(template)
	}
	key := newKey(a.t)
	cert := signCert(a.t, template, a.issuing, &key.PublicKey, a.issuingKey)
	return holder{cert, key, tls.Certificate{Certificate: [][]byte{cert.Raw, a.issuing.Raw}, PrivateKey: key, Leaf: cert}}
}

func (a *authority) client(cn string) holder {
	return a.issue(cn, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, nil)
}

func (a *authority) server() holder {
	return a.issue("localhost", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, func(c *x509.Certificate) {
		c.DNSNames = []string{"localhost"}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	})
}

func (a *authority) revoke(h holder) {
	a.revoked = append(a.revoked, x509.RevocationListEntry{SerialNumber: h.cert.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
}

// crls returns the PEM of both CRLs as they are now.
func (a *authority) crls() []byte {
	a.t.Helper()
	a.number++
	var out bytes.Buffer
	for _, one := range []struct {
		issuer  *x509.Certificate
		key     *ecdsa.PrivateKey
		entries []x509.RevocationListEntry
	}{{a.issuing, a.issuingKey, a.revoked}, {a.root, a.rootKey, a.rootRevoked}} {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(a.number), RevokedCertificateEntries: one.entries,
			ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: a.crlNotAfter}, one.issuer, one.key)
		require.NoError(a.t, err)
		require.NoError(a.t, pem.Encode(&out, &pem.Block{Type: "X509 CRL", Bytes: der}))
	}
	return out.Bytes()
}

func (a *authority) trust() TrustMaterial {
	return TrustMaterial{Anchors: []*x509.Certificate{a.root, a.issuing}, CRLs: []CRLFile{{Name: a.name + ".crl", Data: a.crls()}}}
}

// identity is a holder's key and chain as the broker takes them.
func (a *authority) identity(h holder) keystore.Identity {
	a.t.Helper()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(h.key)
	require.NoError(a.t, err)
	key, err := keystore.NewPrivateKey(pkcs8)
	require.NoError(a.t, err)
	return keystore.Identity{Key: key, Chain: []keystore.Certificate{keystore.NewCertificate(h.cert.Raw), keystore.NewCertificate(a.issuing.Raw)}}
}

// rig is a broker under test with everything it is made from.
type rig struct {
	*testing.T
	ca     *authority
	model  channels.Deployment
	users  *channels.UserFile
	extra  []TrustMaterial // of model.Trust after the first
	server holder
	opts   Options
	offset atomic.Int64 // nanoseconds that the broker's clock is ahead
	log    *logBuffer
	broker *Broker
}

// The listeners of every rig, by name.
const (
	plain     = "PlainText" // tcp, password users
	plainWS   = "PLAINWS"   // ws, password users
	optional  = "SSLOPT"    // tls, optional certificate, password users
	required  = "SSLREQ"    // tls, CN
	secureWS  = "SSLREQWS"  // wss, CN
	optionWSS = "SSLOPTWS"  // wss, optional certificate, password users
)

const aPassword = "correct horse battery staple"

// newRig prepares a broker with all kinds of listeners on free ports; start starts it.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, ca: newAuthority(t, "self"), users: &channels.UserFile{}, log: &logBuffer{}}
	r.server = r.ca.server()
	for _, user := range []string{"alice", "bob"} {
		require.NoError(t, r.users.Set(user, keystore.Secret(aPassword), 10, rand.Reader))
	}
	owned := func(user channels.UserSource) channels.Identity {
		return channels.Identity{User: user, ClientID: channels.ClientIDOwned}
	}
	r.model = channels.Deployment{
		Schema: channels.Schema, Server: "localhost",
		Trust:      []channels.Trust{{CA: channels.Self, CRL: channels.Self}},
		Revocation: channels.Revocation{CRL: true},
		Listeners: []channels.Listener{
			{Name: plain, Transport: channels.TCP, ClientCertificate: channels.CertificateNone, Identity: owned(channels.UserPassword)},
			{Name: plainWS, Transport: channels.WS, ClientCertificate: channels.CertificateNone, Identity: owned(channels.UserPassword)},
			{Name: optional, Bind: "127.0.0.1", Transport: channels.TLS, ClientCertificate: channels.CertificateOptional, Identity: owned(channels.UserPassword)},
			{Name: required, Bind: "127.0.0.1", Transport: channels.TLS, ClientCertificate: channels.CertificateRequired, Identity: owned(channels.UserCN)},
			{Name: secureWS, Bind: "127.0.0.1", Transport: channels.WSS, ClientCertificate: channels.CertificateRequired, Identity: owned(channels.UserCN), Path: "/mqtt"},
			{Name: optionWSS, Bind: "127.0.0.1", Transport: channels.WSS, ClientCertificate: channels.CertificateOptional, Identity: owned(channels.UserPassword), Path: "/mqtt"},
		},
		Access: []channels.Rule{
			{Who: "*", Allow: []channels.Action{channels.Publish, channels.Subscribe}, Topics: []string{"devices/{user}/#"}},
			{Who: "ops-*", Allow: []channels.Action{channels.Publish, channels.Subscribe}, Topics: []string{"#", "$SYS/#"}},
		},
	}
	r.opts = Options{Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), FlushInterval: time.Millisecond, Random: rand.Reader,
		Now: func() time.Time { return time.Now().Add(time.Duration(r.offset.Load())) }}
	return r
}

func (r *rig) listener(name string) *channels.Listener {
	for i := range r.model.Listeners {
		if r.model.Listeners[i].Name == name {
			return &r.model.Listeners[i]
		}
	}
	r.Fatalf("no listener %q", name)
	return nil
}

// material is what is on disk, so to speak, now.
func (r *rig) material() Material {
	return Material{Identity: r.ca.identity(r.server), Trust: append([]TrustMaterial{r.ca.trust()}, r.extra...), Users: r.users}
}

// source reads it.
func (r *rig) source() (*channels.Deployment, Material, error) {
	d := r.model
	d.Listeners = append([]channels.Listener(nil), r.model.Listeners...)
	d.Access = append([]channels.Rule(nil), r.model.Access...)
	return &d, r.material(), nil
}

func (r *rig) start() *rig {
	r.Helper()
	if r.opts.Source == nil {
		r.opts.Source = r.source
	}
	d, m, _ := r.source()
	b, err := New(d, m, r.opts)
	require.NoError(r, err)
	require.NoError(r, b.Start(context.Background()))
	r.broker = b
	r.Cleanup(func() { require.NoError(r, b.Close()) })
	return r
}

// restart stops the broker and starts another on the same state.
func (r *rig) restart() {
	r.Helper()
	require.NoError(r, r.broker.Close())
	r.start()
}

func (r *rig) address(name string) string { return r.broker.Addresses()[name] }

// clientTLS is what a client with a certificate dials with; the zero holder has none.
func (r *rig) clientTLS(h holder) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(r.ca.root)
	c := &tls.Config{RootCAs: pool, ServerName: "localhost"}
	if h.cert != nil {
		// Not Certificates: crypto/tls would keep a certificate of a CA that the server does not name to itself.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &h.tls, nil }
	}
	return c
}

// logged waits until the log holds text.
func (r *rig) logged(text string) {
	r.Helper()
	require.Eventually(r, func() bool { return strings.Contains(r.log.String(), text) }, 10*time.Second, 5*time.Millisecond, "%q in the log:\n%s", text, r.log)
}

// logBuffer is a log that tests read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func keystoreCertificate(c *x509.Certificate) keystore.Certificate {
	return keystore.NewCertificate(c.Raw)
}

// newSerial is a serial number of 159 bits that is like no other.
func newSerial(i int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), 158)
	return n.Add(n, big.NewInt(int64(i)))
}
