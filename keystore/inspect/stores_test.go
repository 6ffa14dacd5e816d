package inspect_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

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
	held    map[heldKey][]byte // the encrypted keys so far
}

func newWorkshop(t *testing.T) *workshop {
	w := &workshop{t: t, dir: t.TempDir(), openssl: interop.Need(t, "openssl"), held: map[heldKey][]byte{}}
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
	all := []string{"pkcs12", "-export", "-iter", "500", "-inkey", kind + ".key", "-in", kind + ".crt", "-certfile", "root.crt", "-name", kind,
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
	opts := keystore.EncodeOptions{Profile: profile, Iterations: 500, Random: rand.NewChaCha8([32]byte{}), Now: mint.Day}
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
	}
	w.export("aes-sha1.p12", "rsa", storePass, "-macalg sha1 -keypbe AES-256-CBC -certpbe AES-256-CBC")
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
		w.encode("ours-"+profile+".p12", "p12", profile, storePass, "cipher-AES-256-CBC.p12", "root.crt")
		w.encode("trust-"+profile+".p12", "p12", profile, storePass, "root.crt")
	}
	w.encode("trust-passwordless.p12", "p12", "passwordless-trust", "", "root.crt")
	for _, prf := range []string{"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512-224", "SHA512-256"} {
		w.build("prf-"+prf+".p12", heldKey{kind: "rsa", keyID: "1", args: "-v2 aes-256-cbc -v2prf hmacWith" + prf})
	}
	w.build("prf-SHA384-aes128.p12", heldKey{kind: "rsa", keyID: "1", args: "-v2 aes-128-cbc -v2prf hmacWithSHA384"})
	for name, args := range strangers {
		w.build("stranger-"+name+".p12", heldKey{kind: "rsa", keyID: "1", args: args})
	}
	w.build("scrypt.p12", heldKey{kind: "rsa", keyID: "1", args: "-scrypt"})
	w.build("two-keys.p12", heldKey{kind: "rsa", keyID: "1"}, heldKey{kind: "ec", keyID: "2"})
	w.build("two-keys-without-ids.p12", heldKey{kind: "rsa"}, heldKey{kind: "ec"})
	w.build("other-key-password.p12", heldKey{kind: "rsa", keyID: "1", pass: "another"})
	w.ber("ber.p12")
	w.trailing("trailing.p12")
	w.armoured("armoured.p12")
}

// ber makes a PKCS12 as NSS and BouncyCastle write it, with indefinite lengths around the content.
func (w *workshop) ber(name string) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "cipher-AES-256-CBC.p12"))
	require.NoError(w.t, err)
	var pfx, info, data0, octets cryptobyte.String
	in := cryptobyte.String(data)
	require.True(w.t, in.ReadASN1(&pfx, cbasn1.SEQUENCE))
	var version, id cryptobyte.String
	require.True(w.t, pfx.ReadASN1Element(&version, cbasn1.INTEGER) && pfx.ReadASN1(&info, cbasn1.SEQUENCE) &&
		info.ReadASN1Element(&id, cbasn1.OBJECT_IDENTIFIER) && info.ReadASN1(&data0, cbasn1.Tag(0).ContextSpecific().Constructed()) &&
		data0.ReadASN1Element(&octets, cbasn1.OCTET_STRING))
	indefinite := func(tag byte, parts ...[]byte) []byte {
		return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
	}
	ber := indefinite(0x30, version, indefinite(0x30, id, indefinite(0xA0, indefinite(0x24, octets))), pfx) // pfx: the MAC
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), ber, 0o600))
	w.add(name, storePass)
}

// trailing makes a PKCS12 with bytes behind its end.
func (w *workshop) trailing(name string) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "cipher-AES-256-CBC.p12"))
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), append(data, "\r\n"...), 0o600))
	w.add(name, storePass)
}

// armoured makes a PKCS12 as certtool writes it, in text.
func (w *workshop) armoured(name string) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "cipher-AES-256-CBC.p12"))
	require.NoError(w.t, err)
	w.write(name, "PKCS12", data)
	w.add(name, storePass)
}

