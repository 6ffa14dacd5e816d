package pemfile

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// place writes a file into dir.
func place(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// namedTruststore is a file of certificates alone, under names that need every kind of quoting.
func namedTruststore(t *testing.T, p pki) []byte {
	t.Helper()
	other := mint.CA(t, "other", "ec")
	data, err := Codec{}.Encode(&keystore.Store{Anchors: []keystore.Anchor{
		{Alias: "plant ca", Certificate: certificate(p.root)},
		{Alias: "0 kä😀\n-----BEGIN CERTIFICATE-----", Certificate: certificate(other)},
	}}, keystore.EncodeOptions{})
	require.NoError(t, err)
	return data
}

// A trust store with names is one for keytool of every JDK, OpenSSL, GnuTLS, Python and Go: the comment lines that carry
// the names bother none of them.
func TestEverybodyReadsNamedCertificates(t *testing.T) {
	dir := t.TempDir()
	data := namedTruststore(t, newPKI(t))
	place(t, dir, "trust.pem", data)
	require.Equal(t, 2, strings.Count(string(data), "# trusted: "))

	t.Run("go", func(t *testing.T) {
		pool := x509.NewCertPool()
		require.True(t, pool.AppendCertsFromPEM(data))
		count := 0
		for rest := data; ; count++ {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			assert.Empty(t, block.Headers)
		}
		assert.Equal(t, 2, count)
	})
	t.Run("keytool", func(t *testing.T) {
		for _, jdk := range interop.JDKs(t) {
			store := "trust" + strconv.Itoa(jdk.Version) + ".jks"
			printed := jdk.Keytool(t, dir, []string{"-printcert", "-file", "trust.pem"},
				[]string{"-importcert", "-noprompt", "-alias", "a", "-file", "trust.pem", "-keystore", store, "-storepass", "changeit"})
			assert.Equal(t, 2, strings.Count(printed[0], "Owner:"), "JDK %d: %s", jdk.Version, printed[0])
		}
	})
	t.Run("openssl", func(t *testing.T) {
		out := interop.Run(t, dir, interop.Need(t, "openssl"), "storeutl", "-noout", "-certs", "trust.pem")
		assert.Contains(t, out, "Total found: 2")
	})
	t.Run("gnutls", func(t *testing.T) {
		out := interop.Run(t, dir, interop.Need(t, "certtool"), "--certificate-info", "--infile", "trust.pem")
		assert.Equal(t, 2, strings.Count(out, "Subject:"), out)
	})
	t.Run("python", func(t *testing.T) {
		out := interop.Run(t, dir, interop.Need(t, "python3"), "-c",
			"import ssl; print(len(ssl.create_default_context(cafile='trust.pem').get_ca_certs(True)))")
		assert.Equal(t, "2", strings.TrimSpace(out))
	})
}

// A key with its chain, with names and a trusted certificate, is one for the programs that read keys from PEM.
func TestEverybodyReadsNamedKeys(t *testing.T) {
	p := newPKI(t)
	plant := mint.CA(t, "plant", "ec")
	for _, kind := range mint.Kinds {
		leaf := mint.Leaf(t, "leaf", kind, p.issuing)
		for _, password := range []string{"", "pass wörd €"} {
			t.Run(kind+"/"+strconv.Quote(password), func(t *testing.T) {
				store := &keystore.Store{
					Identities: []keystore.Identity{identity(t, "sensor: 17", leaf, p.issuing, p.root)},
					Anchors:    []keystore.Anchor{{Alias: "plant", Certificate: certificate(plant)}},
				}
				opts := keystore.EncodeOptions{Random: fixedRandom(), Iterations: 2048}
				if password != "" {
					opts.Password = keystore.Secret(password)
				}
				data, err := Codec{}.Encode(store, opts)
				require.NoError(t, err)
				dir := t.TempDir()
				place(t, dir, "all.pem", data)
				place(t, dir, "pw", []byte(password+"\n"))
				readByOpenSSL(t, dir, leaf)
				if kind != "ed25519" || password == "" { // GnuTLS 3.7.9 prints no encrypted one, OpenSSL's as little as ours
					readByCerttool(t, dir, password)
				}
				readByPython(t, dir)
				if password == "" {
					pair, err := tls.X509KeyPair(data, data)
					require.NoError(t, err)
					assert.Equal(t, leaf.DER, pair.Certificate[0])
				}
			})
		}
	}
}

func readByOpenSSL(t *testing.T, dir string, leaf *mint.Identity) {
	t.Helper()
	openssl := interop.Need(t, "openssl")
	public := interop.Run(t, dir, openssl, "pkey", "-in", "all.pem", "-passin", "file:pw", "-pubout")
	block, _ := pem.Decode([]byte(public))
	require.NotNil(t, block, public)
	assert.Equal(t, leaf.Cert.RawSubjectPublicKeyInfo, block.Bytes)
	assert.Contains(t, interop.Run(t, dir, openssl, "storeutl", "-passin", "file:pw", "-noout", "all.pem"), "Total found: 5")
	first := interop.Run(t, dir, openssl, "x509", "-in", "all.pem", "-noout", "-subject")
	assert.Contains(t, first, "leaf", "the leaf is the first certificate")
}

func readByCerttool(t *testing.T, dir, password string) {
	t.Helper()
	args := []string{"--key-info", "--infile", "all.pem"}
	if password != "" {
		args = append(args, "--password", password)
	}
	out := interop.Run(t, dir, interop.Need(t, "certtool"), args...)
	assert.Contains(t, out, "Public Key Info")
}

// readByPython loads the key and chain as paho-python does.
func readByPython(t *testing.T, dir string) {
	t.Helper()
	script := "import ssl; c=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain('all.pem', password=open('pw').read().strip() or None); print('ok')"
	assert.Equal(t, "ok", strings.TrimSpace(interop.Run(t, dir, interop.Need(t, "python3"), "-c", script)))
}

// What pyca's cryptography writes, we read; it is the library of most Python tools.
func TestWeReadPyca(t *testing.T) {
	dir := t.TempDir()
	python := interop.Need(t, "/usr/bin/python3")
	if _, err := interop.Try(t, dir, python, "-c", "import cryptography"); err != nil {
		interop.Missing(t, "python cryptography")
	}
	interop.Run(t, dir, python, "-c", `
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import *
pw = "pässwört".encode()
for name, key in (("ec", ec.generate_private_key(ec.SECP384R1())), ("ed", ed25519.Ed25519PrivateKey.generate())):
    open(name + ".pem", "wb").write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(pw)))
    open(name + ".der", "wb").write(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
`)
	for _, name := range []string{"ec", "ed"} {
		sealed, err := os.ReadFile(filepath.Join(dir, name+".pem"))
		require.NoError(t, err)
		key, err := parseKey(sealed, "pässwört")
		require.NoError(t, err)
		plain, err := os.ReadFile(filepath.Join(dir, name+".der"))
		require.NoError(t, err)
		assert.Equal(t, plain, []byte(key.PKCS8))
	}
}

// The PEM file that the old scripts made with openssl pkcs12 from keytool's store: text before each block, an encrypted
// key, the chain. Names and order come out right.
func TestWeReadWhatTheScriptsMade(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	for _, jdk := range interop.JDKs(t) {
		dir := t.TempDir()
		in := func(args ...string) []string {
			return append(args, "-keystore", "k.p12", "-storetype", "PKCS12", "-storepass", "changeit")
		}
		jdk.Keytool(t, dir,
			in("-genkeypair", "-alias", "cltalias", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=client"),
			in("-genkeypair", "-alias", "caalias", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=ca", "-ext", "bc=ca:true"),
			in("-exportcert", "-rfc", "-alias", "caalias", "-file", "ca.cer"),
			in("-importcert", "-noprompt", "-alias", "trusted", "-file", "ca.cer"))
		interop.Run(t, dir, openssl, "pkcs12", "-in", "k.p12", "-passin", "pass:changeit", "-out", "k.pem", "-passout", "pass:changeit")
		data, err := os.ReadFile(filepath.Join(dir, "k.pem"))
		require.NoError(t, err)
		got := decode(t, data, "changeit")
		chains := map[string]string{}
		for _, i := range got.Identities {
			chains[i.Alias] = names(i.Chain)
		}
		assert.Equal(t, map[string]string{"cltalias": "client", "caalias": "ca"}, chains)
		assert.Equal(t, "trusted=ca", anchorNames(got.Anchors), "Java's mark of a trusted certificate is in the text")
	}
}
