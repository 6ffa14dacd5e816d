package scripts_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// The subjects as keytool prints them: most significant part last, S as ST.
const (
	caOwner     = "CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, ST=Hants, C=GB"
	serverOwner = "CN=mqttserver.ibm.id.com, OU=ID, O=IBM, L=Hursley, ST=Hants, C=GB"
	clientOwner = "CN=mqttclient.ibm.id.com, OU=ID, O=IBM, L=Hursley, ST=Hants, C=GB"

	caSubject     = "C = GB, ST = Hants, L = Hursley, O = IBM, OU = ID, CN = mqttca.ibm.id.com"
	serverSubject = "C = GB, ST = Hants, L = Hursley, O = IBM, OU = ID, CN = mqttserver.ibm.id.com"
	clientSubject = "C = GB, ST = Hants, L = Hursley, O = IBM, OU = ID, CN = mqttclient.ibm.id.com"
)

// What is in the stores at the end of each path: the tables of the source.
var (
	caPath = map[string]string{
		"cakeystore.jks":      "JKS\nPrivateKeyEntry caalias [" + caOwner + "]",
		"srvkeystore.jks":     "JKS\nPrivateKeyEntry srvalias [" + serverOwner + "; " + caOwner + "]\ntrustedCertEntry caalias [" + caOwner + "]",
		"cltkeystore.jks":     "JKS\nPrivateKeyEntry cltalias [" + clientOwner + "; " + caOwner + "]",
		"cltkeystore.p12":     "PKCS12\nPrivateKeyEntry cltalias [" + clientOwner + "; " + caOwner + "]",
		"cltcatruststore.jks": "JKS\ntrustedCertEntry caalias [" + caOwner + "]",
		"cltcatruststore.p12": "PKCS12\ntrustedCertEntry caalias [" + caOwner + "]",
		"cltkeystore.pem":     "ENCRYPTED PRIVATE KEY\nCERTIFICATE " + clientSubject + "\nCERTIFICATE " + caSubject,
		"cltcatruststore.pem": "CERTIFICATE " + caSubject,
	}
	selfSignedPath = map[string]string{
		"cakeystore.jks":       "JKS\nPrivateKeyEntry caalias [" + caOwner + "]",
		"srvkeystore.jks":      "JKS\nPrivateKeyEntry srvalias [" + serverOwner + "]\ntrustedCertEntry cltalias [" + clientOwner + "]",
		"cltkeystore.jks":      "JKS\nPrivateKeyEntry cltalias [" + clientOwner + "]",
		"cltkeystore.p12":      "PKCS12\nPrivateKeyEntry cltalias [" + clientOwner + "]",
		"cltsrvtruststore.jks": "JKS\ntrustedCertEntry srvalias [" + serverOwner + "]",
		"cltsrvtruststore.p12": "PKCS12\ntrustedCertEntry srvalias [" + serverOwner + "]",
		"cltkeystore.pem":      "ENCRYPTED PRIVATE KEY\nCERTIFICATE " + clientSubject,
		"cltsrvtruststore.pem": "CERTIFICATE " + serverSubject,
	}
	caPathFiles = []string{
		"cacert.cer", "cakeystore.jks", "cltcacertsigned.cer", "cltcatruststore.jks", "cltcatruststore.p12", "cltcatruststore.pem",
		"cltcertreq.csr", "cltkeystore.jks", "cltkeystore.p12", "cltkeystore.pem", "pki/", "srvcertcasigned.cer", "srvcertreq.csr",
		"srvkeystore.jks",
	}
	selfSignedPathFiles = []string{
		"cakeystore.jks", "cltcertselfsigned.cer", "cltkeystore.jks", "cltkeystore.p12", "cltkeystore.pem", "cltsrvtruststore.jks",
		"cltsrvtruststore.p12", "cltsrvtruststore.pem", "pki/", "srvcertselfsigned.cer", "srvkeystore.jks",
	}
)

