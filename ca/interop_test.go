package ca_test

import (
	"crypto/rand"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// purposes are what openssl is to accept each role for, and nothing else.
var purposes = map[ca.Role][]string{
	ca.RoleServer: {"sslserver"}, ca.RoleClient: {"sslclient"}, ca.RoleBridge: {"sslserver", "sslclient"},
}

// TestOpenSSLVerify: `openssl verify -x509_strict` with CRLs of the whole chain accepts every role under every key type,
// for its purpose alone, and no longer when it is revoked.
func TestOpenSSLVerify(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	for _, kind := range ca.KeyTypes() {
		if testing.Short() && (kind == ca.RSA3072 || kind == ca.RSA4096) {
			continue // making such keys takes longer than all the rest
		}
		root, issuing := ca.CASpec{Key: keyOf(t, kind)}, ca.CASpec{Key: otherKeyOf(t, kind)}
		t.Run(string(kind), func(t *testing.T) {
			verifyRoles(t, openssl, ca.InitRequest{Root: root, Issuing: issuing}, kind)
		})
		t.Run(string(kind)+", one CA", func(t *testing.T) {
			verifyRoles(t, openssl, ca.InitRequest{Root: root, RootOnly: true}, kind)
		})
	}
	t.Run("name constraints", func(t *testing.T) {
		constraints := ca.NameConstraints{PermittedDNS: []string{"example.com"}, ExcludedDNS: []string{"secret.example.com"},
			PermittedIP: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		verifyRoles(t, openssl, ca.InitRequest{Constraints: constraints}, ca.ECDSAP256)
	})
}

// verifyRoles issues under every role and lets openssl judge it for every purpose.
func verifyRoles(t *testing.T, openssl string, req ca.InitRequest, kind ca.KeyType) {
	t.Helper()
	h, a := newHome(t, req, time.Now)
	for _, role := range ca.LeafRoles() {
		name := string(role) + ".example.com"
		_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: role, Name: name}, Key: keyOf(t, kind)})
		require.NoError(t, err)
		for _, purpose := range []string{"sslserver", "sslclient"} {
			out, err := opensslVerify(t, openssl, h, ca.FilesOf(role, name), purpose)
			if slices.Contains(purposes[role], purpose) {
				require.NoError(t, err, "%s as %s:\n%s", role, purpose, out)
			} else {
				require.Error(t, err, "%s as %s", role, purpose)
				require.Contains(t, out, "unsuitable certificate purpose")
			}
		}
	}
	out, err := opensslVerify(t, openssl, h, ca.ProbeFiles(), "sslclient")
	require.Error(t, err)
	require.Contains(t, out, "certificate revoked")
}

func opensslVerify(t *testing.T, openssl string, h *ca.Home, files ca.Files, purpose string) (string, error) {
	t.Helper()
	crls := filepath.Join(t.TempDir(), "crls.pem")
	require.NoError(t, os.WriteFile(crls, readAll(t, h, ca.RootCRLPath, h.CRLPath()), 0o600))
	return interop.Try(t, h.Dir(), openssl, "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-crl_check_all", "-CRLfile", crls,
		"-CAfile", h.Path(ca.TrustPath), "-untrusted", h.Path(files.Chain), h.Path(files.Cert))
}

func readAll(t *testing.T, h *ca.Home, paths ...string) []byte {
	t.Helper()
	var all []byte
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[path] {
			continue
		}
		seen[path] = true
		data, err := os.ReadFile(h.Path(path))
		require.NoError(t, err)
		all = append(all, data...)
	}
	return all
}

// TestOpenSSLSelfSigned: the route without a CA: each side's certificate is the other's anchor.
func TestOpenSSLSelfSigned(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	for _, kind := range []ca.KeyType{ca.ECDSAP256, ca.RSA2048} {
		for role, accepted := range purposes {
			cert, _, err := ca.SelfSign(ca.Profile{}, ca.Request{Role: role, Name: "mqtt.example.com"}, keyOf(t, kind), time.Now(), rand.Reader)
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "self.crt")
			require.NoError(t, os.WriteFile(file, pemfile.EncodeCertificates(keystore.NewCertificate(cert.Raw)), 0o600))
			for _, purpose := range accepted {
				interop.Run(t, "", openssl, "verify", "-purpose", purpose, "-CAfile", file, file)
			}
		}
	}
}

