package pemfile

import (
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// ourBundles writes a chain with a CRL in every form of PKCS#7, under chain.PROFILE in dir.
func ourBundles(t *testing.T, dir string, p pki) {
	t.Helper()
	store := &keystore.Store{Others: everything(t, p).Others[1:2]}
	for _, m := range []keystore.Certificate{certificate(p.server), certificate(p.issuing), certificate(p.root)} {
		store.Anchors = append(store.Anchors, keystore.Anchor{Certificate: m})
	}
	for _, profile := range (PKCS7{}).Profiles() {
		data, _, _ := rewrite(t, PKCS7{}, store, keystore.EncodeOptions{Profile: profile})
		place(t, dir, "chain."+profile, data)
	}
}

// A bundle in each of its forms is one for OpenSSL, GnuTLS, Python and keytool.
func TestEverybodyReadsBundles(t *testing.T) {
	dir := t.TempDir()
	ourBundles(t, dir, newPKI(t))
	t.Run("openssl", func(t *testing.T) {
		openssl := interop.Need(t, "openssl")
		for profile, form := range map[string]string{ProfilePEM: "PEM", ProfileDER: "DER", ProfileBER: "DER"} {
			out := interop.Run(t, dir, openssl, "pkcs7", "-in", "chain."+profile, "-inform", form, "-print_certs")
			assert.Equal(t, 3, strings.Count(out, "BEGIN CERTIFICATE"), profile)
			assert.Equal(t, 1, strings.Count(out, "BEGIN X509 CRL"), profile)
			if profile != ProfileDER {
				assert.Less(t, strings.Index(out, "CN = server"), strings.Index(out, "CN = root"), "the leaf comes first")
			}
		}
		strict := interop.Run(t, dir, openssl, "asn1parse", "-inform", "DER", "-in", "chain."+ProfileDER)
		assert.NotContains(t, strict, "l=inf")
		assert.Contains(t, interop.Run(t, dir, openssl, "asn1parse", "-inform", "DER", "-in", "chain."+ProfileBER), "l=inf")
	})
	t.Run("gnutls", func(t *testing.T) {
		certtool := interop.Need(t, "certtool")
		for _, args := range [][]string{{"--infile", "chain.pem"}, {"--inder", "--infile", "chain.der"}, {"--inder", "--infile", "chain.ber"}} {
			out := interop.Run(t, dir, certtool, append([]string{"--p7-info"}, args...)...)
			assert.Contains(t, out, "Number of certificates: 3", args)
			assert.Contains(t, out, "Number of CRLs: 1", args)
		}
	})
	t.Run("python", func(t *testing.T) {
		python := interop.Python(t, "cryptography.hazmat.primitives.serialization.pkcs7")
		out := interop.Run(t, dir, python, "-W", "ignore", "-c", `
from cryptography.hazmat.primitives.serialization import pkcs7
for name, load in (("pem", pkcs7.load_pem_pkcs7_certificates), ("der", pkcs7.load_der_pkcs7_certificates), ("ber", pkcs7.load_der_pkcs7_certificates)):
    print(len(load(open("chain." + name, "rb").read())))`)
		assert.Equal(t, "3\n3\n3\n", out)
	})
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprint("jdk", jdk.Version), func(t *testing.T) { keytoolTakesReplies(t, jdk) })
	}
}