// checkStores requires of all stores that list, which is keytool or listing, and openssl find in them what is wanted.
func (p *place) checkStores(want map[string]string, list func(t *testing.T, store, password string) string) {
	p.t.Helper()
	for name, content := range want {
		got := ""
		if filepath.Ext(name) == ".pem" {
			got = pemTypes(p.t, p.file(name))
		} else {
			got = list(p.t, p.file(name), p.env["password"])
		}
		assert.Equal(p.t, content, got, name)
	}
}

// shells runs a test with the .sh files, and with the .bat files under wine.
func shells(t *testing.T, test func(*testing.T, *place)) {
	t.Run("sh", func(t *testing.T) { test(t, newPlace(t, nil)) })
	t.Run("bat", func(t *testing.T) { test(t, newPlace(t, wine(t))) })
}

func TestCAPath(t *testing.T) {
	shells(t, func(t *testing.T, p *place) {
		p.run("genkeys")
		assert.Equal(t, []string{"cakeystore.jks", "cltkeystore.jks", "pki/", "srvkeystore.jks"}, p.files())
		out := p.run("cacerts")
		assert.Contains(t, out, "cajkskeystore=none")
		assert.Equal(t, caPathFiles, p.files())
		p.checkStores(caPath, listing)
		if p.wine != nil {
			return
		}
		p.checkStores(caPath, keytool)
		p.checkModes()
		p.checkCertificate("srvcertcasigned.cer", serverSubject, caSubject, 5000, "TLS Web Server Authentication",
			"DNS:mqttserver.ibm.id.com, DNS:localhost")
		p.checkCertificate("cltcacertsigned.cer", clientSubject, caSubject, 5000, "TLS Web Client Authentication",
			"DNS:mqttclient.ibm.id.com")
		p.checkCertificate("cacert.cer", caSubject, caSubject, 5001, "", "")
		p.checkVerifies()
	})
}

func TestSelfSignedPath(t *testing.T) {
	shells(t, func(t *testing.T, p *place) {
		p.run("sscerts")
		assert.Equal(t, selfSignedPathFiles, p.files())
		p.checkStores(selfSignedPath, listing)
		if p.wine != nil {
			return
		}
		p.checkStores(selfSignedPath, keytool)
		p.checkModes()
		p.checkCertificate("srvcertselfsigned.cer", serverSubject, serverSubject, 5000, "TLS Web Server Authentication",
			"DNS:mqttserver.ibm.id.com, DNS:localhost")
		p.checkCertificate("cltcertselfsigned.cer", clientSubject, clientSubject, 5000, "TLS Web Client Authentication",
			"DNS:mqttclient.ibm.id.com")
	})
}

// checkModes requires that keys are their owner's alone.
func (p *place) checkModes() {
	p.t.Helper()
	for _, name := range []string{"cakeystore.jks", "srvkeystore.jks", "cltkeystore.jks", "cltkeystore.p12", "cltkeystore.pem", "pki/ca/root.key"} {
		info, err := os.Stat(p.file(name))
		require.NoError(p.t, err)
		assert.EqualValues(p.t, 0o600, info.Mode().Perm(), name)
	}
	info, err := os.Stat(p.certs)
	require.NoError(p.t, err)
	assert.EqualValues(p.t, 0o700, info.Mode().Perm())
}

// checkCertificate has openssl say what a certificate says.
func (p *place) checkCertificate(name, subject, issuer string, days int, usage, sans string) {
	p.t.Helper()
	raw := der(p.t, p.file(name))
	text := certificate(p.t, raw)
	assert.Equal(p.t, subject, field(text, "subject="), name)
	assert.Equal(p.t, issuer, field(text, "issuer="), name)
	after := func(label string) string {
		_, rest, _ := strings.Cut(text, label)
		_, rest, _ = strings.Cut(rest, "\n")
		line, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(line)
	}
	assert.Equal(p.t, usage, after("X509v3 Extended Key Usage:"), name)
	assert.Equal(p.t, sans, after("X509v3 Subject Alternative Name:"), name)
	cert, err := x509.ParseCertificate(raw)
	require.NoError(p.t, err)
	left := time.Until(cert.NotAfter)
	assert.InDelta(p.t, float64(days*24), left.Hours(), 1, "%s is valid for %v", name, left)
}

