package lint_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	zlints "github.com/zmap/zlint/v3/lint"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// registry is zlint's rules as far as they bind a CA that no browser vendor supervises.
func registry(t *testing.T) zlints.Registry {
	t.Helper()
	r, err := zlints.GlobalRegistry().Filter(zlints.FilterOptions{IncludeSources: zlints.SourceList{
		zlints.RFC5280, zlints.RFC5480, zlints.RFC5891, zlints.RFC8813, zlints.Community,
	}})
	require.NoError(t, err)
	require.Greater(t, len(r.Names()), 150, "the filter has to leave something")
	return r
}

// requireClean fails on every finding above notice.
func requireClean(t *testing.T, what string, set *zlint.ResultSet) {
	t.Helper()
	passed := 0
	for name, result := range set.Results {
		if result.Status > zlints.Notice {
			t.Errorf("%s: %s is %s: %s", what, name, result.Status, result.Details)
		}
		if result.Status == zlints.Pass {
			passed++
		}
	}
	require.Positive(t, passed, "no rule applied to %s", what)
}

func lintCertificate(t *testing.T, what string, der []byte) {
	t.Helper()
	cert, err := zx509.ParseCertificate(der)
	require.NoError(t, err, what)
	requireClean(t, what, zlint.LintCertificateEx(cert, registry(t)))
}

func lintCRL(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	crl, err := zx509.ParseRevocationList(block.Bytes)
	require.NoError(t, err)
	requireClean(t, path, zlint.LintRevocationListEx(crl, registry(t)))
}

// lintHome lints everything that stands in a PKI: all certificates of the inventory, and the CRLs.
func lintHome(t *testing.T, h *ca.Home) {
	t.Helper()
	linted := 0
	for e, err := range h.Inventory().List(t.Context(), inventory.Filter{}) {
		require.NoError(t, err)
		der, err := h.Inventory().Certificate(t.Context(), e.ID)
		require.NoError(t, err)
		lintCertificate(t, e.Role+" "+e.Name, der)
		linted++
	}
	require.Greater(t, linted, 2)
	for _, path := range []string{ca.RootCRLPath, h.CRLPath()} {
		lintCRL(t, h.Path(path))
	}
}

// TestZlint: every kind of certificate and CRL that this program makes.
func TestZlint(t *testing.T) {
	now := time.Now
	subject, err := ca.ParseDN("CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB")
	require.NoError(t, err)
	var constraints ca.NameConstraints
	constraints.PermittedDNS = []string{"example.com"}
	constraints.ExcludedDNS = []string{"secret.example.net"}
	constraints.PermittedIP = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	constraints.PermittedEmail = []string{".example.com"}
	for _, tc := range []struct {
		name string
		req  ca.InitRequest
	}{
		{"root and issuing", ca.InitRequest{}},
		{"one CA, as in the scripts", ca.InitRequest{RootOnly: true, Subject: subject}},
		{"constraints", ca.InitRequest{Constraints: constraints, Subject: subject}},
		{"any path length", ca.InitRequest{PathLength: -1}},
		{"beyond 2050", ca.InitRequest{Root: ca.CASpec{Validity: 40 * 365 * 24 * time.Hour}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, a := home(t, tc.req, now)
			issueEverything(t, h, a)
			_, err := h.Revoke(t.Context(), []string{"client.example.com"}, 1)
			require.NoError(t, err)
			_, err = h.SignCRL(t.Context(), a)
			require.NoError(t, err)
			lintHome(t, h)
		})
	}
	for _, kind := range ca.KeyTypes() {
		if testing.Short() && (kind == ca.RSA3072 || kind == ca.RSA4096) {
			continue // making such keys takes longer than all the rest
		}
		t.Run("CA of "+string(kind), func(t *testing.T) {
			h, a := home(t, ca.InitRequest{Root: ca.CASpec{Key: keyOf(t, kind)}, Issuing: ca.CASpec{Key: keyOf(t, kind)}}, now)
			issueEverything(t, h, a)
			lintHome(t, h)
		})
	}
}