// keytoolTakesReplies has keytool print the bundles, and take each as the answer to a request of its own; it finds the
// order of the chain by itself.
func keytoolTakesReplies(t *testing.T, jdk interop.JDK) {
	t.Helper()
	dir, p := t.TempDir(), newPKI(t)
	in := func(args ...string) []string {
		return append(args, "-keystore", "store", "-storetype", "PKCS12", "-storepass", "changeit")
	}
	jdk.Keytool(t, dir, in("-genkeypair", "-alias", "one", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=one"),
		in("-exportcert", "-alias", "one", "-file", "own.der"))
	own := decode(t, filesIn(t, dir)["own.der"], "").Anchors[0].Certificate
	p.server.Key, p.server.Cert, p.server.DER = nil, nil, signedAgain(t, own, p.issuing)
	ourBundles(t, dir, p)
	var commands [][]string
	for _, profile := range (PKCS7{}).Profiles() {
		commands = append(commands, []string{"-printcert", "-file", "chain." + profile},
			in("-importcert", "-noprompt", "-alias", "one", "-file", "chain."+profile), in("-list", "-v", "-alias", "one"))
	}
	printed := jdk.Keytool(t, dir, commands...)
	for i, profile := range (PKCS7{}).Profiles() {
		assert.Equal(t, 3, strings.Count(printed[3*i], "Owner:"), profile)
		assert.Contains(t, printed[3*i+2], "Certificate chain length: 3", profile)
	}
}

// ourObjects writes each kind of object as DER into dir, and returns the CSR's and key's owner.
func ourObjects(t *testing.T, dir string, p pki) {
	t.Helper()
	all := everything(t, p)
	for name, store := range map[string]*keystore.Store{
		"key.der": {Identities: all.Identities}, "cert.der": {Loose: all.Loose}, "request.der": {Others: all.Others[:1]},
		"crl.der": {Others: all.Others[1:2]}, "public.der": {Others: all.Others[2:3]},
	} {
		data, _, _ := rewrite(t, DER{}, store, keystore.EncodeOptions{})
		place(t, dir, name, data)
	}
	sealed, _, _ := rewrite(t, DER{}, &keystore.Store{Identities: all.Identities}, fast())
	place(t, dir, "sealed.der", sealed)
	place(t, dir, "pw", fast().Password)
}

// Each object in DER is one for OpenSSL, GnuTLS, Python and keytool.
func TestEverybodyReadsDER(t *testing.T) {
	dir, p := t.TempDir(), newPKI(t)
	ourObjects(t, dir, p)
	t.Run("openssl", func(t *testing.T) {
		openssl := interop.Need(t, "openssl")
		der := func(args ...string) string {
			return interop.Run(t, dir, openssl, append(args, "-inform", "DER")...)
		}
		for _, name := range []string{"key.der", "sealed.der"} {
			block, _ := pem.Decode([]byte(der("pkey", "-in", name, "-passin", "file:pw", "-pubout")))
			require.NotNil(t, block, name)
			assert.Equal(t, p.server.Cert.RawSubjectPublicKeyInfo, block.Bytes, name)
		}
		assert.Contains(t, der("pkcs8", "-in", "sealed.der", "-passin", "file:pw"), "BEGIN PRIVATE KEY")
		assert.Contains(t, der("x509", "-in", "cert.der", "-noout", "-subject"), "client")
		assert.Contains(t, der("req", "-in", "request.der", "-noout", "-verify", "-subject"), "client")
		assert.Contains(t, der("crl", "-in", "crl.der", "-noout", "-issuer"), "issuing")
		assert.Contains(t, der("pkey", "-pubin", "-in", "public.der", "-noout", "-text_pub"), "ED25519")
	})
	t.Run("gnutls", func(t *testing.T) {
		certtool := interop.Need(t, "certtool")
		for info, name := range map[string]string{
			"--key-info": "key.der", "--certificate-info": "cert.der", "--crq-info": "request.der", "--crl-info": "crl.der", "--pubkey-info": "public.der",
		} {
			out := interop.Run(t, dir, certtool, info, "--inder", "--infile", name)
			assert.Contains(t, out, "-----BEGIN", name)
		}
		out := interop.Run(t, dir, certtool, "--key-info", "--inder", "--infile", "sealed.der", "--password", string(fast().Password))
		assert.Contains(t, out, "RSA")
	})
	t.Run("python", func(t *testing.T) {
		python := interop.Python(t, "cryptography.hazmat.primitives.serialization")
		out := interop.Run(t, dir, python, "-c", `
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
read = lambda name: open(name + ".der", "rb").read()
load_der_private_key(read("key"), None)
load_der_private_key(read("sealed"), open("pw", "rb").read())
load_der_public_key(read("public"))
x509.load_der_x509_crl(read("crl"))
print(x509.load_der_x509_certificate(read("cert")).subject == x509.load_der_x509_csr(read("request")).subject)`)
		assert.Equal(t, "True\n", out)
	})
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprint("jdk", jdk.Version), func(t *testing.T) {
			printed := jdk.Keytool(t, dir, []string{"-printcert", "-file", "cert.der"}, []string{"-printcrl", "-file", "crl.der"})
			assert.Contains(t, printed[0], "CN=client")
			assert.Contains(t, printed[1], "CN=issuing")
		})
	}
}
