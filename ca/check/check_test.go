package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// node is a certificate with its key, which can sign others.
type node struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var lastSerial int64 = 100

// sign makes a certificate called name under parent; nil is self-signed. change edits the template.
func sign(t *testing.T, parent *node, name string, change func(*x509.Certificate)) *node {
	t.Helper()
	lastSerial++
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(lastSerial), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	n := &node{key: key}
	signer, above := key, template
	if parent != nil {
		signer, above = parent.key, parent.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, above, key.Public(), signer)
	require.NoError(t, err)
	n.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return n
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func asServer(c *x509.Certificate) {
	c.DNSNames, c.IPAddresses = []string{"mqtt.example.com", "*.wild.example"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

// crl signs a CRL with the serials on it.
func crl(t *testing.T, issuer *node, change func(*x509.RevocationList), revoked ...*node) *x509.RevocationList {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(time.Hour)}
	for _, n := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: n.cert.SerialNumber, RevocationTime: noon.Add(-time.Minute)})
	}
	if change != nil {
		change(list)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer.cert, issuer.key)
	require.NoError(t, err)
	parsed, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	return parsed
}

func certs(nodes ...*node) []keystore.Certificate {
	var out []keystore.Certificate
	for _, n := range nodes {
		out = append(out, keystore.NewCertificate(n.cert.Raw))
	}
	return out
}

// chainCase is a chain, what it is checked against, and the answer; "" is valid.
type chainCase struct {
	name  string
	chain []keystore.Certificate
	opts  Options
	want  Code
}

