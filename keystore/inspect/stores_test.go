package inspect_test

import (
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// storePass is the password of the samples that have no other.
const storePass = "changeit"

// sample is one file that programs are tried on.
type sample struct {
	name string // of the file, which stands in the workshop's folder; its ending is the usual one of the format
	pass string
}

// workshop makes samples of many kinds in one folder, with other programs' help.
type workshop struct {
	t       *testing.T
	dir     string
	openssl string
	made    []sample
}

func newWorkshop(t *testing.T) *workshop {
	w := &workshop{t: t, dir: t.TempDir(), openssl: interop.Need(t, "openssl")}
	root := mint.CA(t, "root", "ec")
	w.write("root.crt", "CERTIFICATE", root.DER)
	for _, kind := range mint.Kinds {
		leaf := mint.Leaf(t, kind, kind, root)
		w.write(kind+".key", "PRIVATE KEY", leaf.PKCS8)
		w.write(kind+".crt", "CERTIFICATE", leaf.DER)
	}
	return w
}

// write writes one PEM block.
func (w *workshop) write(name, label string, der []byte) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600))
}

// add takes a file of the folder among the samples.
func (w *workshop) add(name, pass string) { w.made = append(w.made, sample{name, pass}) }

// export makes a PKCS12 with OpenSSL, of the key of that kind, its certificate and the root.
func (w *workshop) export(name, kind, pass, args string) {
	w.t.Helper()
	all := []string{"pkcs12", "-export", "-inkey", kind + ".key", "-in", kind + ".crt", "-certfile", "root.crt", "-name", kind,
		"-out", name, "-passout", "pass:" + pass}
	interop.Run(w.t, w.dir, w.openssl, append(all, strings.Fields(args)...)...)
	w.add(name, pass)
}

// encode writes what the given files hold with our own codec.
func (w *workshop) encode(name, format, profile, pass string, from ...string) {
	w.t.Helper()
	all := &keystore.Store{}
	for _, file := range from {
		data, err := os.ReadFile(filepath.Join(w.dir, file))
		require.NoError(w.t, err)
		s, _, err := formats.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
		require.NoError(w.t, err)
		for i := range s.Anchors {
			s.Anchors[i].Alias = strings.TrimSuffix(file, filepath.Ext(file))
		}
		all.Identities = append(all.Identities, s.Identities...)
		all.Anchors = append(all.Anchors, s.Anchors...)
	}
	opts := keystore.EncodeOptions{Profile: profile, Random: rand.NewChaCha8([32]byte{}), Now: mint.Day}
	if pass != "" {
		opts.Password = keystore.Secret(pass)
	}
	data, _, err := formats.Encode(format, all, opts)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), data, 0o600))
	w.add(name, pass)
}

// pkcs12s makes PKCS12 files of every cipher, MAC and shape that a writer at hand makes.
func (w *workshop) pkcs12s() {
	for _, cipher := range []string{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-EDE3-CBC", "CAMELLIA-256-CBC", "PBE-SHA1-3DES", "PBE-SHA1-2DES"} {
		w.export("cipher-"+cipher+".p12", "rsa", storePass, "-keypbe "+cipher+" -certpbe "+cipher)
		w.export("cipher-sha1-"+cipher+".p12", "rsa", storePass, "-macalg sha1 -keypbe "+cipher+" -certpbe "+cipher)
	}
	for _, cipher := range []string{"PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40", "PBE-SHA1-RC4-128", "PBE-MD5-DES", "PBE-MD5-RC2-64", "PBE-SHA1-DES", "PBE-SHA1-RC2-64", "DES-CBC", "RC2-CBC"} {
		w.export("cipher-"+cipher+".p12", "rsa", storePass, "-macalg sha1 -provider legacy -provider default -keypbe "+cipher+" -certpbe "+cipher)
	}
	for _, mac := range []string{"md5", "sha1", "sha224", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-256"} {
		w.export("mac-"+mac+".p12", "rsa", storePass, "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg "+mac)
	}
	w.export("no-mac.p12", "rsa", storePass, "-nomac")
	w.export("bare-key.p12", "rsa", storePass, "-keypbe NONE")
	w.export("bare-certificates.p12", "rsa", storePass, "-certpbe NONE")
	w.export("bare.p12", "rsa", "", "-keypbe NONE -certpbe NONE -nomac")
	w.export("empty-password.p12", "rsa", "", "")
	w.export("non-ascii.p12", "rsa", "pässwörd", "")
	w.export("non-ascii-3des.p12", "rsa", "pässwörd", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1")
	w.export("ec.p12", "ec", storePass, "")
	w.export("ed25519.p12", "ed25519", storePass, "")
	w.export("unmarked.p12", "rsa", storePass, "-nokeys")
	w.export("no-certificate.p12", "rsa", storePass, "-nocerts")
	for _, profile := range []string{"modern", "legacy", "pbmac1"} {
		w.encode("ours-"+profile+".p12", "p12", profile, storePass, "rsa.key", "rsa.crt", "ec.p12")
		w.encode("trust-"+profile+".p12", "p12", profile, storePass, "root.crt")
	}
	w.encode("trust-passwordless.p12", "p12", "passwordless-trust", "", "root.crt")
	for _, prf := range []string{"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512-224", "SHA512-256"} {
		w.build("prf-"+prf+".p12", heldKey{kind: "rsa", keyID: "1", args: "-v2 aes-256-cbc -v2prf hmacWith" + prf})
	}
	w.build("prf-SHA384-aes128.p12", heldKey{kind: "rsa", keyID: "1", args: "-v2 aes-128-cbc -v2prf hmacWithSHA384"})
	w.build("scrypt.p12", heldKey{kind: "rsa", keyID: "1", args: "-scrypt"})
	w.build("two-keys.p12", heldKey{kind: "rsa", keyID: "1"}, heldKey{kind: "ec", keyID: "2"})
	w.build("two-keys-without-ids.p12", heldKey{kind: "rsa"}, heldKey{kind: "ec"})
	w.build("other-key-password.p12", heldKey{kind: "rsa", keyID: "1", pass: "another"})
}
