package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

const day = 24 * time.Hour

// memoryCA is a root that lives for ten days from noon on.
func memoryCA(t *testing.T, edit func(*x509.Certificate)) *ca.Authority {
	t.Helper()
	subject, err := ca.ParseDN("CN=memory")
	require.NoError(t, err)
	raw, err := subject.DER()
	require.NoError(t, err)
	key := keyOf(t, ca.ECDSAP256)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: raw, NotBefore: noon.Add(-time.Minute), NotAfter: noon.Add(10 * day), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, MaxPathLenZero: true, SubjectKeyId: []byte{1, 2, 3},
	}
	if edit != nil {
		edit(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Signer.Public(), key.Signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a, err := ca.NewAuthority([]*x509.Certificate{cert}, key.Signer, at(noon), rand.Reader)
	require.NoError(t, err)
	return a
}

func TestPrepareValidity(t *testing.T) {
	end := noon.Add(10 * day)
	for _, tc := range []struct {
		name      string
		profile   ca.Profile
		req       ca.Request
		notBefore time.Time
		notAfter  time.Time
		notice    string
		refused   bool
	}{
		{name: "the role's own is cut, backdating too", notBefore: noon.Add(-time.Minute), notAfter: end, notice: "validity-cut"},
		{name: "the profile's is cut", profile: ca.Profile{Validity: 20 * day, Backdate: time.Second},
			notBefore: noon.Add(-time.Second), notAfter: end, notice: "validity-cut"},
		{name: "the profile's fits", profile: ca.Profile{Validity: 5 * day}, notBefore: noon.Add(-time.Minute), notAfter: noon.Add(5 * day)},
		{name: "asked for, and fits to the second", req: ca.Request{Validity: 10 * day}, notBefore: noon.Add(-time.Minute), notAfter: end},
		{name: "asked for, one second too long", req: ca.Request{Validity: 10*day + time.Second}, refused: true},
		{name: "no backdating", profile: ca.Profile{Validity: day, Backdate: -1}, notBefore: noon, notAfter: noon.Add(day)},
		{name: "backdating by more than a day", profile: ca.Profile{Backdate: 25 * time.Hour}, refused: true},
		{name: "negative", req: ca.Request{Validity: -day}, refused: true},
		{name: "expired, for a probe", req: ca.Request{NotBefore: noon.Add(-3 * day), NotAfter: noon.Add(-2 * day)},
			notBefore: noon.Add(-3 * day), notAfter: noon.Add(-2 * day)},
		{name: "not yet valid, for a probe", req: ca.Request{NotBefore: noon.Add(day), NotAfter: noon.Add(2 * day)},
			notBefore: noon.Add(day), notAfter: noon.Add(2 * day)},
		{name: "a probe's that outlives the issuer", req: ca.Request{NotBefore: noon, NotAfter: end.Add(time.Second)}, refused: true},
		{name: "a probe's backwards", req: ca.Request{NotBefore: noon, NotAfter: noon.Add(-1)}, refused: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Role, tc.req.Name, tc.req.PublicKey = ca.RoleClient, "sensor-17", keyOf(t, ca.ECDSAP256).Signer.Public()
			p, err := memoryCA(t, nil).Prepare(tc.profile, tc.req)
			if tc.refused {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.notBefore, p.Template.NotBefore)
			assert.Equal(t, tc.notAfter, p.Template.NotAfter)
			if tc.notice == "" {
				assert.Empty(t, p.Notices)
			} else {
				require.Len(t, p.Notices, 1)
				assert.Equal(t, tc.notice, p.Notices[0].Code)
			}
		})
	}
}

