package lint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/lint"
	"github.com/mqttpki/mqttpki/keystore"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func subject(t *testing.T, attributes ...keystore.Attribute) []byte {
	t.Helper()
	var name keystore.Name
	for _, a := range attributes {
		name = append(name, keystore.RDN{a})
	}
	der, err := name.DER()
	require.NoError(t, err)
	return der
}

func cn(text string) keystore.Attribute { return keystore.TextAttribute(keystore.OIDCommonName, text) }

// goodLeaf has nothing to find fault with.
func goodLeaf(t *testing.T) *x509.Certificate {
	return &x509.Certificate{
		PublicKey: keyOf(t, ca.ECDSAP256).Signer.Public(), RawSubject: subject(t, cn("a")), NotBefore: noon, NotAfter: noon.Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		DNSNames: []string{"a"}, SubjectKeyId: []byte{1}, AuthorityKeyId: []byte{2},
	}
}

func goodCA(t *testing.T) *x509.Certificate {
	c := goodLeaf(t)
	c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.DNSNames = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil, nil
	c.MaxPathLenZero, c.NotAfter = true, noon.Add(2*time.Hour)
	return c
}

// TestEachRule: a good certificate passes, and one change breaks exactly the rule it should.
func TestEachRule(t *testing.T) {
	require.Empty(t, lint.Leaf(goodLeaf(t), []*x509.Certificate{goodCA(t)}))
	require.Empty(t, lint.CA(goodCA(t), nil))
	require.Empty(t, lint.SelfSigned(goodLeaf(t)))
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	urn, err := url.Parse("urn:x:y")
	require.NoError(t, err)
	for _, tc := range []struct {
		rule string
		edit func(leaf, issuer *x509.Certificate)
	}{
		{"validity-order", func(l, _ *x509.Certificate) { l.NotAfter = l.NotBefore }},
		{"validity-years", func(l, _ *x509.Certificate) { l.NotBefore = time.Date(1949, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"subject-encoding", func(l, _ *x509.Certificate) { l.RawSubject = []byte("rubbish") }},
		{"subject-encoding", func(l, _ *x509.Certificate) { l.RawSubject = subject(t, cn(strings.Repeat("a", 65))) }},
		{"subject-encoding", func(l, _ *x509.Certificate) { l.RawSubject = subject(t, cn("a ")) }},
		{"subject-encoding", func(l, _ *x509.Certificate) {
			l.RawSubject = subject(t, keystore.TextAttribute(keystore.OIDCountry, "G"))
		}},
		{"key-strength", func(l, _ *x509.Certificate) { l.PublicKey = small.Public() }},
		{"key-strength", func(l, _ *x509.Certificate) { l.PublicKey = weak }},
		{"key-strength", func(l, _ *x509.Certificate) { l.PublicKey = nil }},
		{"key-identifiers", func(l, _ *x509.Certificate) { l.SubjectKeyId = nil }},
		{"key-identifiers", func(l, _ *x509.Certificate) { l.AuthorityKeyId = nil }},
		{"basic-constraints", func(l, _ *x509.Certificate) { l.BasicConstraintsValid = false }},
		{"leaf-no-ca", func(l, i *x509.Certificate) { l.IsCA, i.MaxPathLen = true, 1 }},
		{"leaf-key-usage", func(l, _ *x509.Certificate) { l.KeyUsage |= x509.KeyUsageKeyEncipherment }},
		{"leaf-key-usage", func(l, _ *x509.Certificate) { l.KeyUsage |= x509.KeyUsageKeyAgreement }},
		{"leaf-extended-key-usage", func(l, _ *x509.Certificate) { l.ExtKeyUsage = nil }},
		{"leaf-extended-key-usage", func(l, _ *x509.Certificate) { l.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }},
		{"leaf-names", func(l, _ *x509.Certificate) { l.DNSNames = nil }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.DNSNames = []string{"a_b"} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.DNSNames = []string{"a..b"} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.DNSNames = []string{"a.*.b"} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.DNSNames = []string{strings.Repeat("a.", 127) + "a"} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.IPAddresses = []net.IP{{1, 2, 3}} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.URIs = []*url.URL{{Path: "relative"}} }},
		{"names-syntax", func(l, _ *x509.Certificate) { l.EmailAddresses = []string{"a"} }},
		{"urls", func(l, _ *x509.Certificate) { l.CRLDistributionPoints = []string{"https://a/b"} }},
		{"urls", func(l, _ *x509.Certificate) { l.OCSPServer = []string{"a"} }},
		{"outlives-issuer", func(l, i *x509.Certificate) { l.NotAfter = i.NotAfter.Add(time.Second) }},
		{"name-constraints", func(_, i *x509.Certificate) { i.PermittedDNSDomains = []string{"b"} }},
		{"name-constraints", func(l, i *x509.Certificate) {
			l.IPAddresses = []net.IP{{10, 0, 0, 1}}
			i.ExcludedIPRanges = []*net.IPNet{{IP: net.IP{10, 0, 0, 0}, Mask: net.CIDRMask(8, 32)}}
		}},
		{"name-constraints", func(l, i *x509.Certificate) {
			l.EmailAddresses = []string{"a@b.c"}
			i.PermittedEmailAddresses = []string{"x@b.c", "c"}
		}},
		{"name-constraints", func(l, i *x509.Certificate) {
			l.URIs = []*url.URL{urn}
			i.ExcludedURIDomains = []string{"b.c"}
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			leaf, issuer := goodLeaf(t), goodCA(t)
			tc.edit(leaf, issuer)
			requireOnly(t, tc.rule, lint.Leaf(leaf, []*x509.Certificate{issuer}))
		})
	}
}

func TestEachRuleOfCAs(t *testing.T) {
	for _, tc := range []struct {
		rule string
		edit func(c, root *x509.Certificate)
	}{
		{"ca-usage", func(c, _ *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }},
		{"ca-no-tls", func(c, _ *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }},
		{"ca-subject", func(c, _ *x509.Certificate) { c.RawSubject = subject(t) }},
		{"path-length", func(_, root *x509.Certificate) { root.MaxPathLen, root.MaxPathLenZero = 0, true }},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			c, root := goodCA(t), goodCA(t)
			root.MaxPathLen = 1
			root.MaxPathLenZero = false
			require.Empty(t, lint.CA(c, []*x509.Certificate{root}))
			tc.edit(c, root)
			requireOnly(t, tc.rule, lint.CA(c, []*x509.Certificate{root}))
		})
	}
}

func requireOnly(t *testing.T, rule string, found []lint.Finding) {
	t.Helper()
	require.NotEmpty(t, found)
	for _, f := range found {
		assert.Equal(t, rule, f.Rule, f.String())
		assert.NotEmpty(t, f.Clause)
	}
}

func TestSerial(t *testing.T) {
	one := big.NewInt(1)
	assert.NotEmpty(t, lint.Serial(nil))
	assert.NotEmpty(t, lint.Serial(big.NewInt(0)))
	assert.NotEmpty(t, lint.Serial(big.NewInt(-5)))
	assert.NotEmpty(t, lint.Serial(big.NewInt(12345)))
	assert.NotEmpty(t, lint.Serial(new(big.Int).Lsh(one, 159)))
	assert.Empty(t, lint.Serial(new(big.Int).Lsh(one, 158)))
}