// TestOpenSSLReads: keys at rest open with the password and the iterations asked for, and names print alike.
func TestOpenSSLReads(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	subject, err := ca.ParseDN(`CN=mqttca.ibm.id.com, OU="I, D"+UID=ü, O=IBM, L=Hursley, S=Hants, C=GB`)
	require.NoError(t, err)
	h, _ := newHome(t, ca.InitRequest{Subject: subject}, time.Now)
	for _, path := range []string{ca.RootKeyPath, ca.IssuingKeyPath} {
		out := interop.Run(t, h.Dir(), openssl, "pkey", "-in", h.Path(path), "-passin", "pass:"+string([]byte(caPassword)), "-noout", "-text")
		assert.Contains(t, out, "P-256")
	}
	out := interop.Run(t, h.Dir(), openssl, "x509", "-in", h.Path(ca.RootCertPath), "-noout", "-subject", "-nameopt", "RFC2253")
	ours, err := keystore.RFC2253(h.Root().RawSubject)
	require.NoError(t, err)
	assert.Equal(t, "subject="+ours, strings.TrimSpace(out))
	out = interop.Run(t, h.Dir(), openssl, "x509", "-in", h.Path(ca.RootCertPath), "-noout", "-ext", "basicConstraints,keyUsage")
	assert.Contains(t, out, "Basic Constraints: critical\n    CA:TRUE, pathlen:1")
	assert.Contains(t, out, "Key Usage: critical\n    Certificate Sign, CRL Sign")
}

// TestKeytoolReads: every JDK prints what we made, with the subject spelled as JavaString does.
func TestKeytoolReads(t *testing.T) {
	subject, err := ca.ParseDN(`CN=mqttca.ibm.id.com, OU="I, D", O=IBM  UK, L=Hursley\, Hants, E=a@example.com, SERIALNUMBER=7, S=Hants, C=GB`)
	require.NoError(t, err)
	h, a := newHome(t, ca.InitRequest{Subject: subject}, time.Now)
	for _, role := range ca.LeafRoles() {
		_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: role, Name: string(role) + ".example.com"}})
		require.NoError(t, err)
	}
	root, err := keystore.ParseName(h.Root().RawSubject)
	require.NoError(t, err)
	for _, jdk := range interop.JDKs(t) {
		keytool := jdk.Tool("keytool")
		out := interop.Run(t, h.Dir(), keytool, "-J-Duser.language=en", "-printcert", "-file", h.Path(ca.RootCertPath))
		assert.Contains(t, out, "Owner: "+root.JavaString()+"\n")
		for role, want := range map[ca.Role]string{ca.RoleServer: "serverAuth", ca.RoleClient: "clientAuth"} {
			out := interop.Run(t, h.Dir(), keytool, "-J-Duser.language=en", "-printcert", "-file", h.Path(ca.FilesOf(role, string(role)+".example.com").Chain))
			assert.Contains(t, out, want)
			assert.Contains(t, out, "DNSName: "+string(role)+".example.com")
		}
		out = interop.Run(t, h.Dir(), keytool, "-J-Duser.language=en", "-printcrl", "-file", h.Path(ca.IssuingCRLPath))
		assert.Contains(t, out, "X.509 CRL v2")
	}
}

// keys are made once for each type: RSA takes its time.
var keys = map[string]*keystore.PrivateKey{}

func keyOf(t *testing.T, kind ca.KeyType) *keystore.PrivateKey { return keyNamed(t, kind, "") }

// otherKeyOf is a second key of the type, for an issuing CA beside a root.
func otherKeyOf(t *testing.T, kind ca.KeyType) *keystore.PrivateKey {
	return keyNamed(t, kind, "other")
}

func keyNamed(t *testing.T, kind ca.KeyType, name string) *keystore.PrivateKey {
	t.Helper()
	id := name + string(kind)
	if keys[id] == nil {
		key, err := kind.Generate(rand.Reader)
		require.NoError(t, err)
		keys[id] = key
	}
	return keys[id]
}
