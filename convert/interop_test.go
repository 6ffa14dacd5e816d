package convert_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

const storePass = "changeit"

// authority makes, with keytool alone, what the source's scripts make on the path with an own CA: a server store of
// the given type with the key srvalias, its chain of two, and the trusted entry caalias.
func authority(t *testing.T, keytool, dir, storetype string) (store string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a dozen starts of Java")
	}
	run := func(args ...string) { interop.Run(t, dir, keytool, append(args, "-storepass", storePass)...) }
	run("-genkeypair", "-alias", "caalias", "-dname", "CN=mqttca, O=IBM", "-keystore", "ca.p12", "-storetype", "PKCS12",
		"-keyalg", "EC", "-groupname", "secp256r1", "-ext", "bc=ca:true", "-validity", "30")
	store = filepath.Join(dir, "srvkeystore."+storetype)
	server := []string{"-keystore", store, "-storetype", storetype}
	run(append(server, "-genkeypair", "-alias", "srvalias", "-dname", "CN=mqttserver, O=IBM", "-keyalg", "EC",
		"-groupname", "secp256r1", "-validity", "30", "-keypass", storePass)...)
	run("-exportcert", "-rfc", "-alias", "caalias", "-keystore", "ca.p12", "-file", "ca.crt")
	run(append(server, "-importcert", "-noprompt", "-alias", "caalias", "-file", "ca.crt")...)
	run(append(server, "-certreq", "-alias", "srvalias", "-file", "srv.csr")...)
	run("-gencert", "-alias", "caalias", "-keystore", "ca.p12", "-infile", "srv.csr", "-outfile", "srv.crt")
	run(append(server, "-importcert", "-noprompt", "-alias", "srvalias", "-file", "srv.crt")...)
	return store
}

// convertFile turns one file into another format, as the command does.
func convertFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	store, codec, err := formats.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
	require.NoError(t, err)
	target, ok := formats.ByExtension(to)
	require.True(t, ok)
	plan, err := convert.NewPlan([]convert.Source{{Name: from, Format: codec.Name(), Store: store}}, convert.Recipe{
		Target:  target,
		Options: keystore.EncodeOptions{Password: keystore.Secret(storePass), Iterations: 1000, Random: rand.Reader, Now: time.Now()},
	})
	require.NoError(t, err)
	require.NoError(t, plan.Refusal())
	out, err := plan.Build()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, out, 0o600))
}

// keyAsRead is the public key of the private key that an outside program finds in a file.
func keyAsRead(t *testing.T, keytool, file string) string {
	t.Helper()
	dir := t.TempDir()
	in := file
	if strings.HasSuffix(file, ".jks") { // OpenSSL does not read JKS: Java takes the key out first
		in = filepath.Join(dir, "out.p12")
		interop.Run(t, dir, keytool, "-importkeystore", "-noprompt", "-srckeystore", file, "-srcstoretype", "JKS", "-srcstorepass", storePass,
			"-srcalias", "srvalias", "-destkeystore", in, "-deststoretype", "PKCS12", "-deststorepass", storePass)
	}
	if !strings.HasSuffix(in, ".pem") {
		text := filepath.Join(dir, "out.pem")
		interop.Run(t, dir, interop.Need(t, "openssl"), "pkcs12", "-in", in, "-passin", "pass:"+storePass, "-nocerts", "-nodes", "-out", text)
		in = text
	}
	out := interop.Run(t, dir, interop.Need(t, "openssl"), "pkey", "-in", in, "-passin", "pass:"+storePass, "-pubout")
	return out[strings.Index(out, "-----BEGIN"):]
}

// listed is what keytool says of a store's entries, "alias: type" each.
func listed(t *testing.T, keytool, file string) []string {
	t.Helper()
	out := interop.Run(t, t.TempDir(), keytool, "-list", "-keystore", file, "-storepass", storePass)
	var list []string
	for _, match := range listLine.FindAllStringSubmatch(out, -1) {
		list = append(list, match[1]+": "+match[2])
	}
	return list
}

// listLine is one entry: alias, date in the words of the locale, type.
var listLine = regexp.MustCompile(`(?m)^(\S+), .*, (\w+Entry), *$`)

// firstCertificates returns the subjects of the certificates of a PEM file in their order.
func firstCertificates(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var subjects []string
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			require.NoError(t, err)
			subjects = append(subjects, c.Subject.CommonName)
		}
	}
	return subjects
}