// keys makes private keys in PEM and DER, in every encryption that OpenSSL writes.
func (w *workshop) keys() {
	for name, args := range map[string]string{
		"scrypt.pem": "-scrypt",
		"aes128.pem": "-v2 aes-128-cbc", "aes192.pem": "-v2 aes-192-cbc", "aes256.pem": "-v2 aes-256-cbc -v2prf hmacWithSHA512",
		"camellia.pem": "-v2 camellia-256-cbc", "3des.pem": "-v2 des3", "prf-short.pem": "-v2 aes-256-cbc -v2prf hmacWithSHA512-256",
		"des.pem": "-provider legacy -provider default -v2 des", "rc2.pem": "-provider legacy -provider default -v2 rc2",
		"v1-3des.pem": "-v1 PBE-SHA1-3DES", "v1-2des.pem": "-v1 PBE-SHA1-2DES", "v1-rc2.pem": "-provider legacy -provider default -v1 PBE-SHA1-RC2-40",
		"v1-rc2-128.pem": "-provider legacy -provider default -v1 PBE-SHA1-RC2-128", "v1-rc4.pem": "-provider legacy -provider default -v1 PBE-SHA1-RC4-128",
		"stranger-aria.pem": strangers["aria"], "stranger-seed.pem": strangers["seed"], "stranger-prf-md5.pem": strangers["prf-md5"],
		"v1-md5-des.pem": "-provider legacy -provider default -v1 PBE-MD5-DES", "v1-sha1-des.pem": "-provider legacy -provider default -v1 PBE-SHA1-DES",
	} {
		args := append([]string{"pkcs8", "-topk8", "-iter", "500", "-in", "rsa.key", "-out", name, "-passout", "pass:" + storePass}, strings.Fields(args)...)
		interop.Run(w.t, w.dir, w.openssl, args...)
		w.add(name, storePass)
	}
	for _, cipher := range []string{"des", "des3", "aes128", "aes192", "aes256"} {
		name := "traditional-" + cipher + ".pem"
		args := []string{"rsa", "-in", "rsa.key", "-traditional", "-" + cipher, "-out", name, "-passout", "pass:" + storePass}
		if cipher == "des" {
			args = append(args, "-provider", "legacy", "-provider", "default")
		}
		interop.Run(w.t, w.dir, w.openssl, args...)
		w.add(name, storePass)
	}
}

// stores makes JKS.
func (w *workshop) stores() {
	w.encode("ours.jks", "jks", "", storePass, "cipher-AES-256-CBC.p12", "ec.p12", "root.crt")
	w.encode("ed25519.jks", "jks", "", storePass, "ed25519.p12")
	w.renamed("plain-utf8.jks", "😀")
	w.renamed("mixed-case.jks", "Root")
	w.mispaired("mispaired.jks")
}

// renamed makes a JKS whose trusted certificate has an alias of four bytes as no Java writes it.
func (w *workshop) renamed(name, alias string) {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "ours.jks"))
	require.NoError(w.t, err)
	body := bytes.Replace(data[:len(data)-sha1.Size], []byte("\x00\x04root"), []byte("\x00\x04"+alias), 1)
	keyed := []byte{}
	for _, c := range []byte(storePass) {
		keyed = append(keyed, 0, c)
	}
	sum := sha1.Sum(slices.Concat(keyed, []byte("Mighty Aphrodite"), body))
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), append(body, sum[:]...), 0o600))
	w.add(name, storePass)
}

// jceks makes one with keytool.
func (w *workshop) jceks() {
	w.t.Helper()
	interop.Java(w.t, 17).Keytool(w.t, w.dir, []string{"-J-Djdk.jceks.iterationCount=10000", "-importkeystore", "-noprompt", "-srckeystore", "cipher-AES-256-CBC.p12", "-srcstorepass", storePass,
		"-destkeystore", "keytool.jceks", "-deststoretype", "JCEKS", "-deststorepass", storePass})
	w.add("keytool.jceks", storePass)
}
