package inspect_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// This file makes samples of text: keys with certificates as brokers are given them, certificates in unusual text, and
// bundles.

// read returns a file of the folder.
func (w *workshop) read(name string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(w.t, err)
	return data
}

// put writes a file and takes it among the samples.
func (w *workshop) put(name string, data []byte) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), data, 0o600))
	w.add(name, "")
}

// run runs openssl with the words of a command.
func (w *workshop) run(command string) {
	w.t.Helper()
	interop.Run(w.t, w.dir, w.openssl, strings.Fields(command)...)
}

// authorities makes a chain of three, with an authority of the middle one's name that another key has, and chains with
// something that OpenSSL takes for weak.
func (w *workshop) authorities() {
	w.t.Helper()
	root := mint.CA(w.t, "root", "ec")
	issuing := mint.New(w.t, "issuing", mint.Key(w.t, "ec"), root, true)
	server := mint.Leaf(w.t, "server", "rsa", issuing)
	w.write("chain-root.crt", "CERTIFICATE", root.DER)
	w.write("issuing.crt", "CERTIFICATE", issuing.DER)
	w.write("impostor.crt", "CERTIFICATE", mint.New(w.t, "issuing", mint.Key(w.t, "ec"), root, true).DER)
	w.write("server.key", "PRIVATE KEY", server.PKCS8)
	w.write("server.crt", "CERTIFICATE", server.DER)
	w.run("crl2pkcs7 -nocrl -certfile issuing.crt -certfile chain-root.crt -out bundle.p7")
	w.run("crl2pkcs7 -nocrl -certfile server.crt -out own.p7")

	for name, kind := range map[string]string{"rsa1024": "rsa:1024", "p192": "ec -pkeyopt ec_paramgen_curve:P-192", "p224": "ec -pkeyopt ec_paramgen_curve:P-224"} {
		w.run("req -x509 -nodes -newkey " + kind + " -keyout " + name + ".key -out " + name + ".crt -subj /CN=" + name)
	}
	w.run("req -x509 -sha1 -nodes -key rsa.key -out root-sha1.crt -subj /CN=root")
	w.run("req -new -key rsa.key -out rsa.csr -subj /CN=leaf")
	for name, args := range map[string]string{
		"md5": "-md5 -CA root-sha1.crt -CAkey rsa.key", "sha1": "-sha1 -CA root-sha1.crt -CAkey rsa.key", "sha224": "-sha224 -CA root-sha1.crt -CAkey rsa.key",
		"by-rsa1024": "-CA rsa1024.crt -CAkey rsa1024.key",
	} {
		w.run("x509 -req -in rsa.csr -set_serial 1 -days 3650 -out leaf-" + name + ".crt " + args)
	}
}