// TestZlintSelfSigned: the route without a CA.
func TestZlintSelfSigned(t *testing.T) {
	for _, kind := range []ca.KeyType{ca.ECDSAP256, ca.RSA2048, ca.Ed25519} {
		for _, role := range ca.LeafRoles() {
			cert, _, err := ca.SelfSign(ca.Profile{}, ca.Request{Role: role, Name: "mqtt.example.com"}, keyOf(t, kind), time.Now(), rand.Reader)
			require.NoError(t, err)
			lintCertificate(t, "self-signed "+string(role)+" "+string(kind), cert.Raw)
		}
	}
}

// TestZlintBites: the oracle is there, and the filter leaves rules that find something.
func TestZlintBites(t *testing.T) {
	key := keyOf(t, ca.ECDSAP256)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a..b"}, NotBefore: time.Now(), NotAfter: time.Now()}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Signer.Public(), key.Signer)
	require.NoError(t, err)
	cert, err := zx509.ParseCertificate(der)
	require.NoError(t, err)
	set := zlint.LintCertificateEx(cert, registry(t))
	require.True(t, set.ErrorsPresent)
}

// keys are made once for each type: RSA takes its time.
var keys = map[ca.KeyType]*keystore.PrivateKey{}

func keyOf(t *testing.T, kind ca.KeyType) *keystore.PrivateKey {
	t.Helper()
	if keys[kind] == nil {
		key, err := kind.Generate(rand.Reader)
		require.NoError(t, err)
		keys[kind] = key
	}
	return keys[kind]
}

func issueEverything(t *testing.T, h *ca.Home, a *ca.Authority) {
	t.Helper()
	for i, kind := range []ca.KeyType{ca.ECDSAP256, ca.ECDSAP384, ca.RSA2048, ca.Ed25519} {
		for _, role := range ca.LeafRoles() {
			name := string(role) + string(rune('a'+i)) + ".example.com"
			_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: role, Name: name}, Key: keyOf(t, kind)})
			require.NoError(t, err)
		}
	}
	for _, req := range []ca.Request{
		{Role: ca.RoleClient, Name: "client.example.com"},
		{Role: ca.RoleClient, Name: "sensor_17"},
		{Role: ca.RoleClient, Name: "Ünï/cödé #1", AllowName: true},
		{Role: ca.RoleServer, Name: "*.example.com"},
		{Role: ca.RoleServer, Name: "10.1.2.3"},
		{Role: ca.RoleServer, Name: "fd00::1"},
		{Role: ca.RoleServer, Name: "bücher.example.com"},
		{Role: ca.RoleServer, Name: "a.really.long.name.that.no.common.name.has.room.for.in.all.its.beauty.example.com"},
	} {
		_, err := h.Issue(t.Context(), a, ca.Order{Request: req})
		require.NoError(t, err)
	}
	day := 24 * time.Hour
	for _, req := range []ca.Request{
		{Role: ca.RoleClient, Name: "probe-expired", NotBefore: time.Now().Add(-3 * day), NotAfter: time.Now().Add(-2 * day)},
		{Role: ca.RoleClient, Name: "probe-future", NotBefore: time.Now().Add(day), NotAfter: time.Now().Add(2 * day)},
	} {
		_, err := h.Mint(t.Context(), a, req)
		require.NoError(t, err)
	}
}

// home makes a PKI and opens it.
func home(t *testing.T, req ca.InitRequest, now func() time.Time) (*ca.Home, *ca.Authority) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	opts := ca.Options{Now: now, Random: rand.Reader}
	req.Root.Password, req.Issuing.Password, req.Iterations = keystore.Secret("x"), keystore.Secret("x"), 1
	_, err := ca.Init(t.Context(), dir, req, opts)
	require.NoError(t, err)
	h, err := ca.Open(t.Context(), dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	a, err := h.Unlock(keystore.Secret("x"))
	require.NoError(t, err)
	return h, a
}