// chainCases is one case for each rule, and those around it that must pass.
func chainCases(t *testing.T) []chainCase {
	root := sign(t, nil, "root", asCA)
	issuing := sign(t, root, "issuing", asCA)
	server := sign(t, issuing, "server", asServer)
	stranger := sign(t, nil, "root", asCA) // the right name, another key
	good := Options{Anchors: certs(root), At: noon}
	with := func(change func(*Options)) Options {
		o := good
		change(&o)
		return o
	}
	host := func(h string) Options { return with(func(o *Options) { o.Host = h }) }
	purpose := func(p Purpose) Options { return with(func(o *Options) { o.Purpose = p }) }
	lists := func(l ...*x509.RevocationList) Options { return with(func(o *Options) { o.CRLs = l }) }
	leafUnder := func(parent *node, change func(*x509.Certificate)) []keystore.Certificate {
		return certs(sign(t, parent, "leaf", change), parent)
	}
	under := func(change func(*x509.Certificate)) []keystore.Certificate { // a leaf below an odd intermediate
		return leafUnder(sign(t, root, "odd", func(c *x509.Certificate) { asCA(c); change(c) }), asServer)
	}

	return []chainCase{
		{"leaf and intermediate", certs(server, issuing), good, ""},
		{"with the root in it", certs(server, issuing, root), good, ""},
		{"in the wrong order", certs(server, root, issuing), good, ""},
		{"the intermediate as anchor", certs(server), Options{Anchors: certs(issuing), At: noon}, ""},
		{"a trusted leaf", certs(server), Options{Anchors: certs(server), At: noon}, ""},
		{"no intermediate", certs(server), good, UnknownCA},
		{"no chain", nil, good, Malformed},
		{"no anchors", certs(server, issuing), Options{At: noon}, UnknownCA},
		{"a stranger's root of the same name", certs(server, issuing), Options{Anchors: certs(stranger), At: noon}, BadSignature},
		{"a self-signed stranger", certs(stranger), good, UnknownCA},
		{"a self-signed leaf", certs(sign(t, nil, "self", asServer)), good, UnknownCA},
		{"garbage for a leaf", []keystore.Certificate{{Raw: []byte("x")}}, good, Malformed},

		{"its host", certs(server, issuing), host("mqtt.example.com"), ""},
		{"its host in capitals", certs(server, issuing), host("MQTT.example.com"), ""},
		{"its wildcard", certs(server, issuing), host("a.wild.example"), ""},
		{"two labels under a wildcard", certs(server, issuing), host("a.b.wild.example"), WrongHost},
		{"its address", certs(server, issuing), host("127.0.0.1"), ""},
		{"another host", certs(server, issuing), host("mqtt.example.org"), WrongHost},
		{"the common name is no host", certs(server, issuing), host("server"), WrongHost},

		{"its purpose", certs(server, issuing), purpose(Server), ""},
		{"the other purpose", certs(server, issuing), purpose(Client), WrongPurpose},
		{"a CA for the other purpose", under(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), purpose(Server), WrongPurpose},
		{"no extended key usage", leafUnder(issuing, nil), purpose(Client), ""},
		{"a key usage without TLS", leafUnder(issuing, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }), purpose(Client), WrongUsage},

		{"later", certs(server, issuing), with(func(o *Options) { o.At = noon.AddDate(2, 0, 0) }), Expired},
		{"earlier", certs(server, issuing), with(func(o *Options) { o.At = noon.AddDate(-2, 0, 0) }), NotYetValid},
		{"an expired intermediate", under(func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) }), good, Expired},
		{"a leaf as intermediate", leafUnder(sign(t, root, "odd", nil), asServer), good, NotACA},
		{"an intermediate that may not sign", under(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), good, NotACA},
		{"a path too long", func() []keystore.Certificate {
			short := sign(t, root, "short", func(c *x509.Certificate) { asCA(c); c.MaxPathLenZero = true })
			below := sign(t, short, "below", asCA)
			return certs(sign(t, below, "leaf", asServer), below, short)
		}(), good, NotACA},
		{"outside of the name constraints", under(func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.org"}
		}), good, Constraint},
		{"an unknown critical extension", leafUnder(issuing, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}), good, Unsupported},

		{"on no CRL", certs(server, issuing), lists(crl(t, issuing, nil), crl(t, root, nil)), ""},
		{"a CRL for the leaf only", certs(server, issuing), lists(crl(t, issuing, nil)), ""},
		{"revoked", certs(server, issuing), lists(crl(t, issuing, nil, server)), Revoked},
		{"revoked on one of two", certs(server, issuing), lists(crl(t, issuing, nil), crl(t, issuing, nil, server)), Revoked},
		{"the intermediate revoked", certs(server, issuing), lists(crl(t, issuing, nil), crl(t, root, nil, issuing)), Revoked},
		{"taken off again", certs(server, issuing), lists(crl(t, issuing, func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ReasonCode = reasonRemove }, server)), ""},
		{"a CRL of somebody else", certs(server, issuing), lists(crl(t, root, nil)), CRLMissing},
		{"a CRL that is out of date", certs(server, issuing), lists(crl(t, issuing, func(l *x509.RevocationList) { l.NextUpdate = noon.Add(-time.Minute) }, server)), CRLExpired},
		{"a CRL of the future", certs(server, issuing), lists(crl(t, issuing, func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(time.Minute) })), CRLNotYetValid},
		{"an old CRL beside a good one", certs(server, issuing), lists(crl(t, issuing, func(l *x509.RevocationList) { l.NextUpdate = noon.Add(-time.Minute) }), crl(t, issuing, nil)), ""},
		{"a forged CRL", certs(server, issuing), lists(crl(t, &node{cert: issuing.cert, key: issuing.key}, nil), forged(t, issuing, stranger)), ""},
		{"a forged CRL alone", certs(server, issuing), lists(forged(t, issuing, stranger)), CRLBad},
		{"a CRL for some certificates only", certs(server, issuing), lists(crl(t, issuing, func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}}
		})), CRLBad},
	}
}

func TestChain(t *testing.T) {
	for _, tc := range chainCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			path, err := Chain(tc.chain, tc.opts)
			if tc.want == "" {
				require.NoError(t, err)
				assert.Equal(t, tc.chain[0].Raw, path[0].Raw)
				return
			}
			var refusal *Refusal
			require.True(t, errors.As(err, &refusal), "%v", err)
			assert.Equal(t, tc.want, refusal.Code, "%v", err)
			assert.NotEmpty(t, refusal.Text)
			assert.Nil(t, path)
		})
	}
}

// forged is a CRL in issuer's name, signed by somebody else.
func forged(t *testing.T, issuer, by *node) *x509.RevocationList {
	t.Helper()
	named := *by.cert
	named.RawSubject = issuer.cert.RawSubject
	return crl(t, &node{cert: &named, key: by.key}, nil)
}

func TestChainIsBounded(t *testing.T) {
	root := sign(t, nil, "root", asCA)
	_, err := Chain(slices.Repeat(certs(root), maxChain+1), Options{Anchors: certs(root), At: noon})
	require.ErrorIs(t, err, keystore.ErrTooLarge)
}