// bundles makes files of a key that is open and certificates, as brokers are given them, in several orders.
func (w *workshop) bundles() {
	w.t.Helper()
	w.authorities()
	bundles := map[string]string{
		"bundle": "rsa.key rsa.crt root.crt", "key-last": "rsa.crt root.crt rsa.key", "root-first": "rsa.key root.crt rsa.crt",
		"another": "rsa.key ec.crt", "ed25519": "ed25519.key ed25519.crt", "authorities": "server.key issuing.crt chain-root.crt",
		"disorder": "server.key server.crt chain-root.crt issuing.crt", "twice": "server.key server.crt server.crt issuing.crt chain-root.crt",
		"between": "server.key server.crt impostor.crt issuing.crt chain-root.crt", "impostor": "server.key server.crt impostor.crt chain-root.crt",
		"bundle-first": "bundle.p7 server.key server.crt", "own-bundle": "server.key own.p7",
		"two": "server.key rsa.key server.crt rsa.crt issuing.crt", "crossed": "server.key rsa.key rsa.crt server.crt issuing.crt",
		"rsa1024": "rsa1024.key rsa1024.crt", "p192": "p192.key p192.crt", "p224": "p224.key p224.crt",
		"leaf-md5": "rsa.key leaf-md5.crt", "leaf-sha1": "rsa.key leaf-sha1.crt root-sha1.crt", "leaf-sha224": "rsa.key leaf-sha224.crt root-sha1.crt",
		"by-rsa1024": "rsa.key leaf-by-rsa1024.crt rsa1024.crt", "beside-rsa1024": "rsa.key rsa.crt rsa1024.crt", "root-sha1": "rsa.key root-sha1.crt",
		"x25519": "x25519.key x25519.crt", "dh": "dh.key dh.crt",
	}
	for name, parts := range bundles {
		var all []byte
		for _, part := range strings.Fields(parts) {
			all = append(all, w.read(part)...)
		}
		w.put(name+".pem", all)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(w.read("bundle.pem"))
	require.NoError(w.t, err)
	w.put("utf-16.pem", wide)
	for form, text := range w.forms(string(w.read("bundle.pem"))) {
		w.put("text-"+form+".pem", []byte(text))
	}
}

// forms are a text of PEM in all forms that are read here.
func (w *workshop) forms(text string) map[string]string {
	return map[string]string{
		"cr": strings.ReplaceAll(text, "\n", "\r"), "crlf": strings.ReplaceAll(text, "\n", "\r\n"), "mark": "\xEF\xBB\xBF" + text,
		"blank-lines": strings.ReplaceAll(text, "\n", "\n\n"), "blank-line-first": strings.ReplaceAll(text, "-----\nM", "-----\n\nM"),
		"blanks": strings.ReplaceAll(text, "\n", "  \n"), "comment": "text: x\n" + text, "no-end": strings.TrimSuffix(text, "\n"),
		"headers": strings.ReplaceAll(text, "-----\nM", "-----\nComment: x\n\nM"), "old": strings.ReplaceAll(text, " CERTIFICATE", " X509 CERTIFICATE"),
	}
}

// certificates makes files of one certificate, or a few, in text of all forms and in binary.
func (w *workshop) certificates() {
	w.t.Helper()
	w.run("x509 -in root.crt -trustout -addtrust serverAuth -out trusted")
	w.put("trusted.pem", w.read("trusted"))
	w.put("root.pem", w.read("root.crt"))
	w.put("explicit.pem", w.read("explicit.crt"))
	for form, text := range w.forms(string(w.read("root.crt"))) {
		w.put("root-"+form+".pem", []byte(text))
	}
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes(w.read("root.crt"))
	require.NoError(w.t, err)
	w.put("root-utf-16.pem", wide)
}

// pkcs7s makes bundles, as OpenSSL writes them.
func (w *workshop) pkcs7s() {
	w.t.Helper()
	for _, form := range []string{"PEM", "DER"} {
		w.run("crl2pkcs7 -nocrl -certfile root.crt -certfile rsa.crt -outform " + form + " -out " + form + ".p7b")
		w.add(form+".p7b", "")
	}
	forms := w.forms(string(w.read("PEM.p7b")))
	for _, form := range slices.Sorted(func(yield func(string) bool) {
		for form := range forms {
			if form != "old" && form != "mark" && !yield(form) {
				return
			}
		}
	}) {
		w.put("text-"+form+".p7b", []byte(forms[form]))
	}
}

// mispaired makes a JKS whose key has the certificate of another.
func (w *workshop) mispaired(name string) {
	w.t.Helper()
	decode := func(file string) *keystore.Store {
		s, _, err := formats.Decode(w.read(file), keystore.DecodeOptions{})
		require.NoError(w.t, err)
		return s
	}
	wrong := keystore.Identity{Alias: "one", Key: decode("rsa.key").Identities[0].Key, Chain: []keystore.Certificate{decode("ec.crt").Anchors[0].Certificate}}
	data, _, err := formats.Encode("jks", &keystore.Store{Identities: []keystore.Identity{wrong}},
		keystore.EncodeOptions{Password: keystore.Secret(storePass), Random: rand.NewChaCha8([32]byte{}), Now: mint.Day})
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), data, 0o600))
	w.add(name, storePass)
}