// TestSignedLeaf: every role and type of key gives exactly the usages, names and identifiers it is to have.
func TestSignedLeaf(t *testing.T) {
	const signature, both = x509.KeyUsageDigitalSignature, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for _, tc := range []struct {
		role  ca.Role
		kind  ca.KeyType
		usage x509.KeyUsage
		ext   []x509.ExtKeyUsage
	}{
		{ca.RoleServer, ca.ECDSAP256, signature, []x509.ExtKeyUsage{server}},
		{ca.RoleServer, ca.RSA2048, both, []x509.ExtKeyUsage{server}},
		{ca.RoleServer, ca.Ed25519, signature, []x509.ExtKeyUsage{server}},
		{ca.RoleClient, ca.ECDSAP384, signature, []x509.ExtKeyUsage{client}},
		{ca.RoleClient, ca.RSA2048, signature, []x509.ExtKeyUsage{client}},
		{ca.RoleBridge, ca.RSA2048, both, []x509.ExtKeyUsage{server, client}},
	} {
		t.Run(string(tc.role)+" "+string(tc.kind), func(t *testing.T) {
			a := memoryCA(t, nil)
			base, err := ca.ParseDN("O=Plant, C=DE")
			require.NoError(t, err)
			p, err := a.Prepare(ca.Profile{Subject: base, CRLURLs: []string{"http://pki.example.com/issuing.crl"}},
				ca.Request{Role: tc.role, Name: "mqtt.example.com", PublicKey: keyOf(t, tc.kind).Signer.Public()})
			require.NoError(t, err)
			serial, err := ca.NewSerial(rand.Reader)
			require.NoError(t, err)
			cert, err := a.Sign(p, serial)
			require.NoError(t, err)
			assert.Equal(t, 3, cert.Version)
			assert.Equal(t, tc.usage, cert.KeyUsage)
			assert.Equal(t, tc.ext, cert.ExtKeyUsage)
			assert.False(t, cert.IsCA)
			assert.True(t, cert.BasicConstraintsValid)
			assert.Equal(t, []string{"mqtt.example.com"}, cert.DNSNames)
			assert.Equal(t, []byte{1, 2, 3}, cert.AuthorityKeyId)
			assert.Len(t, cert.SubjectKeyId, 20)
			assert.Equal(t, "CN=mqtt.example.com,O=Plant,C=DE", keystore.DistinguishedName(cert.RawSubject))
			assert.Equal(t, []string{"http://pki.example.com/issuing.crl"}, cert.CRLDistributionPoints)
			assert.Len(t, cert.SerialNumber.Bytes(), 20)
			require.NoError(t, cert.CheckSignatureFrom(a.Certificate()))
		})
	}
}