// checkVerifies requires that openssl accepts both certificates for what they are for, by its strict rules.
func (p *place) checkVerifies() {
	p.t.Helper()
	for name, purpose := range map[string]string{"srvcertcasigned.cer": "sslserver", "cltcacertsigned.cer": "sslclient"} {
		interop.Run(p.t, p.certs, interop.Need(p.t, "openssl"), "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "cacert.cer", name)
	}
	p.t.Setenv("PEMPASS", p.env["password"])
	interop.Run(p.t, p.certs, interop.Need(p.t, "openssl"), "pkey", "-in", "cltkeystore.pem", "-passin", "env:PEMPASS", "-noout")
}

// Each path works without genkeys, and again without changing a byte.
func TestPathsRunAloneAndAgain(t *testing.T) {
	for script, files := range map[string][]string{"cacerts": caPathFiles, "sscerts": selfSignedPathFiles} {
		t.Run(script, func(t *testing.T) {
			p := newPlace(t, nil)
			p.env["algorithm"] = "EC"
			p.run(script)
			assert.Equal(t, files, p.files())
			before := p.snapshot()
			out := p.run(script)
			assert.Equal(t, before, p.snapshot())
			for line := range strings.Lines(out) {
				if !strings.HasPrefix(line, "warning: ") {
					assert.Contains(t, line, "(unchanged)")
				}
			}
			p.run("genkeys")
			assert.Equal(t, before, p.snapshot())
		})
	}
}

// snapshot returns the content of all files directly in certpath.
func (p *place) snapshot() map[string]string {
	p.t.Helper()
	all := map[string]string{}
	for _, name := range p.files() {
		if strings.HasSuffix(name, "/") {
			continue
		}
		data, err := os.ReadFile(p.file(name))
		require.NoError(p.t, err)
		all[name] = string(data)
	}
	return all
}

// One path after the other ends where the other alone does, with the same keys: nobody keeps a trust that is not his
// path's.
func TestPathsReplaceEachOther(t *testing.T) {
	p := newPlace(t, nil)
	p.env["algorithm"] = "EC"
	p.run("sscerts")
	p.run("cacerts")
	p.checkStores(caPath, listing)
	p.run("sscerts")
	p.checkStores(selfSignedPath, listing)
}

// A server trusts several self-signed clients: what was added to its store by hand stays.
func TestOtherEntriesStay(t *testing.T) {
	p := newPlace(t, nil)
	p.env["algorithm"] = "EC"
	p.run("sscerts")
	jdk := interop.JDKs(t)[0]
	t.Setenv("STOREPASS", p.env["password"])
	interop.Run(t, p.certs, jdk.Tool("keytool"), "-importcert", "-noprompt", "-alias", "second", "-file", "cltcertselfsigned.cer",
		"-keystore", "srvkeystore.jks", "-storetype", "JKS", "-storepass:env", "STOREPASS")
	p.run("cacerts")
	assert.Contains(t, keytool(t, p.file("srvkeystore.jks"), p.env["password"]), "trustedCertEntry second ["+clientOwner+"]")
}

// Without a password one is made up, for the owner alone to read, and every later script finds it.
func TestPasswordIsMadeUp(t *testing.T) {
	p := newPlace(t, nil)
	delete(p.env, "password")
	p.env["algorithm"] = "EC"
	out := p.run("genkeys")
	assert.Contains(t, out, "password.txt")
	data, err := os.ReadFile(p.file("password.txt"))
	require.NoError(t, err)
	info, err := os.Stat(p.file("password.txt"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	password := strings.TrimSpace(string(data))
	assert.NotContains(t, out, password)
	p.run("cacerts")
	assert.Contains(t, keytool(t, p.file("srvkeystore.jks"), password), "srvalias")
}

// The variables of single stores and keys win over the common password, and the wrong one changes nothing.
func TestPasswordsOfTheirOwn(t *testing.T) {
	p := newPlace(t, nil)
	p.env["algorithm"] = "EC"
	p.env["srvjkskeystorepass"] = "server store"
	p.env["srvkeypass"] = "server key"
	p.env["cltp12keystorepass"] = "browser"
	p.run("cacerts")
	assert.Contains(t, keytool(t, p.file("srvkeystore.jks"), "server store"), "PrivateKeyEntry srvalias")
	assert.Contains(t, keytool(t, p.file("cltkeystore.p12"), "browser"), "PrivateKeyEntry cltalias")

	before := p.snapshot()
	p.env["srvkeypass"] = "wrong"
	out, err := p.try("cacerts")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 5, exit.ExitCode(), out)
	assert.Equal(t, before, p.snapshot())
}

func TestCAKeyStoreCanBeLeftOut(t *testing.T) {
	p := newPlace(t, nil)
	p.env["algorithm"] = "EC"
	p.env["cajkskeystore"] = "none"
	out := p.run("cacerts")
	assert.NotContains(t, p.files(), "cakeystore.jks")
	assert.NotContains(t, out, "weakly")
}

// The scripts name a variable that is wrong and write nothing.
func TestWrongVariables(t *testing.T) {
	p := newPlace(t, nil)
	for name, value := range map[string]string{"validity": "0", "algorithm": "DSA", "portsslopt": "70000", "srvdname": "mqttserver"} {
		p.env[name] = value
		out, err := p.try("cacerts")
		assert.Error(t, err, name)
		assert.Contains(t, out, value)
		delete(p.env, name)
	}
	assert.NoDirExists(t, p.file("pki"))
}

// A folder that the old scripts filled is taken over: its keys stay, its CA signs, and what keytool of today calls .jks
// becomes JKS.
func TestOldStoresAreTakenOver(t *testing.T) {
	p := newPlace(t, nil)
	require.NoError(t, os.MkdirAll(p.certs, 0o700))
	jdk := interop.JDKs(t)[0]
	t.Setenv("STOREPASS", p.env["password"])
	for store, args := range map[string][]string{
		"cakeystore":  {"-alias", "caalias", "-dname", strings.Replace(caOwner, "ST=", "S=", 1), "-ext", "bc=ca:true"},
		"srvkeystore": {"-alias", "srvalias", "-dname", strings.Replace(serverOwner, "ST=", "S=", 1)},
		"cltkeystore": {"-alias", "cltalias", "-dname", strings.Replace(clientOwner, "ST=", "S=", 1)},
	} {
		interop.Run(t, p.certs, jdk.Tool("keytool"), append([]string{"-genkeypair", "-noprompt", "-keystore", store + ".jks",
			"-storepass:env", "STOREPASS", "-keypass:env", "STOREPASS", "-keyalg", "RSA", "-validity", "5000"}, args...)...)
	}
	before := p.exportKey("srvkeystore.jks", "srvalias")
	p.run("cacerts")
	assert.Equal(t, before, p.exportKey("srvkeystore.jks", "srvalias"), "the server's key changed")
	p.checkStores(caPath, listing)
	interop.Run(t, p.certs, interop.Need(t, "openssl"), "verify", "-CAfile", "cacert.cer", "srvcertcasigned.cer")
}

// exportKey returns the public key of an entry as keytool's certificate of it has it.
func (p *place) exportKey(store, alias string) string {
	p.t.Helper()
	jdk := interop.JDKs(p.t)[0]
	out := interop.Run(p.t, p.certs, jdk.Tool("keytool"), "-exportcert", "-rfc", "-alias", alias, "-keystore", store, "-storepass:env", "STOREPASS")
	file := filepath.Join(p.t.TempDir(), "c.pem")
	require.NoError(p.t, os.WriteFile(file, []byte(out[strings.Index(out, "-----BEGIN"):]), 0o600))
	return interop.Run(p.t, "", interop.Need(p.t, "openssl"), "x509", "-in", file, "-noout", "-pubkey")
}
