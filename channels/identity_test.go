package channels

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// certificate returns one with the template's names, signed by itself.
func certificate(t *testing.T, template x509.Certificate) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(1)
	template.NotAfter = time.Unix(4e9, 0)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

// rawSubject encodes attributes one RDN each in the order given.
func rawSubject(t *testing.T, attributes ...pkix.AttributeTypeAndValue) []byte {
	t.Helper()
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		rdns = append(rdns, pkix.RelativeDistinguishedNameSET{a})
	}
	der, err := asn1.Marshal(rdns)
	require.NoError(t, err)
	return der
}

func TestUserOf(t *testing.T) {
	cn := func(v string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: keystore.OIDCommonName, Value: v}
	}
	o := pkix.AttributeTypeAndValue{Type: keystore.OIDOrganization, Value: "Test, Inc"}
	ou := pkix.AttributeTypeAndValue{Type: keystore.OIDUnit, Value: "Devices"}
	one := certificate(t, x509.Certificate{
		RawSubject: rawSubject(t, cn("dev1"), o, ou), DNSNames: []string{"dev1.example.com"}, EmailAddresses: []string{"dev1@example.com"},
		URIs: []*url.URL{{Scheme: "urn", Opaque: "mqttpki:client:dev%201"}}, IPAddresses: []net.IP{{127, 0, 0, 1}},
	})
	two := certificate(t, x509.Certificate{
		RawSubject: rawSubject(t, cn("dev1"), cn("admin")), DNSNames: []string{"a", "b"}, EmailAddresses: []string{"a@b", "c@d"},
		URIs: []*url.URL{{Scheme: "urn", Opaque: "a"}, {Scheme: "urn", Opaque: "b"}},
	})
	none := certificate(t, x509.Certificate{Subject: pkix.Name{Organization: []string{"x"}}})
	for _, tc := range []struct {
		name   string
		cert   *x509.Certificate
		source UserSource
		want   string
	}{
		{"cn", one, UserCN, "dev1"},
		{"subject in the raw order", one, UserSubject, `OU=Devices,O=Test\, Inc,CN=dev1`},
		{"dns", one, UserSANDNS, "dev1.example.com"},
		{"uri as encoded", one, UserSANURI, "urn:mqttpki:client:dev%201"},
		{"email", one, UserSANEmail, "dev1@example.com"},
		{"two cns", two, UserCN, ""},
		{"two dns", two, UserSANDNS, ""},
		{"two uris", two, UserSANURI, ""},
		{"two emails", two, UserSANEmail, ""},
		{"no cn", none, UserCN, ""},
		{"no dns", none, UserSANDNS, ""},
		{"an empty cn", certificate(t, x509.Certificate{RawSubject: rawSubject(t, cn(""))}), UserCN, ""},
		{"a cn with a line feed", certificate(t, x509.Certificate{RawSubject: rawSubject(t, cn("a\nb"))}), UserCN, ""},
		{"a rule that reads no certificate", one, UserPassword, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := UserOf(tc.source, tc.cert)
			assert.Equal(t, tc.want, got)
			if tc.want == "" {
				require.ErrorIs(t, err, ErrNoIdentity)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestClientIDAllowed(t *testing.T) {
	for _, tc := range []struct {
		rule     ClientIDRule
		user, id string
		want     bool
	}{
		{ClientIDAny, "a", "b", true}, {ClientIDOwned, "a", "b", true}, {ClientIDEqual, "a", "a", true}, {ClientIDEqual, "a", "A", false},
		{ClientIDEqual, "", "", false}, {ClientIDPrefix, "a", "a", true}, {ClientIDPrefix, "a", "a-1", true}, {ClientIDPrefix, "a", "a/x", true},
		{ClientIDPrefix, "a", "ab", false}, {ClientIDPrefix, "a", "", false}, {ClientIDPrefix, "", "-x", false}, {"", "a", "a", false},
	} {
		assert.Equal(t, tc.want, ClientIDAllowed(tc.rule, tc.user, tc.id), "%s %q %q", tc.rule, tc.user, tc.id)
	}
}

func TestMayName(t *testing.T) {
	assert.True(t, Trust{CA: Self}.MayName("anybody"))
	assert.False(t, Trust{CA: Self, Users: "a*"}.MayName("b"))
	assert.True(t, Trust{CA: "p.crt", Users: "partner-*"}.MayName("partner-1"))
	assert.False(t, Trust{CA: "p.crt", Users: "partner-*"}.MayName("ops-1"))
	assert.False(t, Trust{CA: "p.crt"}.MayName("ops-1"), "a stranger without bounds names nobody")
}

func TestCheckServer(t *testing.T) {
	cert := certificate(t, x509.Certificate{DNSNames: []string{"mqtt.example.com", "*.example.org"}, IPAddresses: []net.IP{{10, 0, 0, 5}, net.IPv6loopback}})
	for _, tc := range []struct {
		server, bind, want string
	}{
		{"mqtt.example.com", "0.0.0.0", ""},
		{"a.example.org", "10.0.0.5", ""},
		{"*.example.org", "::1", ""},
		{"10.0.0.5", "::", ""},
		{"::1", "127.0.0.1", "warning: listeners[0].bind: the server's certificate does not cover the address 127.0.0.1: clients must dial a name that it has"},
		{"other.example.com", "0.0.0.0", `error: server: the server's certificate does not cover "other.example.com", which clients dial`},
		{"10.0.0.6", "0.0.0.0", `error: server: the server's certificate does not cover "10.0.0.6", which clients dial`},
		{"the broker", "0.0.0.0", ""},
	} {
		d := &Deployment{Server: tc.server, Listeners: []Listener{{Name: "a", Bind: tc.bind, Transport: TLS}}}
		assert.Equal(t, tc.want, d.CheckServer(cert).Error(), tc.server)
	}
	d := &Deployment{Server: "the broker"}
	assert.Contains(t, d.CheckServer(certificate(t, x509.Certificate{Subject: pkix.Name{CommonName: "the broker"}})).Error(), "every client refuses it")
}
