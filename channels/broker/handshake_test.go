package broker

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// shake runs a handshake with a listener.
func (r *rig) shake(listener string, config *tls.Config) (*tls.Conn, error) {
	raw, err := net.DialTimeout("tcp", r.address(listener), testPatience)
	require.NoError(r, err)
	r.Cleanup(func() { _ = raw.Close() })
	secure := tls.Client(raw, config)
	_ = secure.SetDeadline(time.Now().Add(testPatience))
	return secure, secure.Handshake()
}

// refused is how a handshake is refused, nil when it is not. It does not write, so that the alert of TLS 1.3, which
// comes after the client's side of the handshake, is not lost to a reset.
func (r *rig) refused(listener string, config *tls.Config) error {
	r.Helper()
	conn, err := r.shake(listener, config)
	if err != nil {
		return err
	}
	if _, err = conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// admitted is nil when a handshake is accepted: what is said after it is then found to be no MQTT and no HTTP.
func (r *rig) admitted(listener string, config *tls.Config) error {
	r.Helper()
	conn, err := r.shake(listener, config)
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte("\xc0\x00\r\n\r\n")); err != nil {
		return err
	}
	if _, err = conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func clientAuth() []x509.ExtKeyUsage { return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func TestHandshakeRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stranger := newAuthority(t, "stranger")
	revoked := r.ca.client("revoked")
	r.ca.revoke(revoked)
	r.start()
	wrongKey := r.ca.client("thief")
	wrongKey.tls.PrivateKey = newKey(t)
	for _, tc := range []struct {
		name   string
		holder holder
		cause  cause
		alsoOn bool // refused on a listener with an optional certificate, too
	}{
		{"no certificate", nobody, causeNoCertificate, false},
		{"a stranger's CA", stranger.client("dev1"), causeUnknownCA, true},
		{"expired", r.ca.issue("dev1", clientAuth(), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), causeExpired, true},
		{"not yet valid", r.ca.issue("dev1", clientAuth(), func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), causeNotYetValid, true},
		{"revoked", revoked, causeRevoked, true},
		{"a server's certificate", r.ca.server(), causeWrongRole, true},
		{"no role at all", r.ca.issue("dev1", nil, nil), causeWrongRole, true},
		{"the key of another", wrongKey, causeBadCertificate, true},
	} {
		for _, listener := range []string{required, secureWS, optional, optionWSS} {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				config := r.clientTLS(tc.holder)
				config.MinVersion, config.MaxVersion = version, version
				if !tc.alsoOn && (listener == optional || listener == optionWSS) {
					assert.NoError(t, r.admitted(listener, config), "%s on %s", tc.name, listener)
					continue
				}
				err := r.refused(listener, config)
				assert.Error(t, err, "%s on %s", tc.name, listener)
				assert.NotErrorIs(t, err, io.EOF, "%s on %s: it should get an alert", tc.name, listener)
				r.logged("listener=" + listener)
			}
		}
		r.logged("cause=" + string(tc.cause))
	}
	old := r.clientTLS(r.ca.client("dev1"))
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	assert.Error(t, r.refused(required, old))
	r.logged("cause=" + string(causeOldTLS))

	weak := r.clientTLS(r.ca.client("dev1"))
	weak.MaxVersion, weak.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	assert.Error(t, r.refused(required, weak))
	r.logged("cause=" + string(causeNoCommon))

	distrusting := r.clientTLS(r.ca.client("dev1"))
	distrusting.RootCAs = x509.NewCertPool()
	assert.Error(t, r.refused(required, distrusting))
	r.logged("cause=" + string(causeClientRefused))

	raw, err := net.Dial("tcp", r.address(required))
	require.NoError(t, err)
	_, err = raw.Write([]byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'x'})
	require.NoError(t, err)
	_, _ = io.ReadAll(raw)
	_ = raw.Close()
	r.logged("cause=" + string(causeNotTLS))
}

func TestListenersHaveTheirOwnTLSOptions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener(required).TLS = channels.TLSOptions{Min: "1.3"}
	r.listener(optional).TLS = channels.TLSOptions{Min: "1.2", Ciphers: "compatible"}
	r.start()
	dev := r.ca.client("dev1")
	config := r.clientTLS(dev)
	config.MaxVersion = tls.VersionTLS12
	assert.Error(t, r.refused(required, config))
	config = r.clientTLS(dev)
	config.MaxVersion, config.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	assert.NoError(t, r.admitted(optional, config))
}

func TestAStaleCRLKeepsEverybodyOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ca.crlNotAfter = time.Now().Add(time.Hour)
	r.start()
	dev := r.ca.client("dev1")
	live := r.client(required, dev, 5, connectOptions{id: "live"})
	r.offset.Store(int64(2 * time.Hour))
	assert.Error(t, r.refused(required, r.clientTLS(dev)))
	r.logged("cause=stale-crl")
	require.NoError(t, r.broker.Reload()) // the same CRL: a warning, and nobody who is in is thrown out
	r.logged("is stale since")
	assert.Zero(t, live.published("devices/dev1/x", "x", false))
	r.ca.crlNotAfter = time.Now().Add(24 * time.Hour)
	require.NoError(t, r.broker.Reload())
	assert.NoError(t, r.admitted(required, r.clientTLS(dev)))
}

func TestARevokedIntermediateEndsAllBelowIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ca.rootRevoked = append(r.ca.rootRevoked, x509.RevocationListEntry{SerialNumber: r.ca.issuing.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)})
	r.start()
	dev := r.ca.client("dev1")
	assert.Error(t, r.refused(required, r.clientTLS(dev)), "with the intermediate sent along")
	dev.tls.Certificate = dev.tls.Certificate[:1]
	assert.Error(t, r.refused(required, r.clientTLS(dev)), "and without it")
	r.logged("cause=revoked")
}

func TestResumedSessionsAreCheckedToo(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t).start()
		dev := r.ca.client("dev1")
		config := r.clientTLS(dev)
		config.MinVersion, config.MaxVersion = version, version
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		resumed := func() (bool, error) {
			conn, err := r.shake(required, config)
			if err != nil {
				return false, err
			}
			_, err = conn.Write([]byte{0xc0, 0}) // no MQTT: the broker ends it, after the ticket
			if err == nil {
				if _, err = conn.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
					err = nil
				}
			}
			return conn.ConnectionState().DidResume, err
		}
		_, err := resumed()
		require.NoError(t, err)
		did, err := resumed()
		require.NoError(t, err)
		require.True(t, did, "the test is worth nothing without a resumption")
		r.ca.revoke(dev)
		require.NoError(t, r.broker.Reload())
		_, err = resumed()
		assert.Error(t, err)
	}
}

func TestAPartnersCANamesOnlyItsOwnUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	partner := newAuthority(t, "partner")
	r.model.Trust = append(r.model.Trust, channels.Trust{CA: "partner.crt", CRL: "partner.crl", Users: "partner-*"})
	// The partner's intermediate comes with the handshake alone, and the CRL that it signed is checked then.
	r.extra = append(r.extra, TrustMaterial{Anchors: []*x509.Certificate{partner.root}, CRLs: []CRLFile{{"partner.crl", partner.crls()}}})
	r.start()
	r.client(required, partner.client("partner-7"), 5, connectOptions{id: "p"}).leave()
	w := r.wire(required, partner.client("ops-1"), 5)
	assert.Equal(t, packets.ErrNotAuthorized.Code, w.connect(connectOptions{id: "x"}).ReasonCode)
	r.logged(`may not name the user \"ops-1\"`)

	gone := partner.client("partner-8")
	partner.revoke(gone)
	r.extra[0].CRLs[0].Data = partner.crls()
	require.NoError(t, r.broker.Reload())
	assert.Error(t, r.refused(required, r.clientTLS(gone)))

	forged := newAuthority(t, "partner") // the same names, other keys
	r.extra[0].CRLs[0].Data = forged.crls()
	assert.ErrorContains(t, r.broker.Reload(), "its signature is not by")
}

func TestCertificatesThatNameNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	for name, subject := range map[string]pkix.Name{
		"none":    {Organization: []string{"x"}},
		"several": {CommonName: "dev1", ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "a"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "ops-1"}}},
	} {
		h := r.ca.issue("x", clientAuth(), func(c *x509.Certificate) { c.Subject = subject })
		w := r.wire(required, h, 5)
		assert.Equal(t, packets.ErrNotAuthorized.Code, w.connect(connectOptions{id: "x"}).ReasonCode, name)
		r.logged("cause=identity")
	}
}

func TestCRLFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "self")
	make := func(change func(*x509.RevocationList)) []byte {
		list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
		change(list)
		der, err := x509.CreateRevocationList(rand.Reader, list, a.issuing, a.issuingKey)
		require.NoError(t, err)
		return der
	}
	extension := func(oid asn1.ObjectIdentifier, value []byte) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: oid, Critical: true, Value: value}}
		}
	}
	good := make(func(*x509.RevocationList) {})
	for _, tc := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, keystore.ErrFormat},
		{"not a CRL", []byte("hello"), keystore.ErrFormat},
		{"a certificate", pemOf("CERTIFICATE", a.root.Raw), keystore.ErrFormat},
		{"truncated", good[:len(good)-1], keystore.ErrFormat},
		{"too large", bytes.Repeat([]byte{0x30}, maxCRLBytes+1), keystore.ErrTooLarge},
		{"a delta", make(extension(oidDeltaCRLIndicator, []byte{2, 1, 1})), keystore.ErrUnsupported},
		{"indirect", make(extension(oidIssuingDistributionPoint, []byte{0x30, 3, 0x84, 1, 0xff})), keystore.ErrUnsupported},
		{"for some reasons", make(extension(oidIssuingDistributionPoint, []byte{0x30, 4, 0x83, 2, 1, 0xfe})), keystore.ErrUnsupported},
		{"a malformed distribution point", make(extension(oidIssuingDistributionPoint, []byte{0x30, 9})), keystore.ErrFormat},
		{"something critical and unknown", make(extension(asn1.ObjectIdentifier{1, 2, 3}, []byte{5, 0})), keystore.ErrUnsupported},
	} {
		lists, err := parseCRLs(CRLFile{"x.crl", tc.data})
		assert.ErrorIs(t, err, tc.want, tc.name)
		assert.Nil(t, lists, tc.name)
	}
	lists, err := parseCRLs(CRLFile{"x.crl", make(extension(oidIssuingDistributionPoint, []byte{0x30, 3, 0x81, 1, 0xff}))})
	require.NoError(t, err, "a list for users only is fine")
	assert.True(t, lists[0].onlyUsers)
	assert.False(t, lists[0].covers(a.issuing))
	assert.True(t, lists[0].covers(a.client("x").cert))
}

func TestTheNewestCRLDecides(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dev := r.ca.client("dev1")
	older := r.ca.crls()
	r.ca.revoke(dev)
	newer := r.ca.crls()
	for _, order := range [][]byte{append(append([]byte{}, older...), newer...), append(append([]byte{}, newer...), older...)} {
		tr, err := newTrust(&r.model, []TrustMaterial{{Anchors: []*x509.Certificate{r.ca.root}, CRLs: []CRLFile{{"self", order}}}})
		require.NoError(t, err)
		_, why := tr.judge([][]*x509.Certificate{{dev.cert, r.ca.issuing, r.ca.root}}, true, time.Now())
		require.NotNil(t, why)
		assert.Equal(t, causeRevoked, why.cause)
	}
}

func TestModelsAndMaterialThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*rig, *Material)
		want   string
	}{
		{"no listeners", func(r *rig, _ *Material) { r.model.Listeners = nil }, "no listeners"},
		{"no server key", func(_ *rig, m *Material) { m.Identity.Key = nil }, "server key is missing"},
		{"no server certificate", func(_ *rig, m *Material) { m.Identity.Chain = nil }, "no certificate"},
		{"another key", func(r *rig, m *Material) { m.Identity.Key = r.ca.identity(r.ca.client("x")).Key }, "does not belong"},
		{"CRL wanted and missing", func(_ *rig, m *Material) { m.Trust[0].CRLs = nil }, "against CRLs"},
		{"no anchors", func(_ *rig, m *Material) { m.Trust[0].Anchors = nil }, "no CA certificate"},
		{"a leaf as an anchor", func(r *rig, m *Material) { m.Trust[0].Anchors = []*x509.Certificate{r.server.cert} }, "is no CA certificate"},
		{"certificates without TLS", func(r *rig, _ *Material) {
			r.listener(plain).ClientCertificate = channels.CertificateRequired
		}, "without TLS"},
		{"a user from an optional certificate", func(r *rig, _ *Material) { r.listener(optional).Identity.User = channels.UserCN }, "not required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			m := r.material()
			tc.change(r, &m)
			_, err := New(&r.model, m, r.opts)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}