func TestPrepareRefuses(t *testing.T) {
	weak := weakRSA
	twoCNs, err := ca.ParseDN("CN=sensor-17, CN=admin")
	require.NoError(t, err)
	other, err := ca.ParseDN("CN=admin")
	require.NoError(t, err)
	good := keyOf(t, ca.ECDSAP256).Signer.Public()
	for _, tc := range []struct {
		name string
		req  ca.Request
		edit func(*x509.Certificate)
		want string
	}{
		{"no role", ca.Request{Name: "a", PublicKey: good}, nil, "a server, a client or a bridge"},
		{"a CA", ca.Request{Role: ca.RoleRoot, Name: "a", PublicKey: good}, nil, "a server, a client or a bridge"},
		{"no key", ca.Request{Role: ca.RoleClient, Name: "a"}, nil, "neither RSA"},
		{"a weak key", ca.Request{Role: ca.RoleClient, Name: "a", PublicKey: weak}, nil, "1024 bits"},
		{"a client that needs allowing", ca.Request{Role: ca.RoleClient, Name: "a b", PublicKey: good}, nil, "explicitly"},
		{"a server that is no host", ca.Request{Role: ca.RoleServer, Name: "a b", PublicKey: good}, nil, "not a host name"},
		{"a server without names", ca.Request{Role: ca.RoleServer, Name: "a", SANs: []ca.SAN{}, PublicKey: good}, nil, "no subjectAltName"},
		{"a hostile SAN", ca.Request{Role: ca.RoleServer, Name: "a", SANs: []ca.SAN{{Kind: ca.SANDNS, Value: "a\x00b"}}, PublicKey: good}, nil, "not a host name"},
		{"two CNs", ca.Request{Role: ca.RoleClient, Name: "sensor-17", Subject: twoCNs, PublicKey: good}, nil, "only CN"},
		{"another CN", ca.Request{Role: ca.RoleClient, Name: "sensor-17", Subject: other, PublicKey: good}, nil, "only CN"},
		{"name constraints", ca.Request{Role: ca.RoleServer, Name: "mqtt.example.org", PublicKey: good},
			func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.com"} }, "name constraints"},
		{"an excluded name", ca.Request{Role: ca.RoleServer, Name: "x.secret.example.com", PublicKey: good},
			func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"secret.example.com"} }, "name constraints"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := memoryCA(t, tc.edit).Prepare(ca.Profile{}, tc.req)
			require.ErrorIs(t, err, ca.ErrPolicy)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
}

// TestConstraintsAgreeWithGo: what our rules let pass, crypto/x509 verifies, and the other way round.
func TestConstraintsAgreeWithGo(t *testing.T) {
	edit := func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.ExcludedDNSDomains = []string{"example.com"}, []string{"secret.example.com"}
		c.PermittedEmailAddresses, c.PermittedURIDomains = []string{".example.com", "a@example.org"}, []string{".example.com", "example.com"}
		c.ExcludedURIDomains = []string{"bad.example.com"}
	}
	constrained, free := memoryCA(t, edit), memoryCA(t, nil)
	roots := x509.NewCertPool()
	roots.AddCert(constrained.Certificate())
	for _, san := range []string{
		"example.com", "mqtt.example.com", "EXAMPLE.com", "badexample.com", "secret.example.com", "x.secret.example.com", "*.example.com",
		"example.org", "email:a@example.com", "email:a@b.example.com", "email:a@example.org", "email:b@example.org",
		"uri:http://example.com/x", "uri:http://x.bad.example.com", "uri:http://b.example.com/x", "uri:urn:x:y", "10.0.0.1",
	} {
		parsed, err := ca.ParseSAN(san)
		require.NoError(t, err)
		req := ca.Request{Role: ca.RoleServer, Name: "mqtt.example.com", SANs: []ca.SAN{parsed}, PublicKey: keyOf(t, ca.ECDSAP256).Signer.Public()}
		_, ours := constrained.Prepare(ca.Profile{}, req)
		p, err := free.Prepare(ca.Profile{}, req)
		require.NoError(t, err)
		serial, err := ca.NewSerial(rand.Reader)
		require.NoError(t, err)
		cert, err := free.Sign(p, serial) // same name and key as the constrained one
		require.NoError(t, err)
		_, gos := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon})
		assert.Equal(t, gos == nil, ours == nil, "%s: ours %v, Go's %v", san, ours, gos)
	}
}

func TestNewAuthorityRefuses(t *testing.T) {
	good := memoryCA(t, nil)
	_, err := ca.NewAuthority([]*x509.Certificate{good.Certificate()}, keyOf(t, ca.Ed25519).Signer, at(noon), rand.Reader)
	require.ErrorIs(t, err, ca.ErrPolicy)
	identity, err := good.Identity(ca.Request{Role: ca.RoleClient, Name: "leaf"})
	require.NoError(t, err)
	_, err = ca.NewAuthority([]*x509.Certificate{identity.Chain[0].X509, good.Certificate()}, identity.Key.Signer, at(noon), rand.Reader)
	require.ErrorIs(t, err, ca.ErrPolicy)
	require.ErrorContains(t, err, "no CA certificate")
}

func TestNewSerial(t *testing.T) {
	_, err := ca.NewSerial(strings.NewReader("too short"))
	require.Error(t, err)
	serial, err := ca.NewSerial(strings.NewReader(strings.Repeat("\x00", 20) + strings.Repeat("\xff", 20)))
	require.NoError(t, err)
	assert.Equal(t, 159, serial.BitLen())
}