// TestInteropEveryDirection: what keytool made goes from each format into each, in a ring, and every outside program finds
// the same key, the same entries, and in PEM the key's own certificate first.
func TestInteropEveryDirection(t *testing.T) {
	jdks := interop.JDKs(t)
	for i, storetype := range []string{"jks", "pkcs12"} {
		jdk := jdks[i*(len(jdks)-1)] // the oldest makes one, the newest the other
		t.Run(fmt.Sprintf("%s of Java %d", storetype, jdk.Version), func(t *testing.T) {
			t.Parallel()
			dir, keytool := t.TempDir(), jdk.Tool("keytool")
			from := authority(t, keytool, dir, storetype)
			want := keyAsRead(t, keytool, from)
			for n, step := range []string{"p12", "pem", "jks", "jks", "pem", "p12", "p12", "jks", "p12", "pem", "pem"} {
				to := filepath.Join(dir, fmt.Sprintf("%02d.%s", n, step))
				convertFile(t, from, to)
				if step == "pem" {
					assert.Equal(t, []string{"mqttserver", "mqttca", "mqttca"}, firstCertificates(t, to))
				}
				if n == 2 || step != "jks" { // Java is slow to start: it sees every format once after a way through the others
					assert.Equal(t, want, keyAsRead(t, keytool, to), "%s -> %s: another key", filepath.Base(from), filepath.Base(to))
				}
				if n == 0 || n == 7 {
					assert.ElementsMatch(t, []string{"srvalias: PrivateKeyEntry", "caalias: trustedCertEntry"}, listed(t, keytool, to))
				}
				from = to
			}
		})
	}
}

// TestInteropTrap is step 10 of the source's cacerts script: a client store with the CA's trusted entry in it, turned by
// keytool and openssl into PEM, has a CA certificate in front of the client's, so that the script deletes the entry
// first. Ours needs no deletion, and puts even such a file in order.
func TestInteropTrap(t *testing.T) {
	openssl, keytool := interop.Need(t, "openssl"), interop.JDKs(t)[0].Tool("keytool")
	dir := t.TempDir()
	store := authority(t, keytool, dir, "pkcs12")
	theirs, ours := filepath.Join(dir, "theirs.pem"), filepath.Join(dir, "ours.pem")
	interop.Run(t, dir, openssl, "pkcs12", "-in", store, "-passin", "pass:"+storePass, "-nokeys", "-cacerts", "-out", "ca-first.pem")
	interop.Run(t, dir, openssl, "pkcs12", "-in", store, "-passin", "pass:"+storePass, "-nodes", "-nokeys", "-clcerts", "-out", "leaf.pem")
	interop.Run(t, dir, openssl, "pkcs12", "-in", store, "-passin", "pass:"+storePass, "-nodes", "-nocerts", "-out", "key.pem")
	var joined []byte
	for _, part := range []string{"ca-first.pem", "key.pem", "leaf.pem"} {
		data, err := os.ReadFile(filepath.Join(dir, part))
		require.NoError(t, err)
		joined = append(joined, data...)
	}
	require.NoError(t, os.WriteFile(theirs, joined, 0o600))
	require.Equal(t, "mqttca", firstCertificates(t, theirs)[0], "the trap is not set")
	for _, from := range []string{store, theirs} {
		convertFile(t, from, ours)
		first := interop.Run(t, dir, openssl, "x509", "-in", ours, "-noout", "-pubkey")
		assert.Equal(t, keyAsRead(t, keytool, ours), first, "from %s: the first certificate is not the key's", filepath.Base(from))
	}
}

// TestInteropOpenSSL: a PKCS12 and a PEM file that OpenSSL made, as a step of the source has it, into a store for Java.
func TestInteropOpenSSL(t *testing.T) {
	openssl, keytool := interop.Need(t, "openssl"), interop.JDKs(t)[0].Tool("keytool")
	dir := t.TempDir()
	interop.Run(t, dir, openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.pem",
		"-out", "c.pem", "-subj", "/O=IBM/CN=mqttclient", "-days", "30")
	interop.Run(t, dir, openssl, "pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-name", "srvalias", "-passout", "pass:"+storePass, "-out", "in.p12")
	interop.Run(t, dir, openssl, "pkcs12", "-in", "in.p12", "-passin", "pass:"+storePass, "-passout", "pass:"+storePass, "-out", "in.pem")
	for _, from := range []string{"in.p12", "in.pem"} {
		to := filepath.Join(dir, from+".jks")
		convertFile(t, filepath.Join(dir, from), to)
		assert.Equal(t, []string{"srvalias: PrivateKeyEntry"}, listed(t, keytool, to), "from %s", from)
		assert.Equal(t, keyAsRead(t, keytool, filepath.Join(dir, "in.p12")), keyAsRead(t, keytool, to))
	}
}
