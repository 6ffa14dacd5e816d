package cli

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// TestWeReadOpenSSLsStores: what openssl writes with each of its options has as many keys and certificates for inspect
// as for openssl itself, and convert takes it.
func TestWeReadOpenSSLsStores(t *testing.T) {
	newPlant(t)
	const legacy = " -provider legacy -provider default"
	const one = "-inkey sensor.key -in sensor.crt -certfile chain.crt -name sensor "
	for _, tc := range []struct{ name, args string }{
		{"AES-256, the default", one},
		{"AES-128 and AES-192", one + "-certpbe AES-128-CBC -keypbe AES-192-CBC"},
		{"3DES with the MAC of old", one + "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1"},
		{"3DES in PBES2", one + "-certpbe DES-EDE3-CBC -keypbe DES-EDE3-CBC"},
		{"2DES", one + "-certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES"},
		{"RC2", one + "-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-128" + legacy},
		{"RC4", one + "-certpbe PBE-SHA1-RC4-128 -keypbe PBE-SHA1-RC4-40" + legacy},
		{"MAC with SHA-224", one + "-macalg sha224"},
		{"MAC with SHA-384", one + "-macalg sha384"},
		{"MAC with SHA-512", one + "-macalg sha512"},
		{"one round", one + "-noiter -nomaciter"},
		{"keys in the clear", one + "-keypbe NONE"},
		{"certificates in the clear", one + "-certpbe NONE"},
		{"attributes of Microsoft's", one + "-CSP mycsp -LMK"},
		{"certificates alone", "-nokeys -in sensor.crt -certfile chain.crt"},
		{"a key alone", "-nocerts -inkey sensor.key"},
		{"no MAC", one + "-nomac"},
		{"nothing encrypted and no MAC", one + "-keypbe NONE -certpbe NONE -nomac"},
	} {
		for _, password := range []string{changeit, "pä😀ss", ""} {
			t.Run(fmt.Sprintf("%s/%q", tc.name, password), func(t *testing.T) {
				openssl(t, append([]string{"pkcs12", "-export", "-out", "s.p12", "-passout", "pass:" + password}, strings.Fields(tc.args)...)...)
				if password == changeit { // what follows the end is no part of it
					data, err := os.ReadFile("s.p12")
					require.NoError(t, err)
					require.NoError(t, os.WriteFile("s.p12", append(data, "\r\nmore"...), 0o600))
				}
				// What openssl reads needs its legacy provider for RC2 and RC4.
				theirs := openssl(t, append([]string{"pkcs12", "-in", "s.p12", "-passin", "pass:" + password, "-nodes"}, strings.Fields(legacy)...)...)
				report := look(t, "s.p12", "--in-pass", "pass:"+password)
				assert.Equal(t, pemCounts(theirs), counts(report))
				assert.Equal(t, password == changeit, hasProblem(report, "trailing-bytes"))
				integrity := "verified"
				if strings.Contains(tc.args, "-nomac ") || strings.HasSuffix(tc.args, "-nomac") {
					integrity = "absent"
					assert.True(t, hasProblem(report, "no-mac"), "a warning that nothing vouches for the file")
				}
				assert.Equal(t, integrity, report.Integrity)
				mqttpki(t, "convert", "s.p12", "out.pem", "--in-pass", "pass:"+password, "--out-pass", "none", "--force", "--allow-loss")
				ours, err := os.ReadFile("out.pem")
				require.NoError(t, err)
				assert.Equal(t, pemCounts(theirs), pemCounts(string(ours)))
			})
		}
	}
	t.Run("a store without a MAC still needs its password", func(t *testing.T) {
		openssl(t, "pkcs12", "-export", "-out", "nomac.p12", "-passout", pass, "-inkey", "sensor.key", "-in", "sensor.crt", "-nomac")
		mqttpkiExits(t, exitPassword, "convert", "nomac.p12", "never.pem", "--out-pass", "none")
		mqttpkiExits(t, exitPassword, "convert", "nomac.p12", "never.pem", "--out-pass", "none", "--in-pass", "pass:wrong")
		assert.NoFileExists(t, "never.pem")
	})
}

// TestWeReadOtherWriters: NSS writes BER, GnuTLS three safes, keytool several keys, trusted and secret entries, each with
// algorithms of its own.
func TestWeReadOtherWriters(t *testing.T) {
	newPlant(t)
	t.Run("BER of NSS", func(t *testing.T) {
		dir := t.TempDir()
		pk12util := interop.Need(t, "pk12util")
		openssl(t, "pkcs12", "-export", "-out", "in.p12", "-passout", pass, "-inkey", "sensor.key", "-in", "sensor.crt", "-certfile", "chain.crt", "-name", "sensor")
		interop.Run(t, ".", interop.Need(t, "certutil"), "-N", "-d", "sql:"+dir, "--empty-password")
		interop.Run(t, ".", pk12util, "-i", "in.p12", "-d", "sql:"+dir, "-W", changeit, "-K", "")
		interop.Run(t, ".", pk12util, "-o", "nss.p12", "-n", "sensor", "-d", "sql:"+dir, "-W", changeit, "-K", "")
		assert.Contains(t, openssl(t, "asn1parse", "-inform", "DER", "-in", "nss.p12"), "l=inf")
		assert.Equal(t, pemCounts(openssl(t, "pkcs12", "-in", "nss.p12", "-passin", pass, "-nodes")), counts(look(t, "nss.p12", "--in-pass", pass)))
		mqttpki(t, "convert", "nss.p12", "nss.jks", "--in-pass", pass, "--out-pass", pass)
		assert.Equal(t, "sensor", look(t, "nss.jks", "--in-pass", pass).Entries[0].Alias)
	})
	t.Run("three safes of GnuTLS", func(t *testing.T) {
		interop.Run(t, ".", interop.Need(t, "certtool"), "--to-p12", "--load-privkey", "sensor.key", "--load-certificate", "sensor.crt", "--load-ca-certificate", "chain.crt",
			"--p12-name", "sensor", "--password", changeit, "--outder", "--outfile", "gnutls.p12")
		assert.Equal(t, pemCounts(openssl(t, "pkcs12", "-in", "gnutls.p12", "-passin", pass, "-nodes")), counts(look(t, "gnutls.p12", "--in-pass", pass)))
	})
	t.Run("PEM of GnuTLS", func(t *testing.T) { // which openssl does not read
		interop.Run(t, ".", interop.Need(t, "certtool"), "--to-p12", "--load-privkey", "sensor.key", "--load-certificate", "sensor.crt", "--load-ca-certificate", "chain.crt",
			"--p12-name", "sensor", "--password", changeit, "--outfile", "armoured.p12")
		report := look(t, "armoured.p12", "--in-pass", pass)
		assert.Equal(t, counts(look(t, "gnutls.p12", "--in-pass", pass)), counts(report))
		assert.True(t, hasProblem(report, "armoured"))
		mqttpki(t, "convert", "armoured.p12", "binary.p12", "--in-pass", pass, "--out-pass", pass)
		assert.Equal(t, counts(report), counts(look(t, "binary.p12", "--in-pass", pass)))
		openssl(t, "pkcs12", "-in", "binary.p12", "-passin", pass, "-noout")
	})
	t.Run("GnuTLS without a password, and with an empty one, which are two", func(t *testing.T) {
		for _, flag := range []string{"--null-password", "--empty-password"} {
			interop.Run(t, ".", interop.Need(t, "certtool"), "--to-p12", "--load-privkey", "sensor.key", "--load-certificate", "sensor.crt", "--p12-name", "sensor", flag, "--outder", "--outfile", "empty.p12")
			for _, args := range [][]string{nil, {"--in-pass", "none"}, {"--in-pass", "pass:"}} {
				report := look(t, "empty.p12", args...)
				assert.Equal(t, "verified", report.Integrity, flag)
				assert.Equal(t, "1 keys, 1 certificates", counts(report), flag)
			}
			mqttpkiExits(t, exitPassword, "inspect", "empty.p12", "--in-pass", "pass:wrong")
		}
	})
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprintf("keytool of JDK %d", jdk.Version), func(t *testing.T) { keytoolWrites(t, jdk) })
	}
}

// keytoolWrites has keytool make stores of each kind, in one JVM.
func keytoolWrites(t *testing.T, jdk interop.JDK) {
	for _, name := range []string{"java.p12", "sha.p12", "java.jks", "java.jceks", "fromjceks.p12", "broken.p12"} {
		_ = os.Remove(name)
	}
	on := func(store, kind string, args ...string) []string {
		return append(args, "-keystore", store, "-storetype", kind, "-storepass", changeit)
	}
	jceks := []string{"-keystore", "java.jceks", "-storetype", "JCEKS", "-storepass", changeit}
	own := []string{"-keypass", "keypassword"}
	commands := [][]string{
		on("java.p12", "PKCS12", "-genkeypair", "-keyalg", "EC", "-dname", "CN=one", "-alias", "one"),
		on("java.p12", "PKCS12", "-genkeypair", "-keyalg", "EC", "-dname", "CN=two", "-alias", "two"),
		on("java.p12", "PKCS12", "-importcert", "-noprompt", "-file", "partner.crt", "-alias", "partner"),
		on("java.p12", "PKCS12", "-genseckey", "-keyalg", "AES", "-keysize", "256", "-alias", "sec"),
		append(append([]string{"-genkeypair", "-keyalg", "EC", "-dname", "CN=one", "-alias", "one"}, own...), on("java.jks", "JKS")...),
		append(append([]string{"-genkeypair", "-keyalg", "RSA", "-dname", "CN=one", "-alias", "one"}, own...), jceks...),
		append([]string{"-importcert", "-noprompt", "-file", "partner.crt", "-alias", "partner"}, jceks...),
		[]string{"-importkeystore", "-noprompt", "-srckeystore", "java.jceks", "-srcstoretype", "JCEKS", "-srcstorepass", changeit, "-srcalias", "one", "-srckeypass", "keypassword",
			"-destkeystore", "fromjceks.p12", "-deststoretype", "PKCS12", "-deststorepass", changeit},
		append([]string{"-genseckey", "-keyalg", "AES", "-keysize", "128", "-alias", "sec"}, append(own, jceks...)...),
		append([]string{"-J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithHmacSHA384AndAES_128", "-J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithHmacSHA224AndAES_256",
			"-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA384"}, on("sha.p12", "PKCS12", "-genkeypair", "-keyalg", "EC", "-dname", "CN=one", "-alias", "one")...),
	}
	if jdk.Version >= 25 { // it reads back what it wrote, too late
		commands = append(commands, append([]string{"!", "-J-Dkeystore.pkcs12.macAlgorithm=PBEWithHmacSHA256"},
			on("broken.p12", "PKCS12", "-genkeypair", "-keyalg", "EC", "-dname", "CN=x", "-alias", "x")...))
	}
	jdk.Keytool(t, ".", commands...)
	report := look(t, "java.p12", "--in-pass", pass)
	assert.Equal(t, pemCounts(openssl(t, "pkcs12", "-in", "java.p12", "-passin", pass, "-nodes")), counts(report))
	assert.Len(t, report.Entries, 4)
	assert.Equal(t, "1 keys, 1 certificates", counts(look(t, "sha.p12", "--in-pass", pass)), "HMAC with SHA-224 and SHA-384")

	// A secret key has no place in PEM: said and refused, unless the loss is accepted.
	out, _ := mqttpkiExits(t, exitFound, "convert", "java.p12", "java.pem", "--in-pass", pass, "--out-pass", "none", "--force")
	assert.Regexp(t, `(?m)^  lost     .*sec`, out)
	mqttpki(t, "convert", "java.p12", "java.pem", "--in-pass", pass, "--out-pass", "none", "--force", "--allow-loss")
	out, _ = mqttpkiExits(t, exitFound, "convert", "java.jceks", "never.p12", "--in-pass", pass, "--in-key-pass", "pass:keypassword", "--out-pass", pass)
	assert.Regexp(t, `(?m)^  lost     .*sec`, out)

	// Keys of another password than their store: not without it; with it they are what keytool takes out; and the result
	// has one password for all.
	for _, file := range []string{"java.jks", "java.jceks"} {
		mqttpkiExits(t, exitPassword, "convert", file, "never.p12", "--in-pass", pass, "--out-pass", pass, "--only", "type=key")
		out, _ := mqttpki(t, "convert", file, "ours.p12", "--in-pass", pass, "--in-key-pass", "one=pass:keypassword", "--out-pass", pass, "--only", "type=key", "--force")
		assert.Contains(t, out, "password", "that the key's own is gone")
		openssl(t, "pkcs12", "-in", "ours.p12", "-passin", pass, "-nodes", "-out", "ours.pem")
	}
	mine, theirs := decodeFile(t, "ours.p12", changeit), decodeFile(t, "fromjceks.p12", changeit)
	assert.Equal(t, []byte(theirs.Identities[0].Key.PKCS8), []byte(mine.Identities[0].Key.PKCS8))
	mqttpkiExits(t, exitUnsupported, "convert", "java.p12", "never.jceks", "--in-pass", pass)

	// A MAC that only Java 25 writes and not even it reads is not a wrong password.
	if jdk.Version >= 25 {
		_, errs := mqttpkiExits(t, exitUnsupported, "inspect", "broken.p12", "--in-pass", pass)
		assert.Contains(t, errs, "MAC")
		assert.NotContains(t, errs, "wrong password")
	}
	assert.NoFileExists(t, "never.p12")
}

// TestPBMAC1 reads the vectors of RFC 9579: three to be opened, three to be refused.
func TestPBMAC1(t *testing.T) {
	vectors, err := filepath.Abs("../../../keystore/p12file/testdata/rfc9579")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	for name, want := range map[string]int{"a1": exitDone, "a2": exitDone, "a3": exitDone, "a4": exitPassword, "a5": exitPassword, "a6": exitFailed} {
		text, err := os.ReadFile(filepath.Join(vectors, name+".b64"))
		require.NoError(t, err)
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name+".p12", data, 0o600))
		for _, args := range [][]string{{"inspect", name + ".p12"}, {"convert", name + ".p12", name + ".pem", "--out-pass", "none"}} {
			out, errs, code := runWith(mathReader(1), append(args, "--in-pass", "pass:1234")...)
			if code == exitFound && args[0] == "inspect" { // it could be read; its certificate expired in 2023
				code = exitDone
			}
			assert.Equal(t, want, code, "%s\n%s%s", name, out, errs)
			if want == exitPassword { // the password opens everything, so that the MAC may have another: both are said
				assert.Contains(t, errs, "wrong password for the store as a whole, or the file was changed")
			}
		}
	}
}

// p12Info is ContentInfo with id-data.
type p12Info struct {
	Type    asn1.ObjectIdentifier
	Content []byte `asn1:"tag:0,explicit"`
}

// plainBags returns the bags of a PKCS12 without MAC or encrypted safes: keys may be encrypted one by one.
func plainBags(t *testing.T, file string) []asn1.RawValue {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var pfx struct {
		Version int
		Safe    p12Info
	}
	_, err = asn1.Unmarshal(data, &pfx)
	require.NoError(t, err)
	var safes []p12Info
	_, err = asn1.Unmarshal(pfx.Safe.Content, &safes)
	require.NoError(t, err)
	var all []asn1.RawValue
	for _, safe := range safes {
		var bags []asn1.RawValue
		_, err = asn1.Unmarshal(safe.Content, &bags)
		require.NoError(t, err)
		all = append(all, bags...)
	}
	return all
}

// writeBags makes a PKCS12 of bags, without a MAC.
func writeBags(t *testing.T, file string, bags []asn1.RawValue) {
	t.Helper()
	marshal := func(v any) []byte {
		data, err := asn1.Marshal(v)
		require.NoError(t, err)
		return data
	}
	id := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	safes := marshal([]p12Info{{id, marshal(bags)}})
	require.NoError(t, os.WriteFile(file, marshal(struct {
		Version int
		Safe    p12Info
	}{3, p12Info{id, safes}}), 0o600))
}

// newBag makes a bag of one of PKCS12's six types, without attributes.
func newBag(t *testing.T, kind int, value []byte) asn1.RawValue {
	t.Helper()
	data, err := asn1.Marshal(struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue
	}{
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, kind},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: value},
	})
	require.NoError(t, err)
	return asn1.RawValue{FullBytes: data}
}

// exportPlain writes a PKCS12 of one key and its certificate, with nothing encrypted but the key, if there is a password
// for it.
func exportPlain(t *testing.T, alias, keyPass string) {
	t.Helper()
	args := []string{"pkcs12", "-export", "-out", alias + ".p12", "-inkey", alias + ".key", "-in", alias + ".crt", "-name", alias, "-certpbe", "NONE", "-nomac", "-passout", "pass:" + keyPass}
	if keyPass == "" {
		args = append(args, "-keypbe", "NONE")
	}
	openssl(t, args...)
}

// TestStoresThatNobodyCanMake: what no program here writes in one piece, put together from what openssl wrote.
func TestStoresThatNobodyCanMake(t *testing.T) {
	p := newPlant(t)
	id := func(alias string) []byte { return localKeyID(t, plainBags(t, alias+".p12")) }
	t.Run("swapped ids: the public key decides, and that is said", func(t *testing.T) {
		exportPlain(t, "server-1", "")
		exportPlain(t, "server-2", "")
		one, two := id("server-1"), id("server-2")
		var bags []asn1.RawValue
		for _, bag := range append(plainBags(t, "server-1.p12"), plainBags(t, "server-2.p12")...) {
			if bytes.Contains(bag.FullBytes, p.keys["server-1"].PKCS8) {
				bag = replaced(bag, one, two)
			} else if bytes.Contains(bag.FullBytes, p.keys["server-2"].PKCS8) {
				bag = replaced(bag, two, one)
			}
			bags = append(bags, bag)
		}
		writeBags(t, "swapped.p12", bags)
		assert.True(t, hasProblem(look(t, "swapped.p12"), "key-leaf-mismatch"))
		mqttpki(t, "convert", "swapped.p12", "fixed.p12", "--out-pass", pass)
		p.requirePairs(t, "fixed.p12", "server-1", "server-2")
	})
	t.Run("keys without ids or names all survive", func(t *testing.T) {
		var bags []asn1.RawValue
		for _, alias := range aliases {
			openssl(t, "pkcs12", "-export", "-nocerts", "-inkey", alias+".key", "-out", "k.p12", "-keypbe", "NONE", "-nomac", "-passout", "pass:")
			openssl(t, "pkcs12", "-export", "-nokeys", "-in", alias+".crt", "-out", "c.p12", "-certpbe", "NONE", "-nomac", "-passout", "pass:")
			bags = append(append(bags, plainBags(t, "k.p12")...), plainBags(t, "c.p12")...)
		}
		writeBags(t, "nameless.p12", bags)
		out, _ := mqttpki(t, "convert", "nameless.p12", "named.p12", "--out-pass", pass)
		for _, name := range []string{"1", "2", "3"} { // as Java counts them
			assert.Regexp(t, `(?m)^  renamed  .* -> `+name+`: key, 1 certificate`, out)
		}
		p.requirePairs(t, "named.p12", aliases...)
	})
	t.Run("keys of different passwords in one store", func(t *testing.T) {
		exportPlain(t, "server-1", "first")
		exportPlain(t, "sensor", "second")
		writeBags(t, "mixed.p12", append(plainBags(t, "server-1.p12"), plainBags(t, "sensor.p12")...))
		mqttpkiExits(t, exitPassword, "convert", "mixed.p12", "never.p12", "--in-pass", "pass:first", "--out-pass", pass)
		mqttpki(t, "convert", "mixed.p12", "one.p12", "--in-pass", "pass:first", "--in-key-pass", "sensor=pass:second", "--out-pass", pass)
		p.requirePairs(t, "one.p12", "server-1", "sensor")
		openssl(t, "pkcs12", "-in", "one.p12", "-passin", pass, "-nodes", "-out", "k.pem")
	})
	t.Run("names that differ by case alone", func(t *testing.T) {
		exportPlain(t, "server-1", "")
		exportPlain(t, "server-2", "")
		var bags []asn1.RawValue
		for _, bag := range plainBags(t, "server-1.p12") {
			bags = append(bags, replaced(bag, wide("server-1"), wide("Server-X")))
		}
		for _, bag := range plainBags(t, "server-2.p12") {
			bags = append(bags, replaced(bag, wide("server-2"), wide("server-x")))
		}
		writeBags(t, "dup.p12", bags)
		for _, to := range []string{"dup-out.p12", "dup-out.jks"} {
			out, errs, code := runWith(mathReader(1), "convert", "dup.p12", to, "--out-pass", pass)
			if code != exitDone { // a conflict, reported before anything is written
				assert.Contains(t, strings.ToLower(out+errs), "server-x")
				assert.NoFileExists(t, to)
				continue
			}
			assert.Regexp(t, `(?m)^  renamed  [Ss]erver-[Xx] -> `, out)
			p.requirePairs(t, to, "server-1", "server-2")
		}
	})
	t.Run("a safe within a safe, a CRL, and attributes of nobody's", func(t *testing.T) { p.oddBags(t) })
}

// wide is the content of a BMPString.
func wide(s string) []byte {
	var out []byte
	for _, c := range []byte(s) {
		out = append(out, 0, c)
	}
	return out
}

// localKeyID is the id that openssl gives a key: 20 bytes.
func localKeyID(t *testing.T, bags []asn1.RawValue) []byte {
	t.Helper()
	oid := []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15\x31\x16\x04\x14")
	for _, bag := range bags {
		if i := bytes.Index(bag.FullBytes, oid); i >= 0 {
			return bag.FullBytes[i+len(oid) : i+len(oid)+20]
		}
	}
	t.Fatal("no localKeyID")
	return nil
}

// replaced is a bag with some bytes in place of as many others.
func replaced(bag asn1.RawValue, from, to []byte) asn1.RawValue {
	return asn1.RawValue{FullBytes: bytes.ReplaceAll(bag.FullBytes, from, to)}
}

// requirePairs requires that the store's keys are those of these aliases of the plant, each with its own certificate.
func (p plant) requirePairs(t *testing.T, file string, names ...string) {
	t.Helper()
	s := decodeFile(t, file, changeit)
	require.Len(t, s.Identities, len(names))
	found := map[string]bool{}
	for _, id := range s.Identities {
		require.NotNil(t, id.Leaf())
		name := id.Leaf().X509.Subject.CommonName
		assert.Equal(t, []byte(p.keys[name].PKCS8), []byte(id.Key.PKCS8), name)
		found[name] = true
	}
	for _, name := range names {
		assert.True(t, found[name], name)
	}
}

// oddBags: what is not kept is reported, and refused unless that is accepted; what is only wrapped is found.
func (p plant) oddBags(t *testing.T) {
	marshal := func(v any) []byte {
		data, err := asn1.Marshal(v)
		require.NoError(t, err)
		return data
	}
	exportPlain(t, "sensor", "")
	bags := plainBags(t, "sensor.p12")
	nested := newBag(t, 6, marshal(bags))
	openssl(t, "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "ca.key")
	openssl(t, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=ca", "-days", "9", "-out", "ca.crt")
	require.NoError(t, os.WriteFile("index.txt", nil, 0o600))
	require.NoError(t, os.WriteFile("ca.cnf", []byte("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=9\n"), 0o600))
	openssl(t, "ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.crt", "-out", "ca.crl")
	openssl(t, "crl", "-in", "ca.crl", "-outform", "DER", "-out", "ca.crl.der")
	crl, err := os.ReadFile("ca.crl.der")
	require.NoError(t, err)
	crlBag := newBag(t, 4, marshal(struct {
		ID    asn1.ObjectIdentifier
		Value []byte `asn1:"tag:0,explicit"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 23, 1}, crl}))
	secret := newBag(t, 5, marshal(struct {
		ID    asn1.ObjectIdentifier
		Value []byte `asn1:"tag:0,explicit"`
	}{asn1.ObjectIdentifier{1, 2, 3, 4}, []byte("secret")}))

	writeBags(t, "nested.p12", []asn1.RawValue{nested})
	assert.Equal(t, pemCounts(openssl(t, "pkcs12", "-in", "nested.p12", "-passin", "pass:", "-nodes")), counts(look(t, "nested.p12")))
	writeBags(t, "odd.p12", append(bags, crlBag, secret))
	mqttpkiExits(t, exitFound, "convert", "odd.p12", "never.jks", "--out-pass", pass)
	assert.NoFileExists(t, "never.jks")
	out, _ := mqttpki(t, "convert", "odd.p12", "lossy.jks", "--out-pass", pass, "--allow-loss")
	assert.GreaterOrEqual(t, strings.Count(out, "  lost  "), 2, out)
	p.requirePairs(t, "lossy.jks", "sensor")
	assert.Equal(t, 1, len(decodeFile(t, "lossy.jks", changeit).Identities))

	// An attribute that nobody knows: kept out, said, and no failure.
	openssl(t, "pkcs12", "-export", "-out", "ms.p12", "-inkey", "sensor.key", "-in", "sensor.crt", "-name", "sensor", "-certpbe", "NONE", "-keypbe", "NONE", "-nomac", "-passout", "pass:", "-LMK", "-CSP", "csp")
	report := look(t, "ms.p12")
	assert.NotEmpty(t, report.Problems)
	mqttpki(t, "convert", "ms.p12", "ms-out.p12", "--out-pass", pass)
	p.requirePairs(t, "ms-out.p12", "sensor")
}

// TestWeReadPEMOfEveryForm: each way in which openssl and others write keys and certificates goes in, and openssl finds
// the same key in what comes out.
func TestWeReadPEMOfEveryForm(t *testing.T) {
	samples, err := filepath.Abs("../../../keystore/pemfile/testdata/samples")
	require.NoError(t, err)
	newPlant(t)
	for _, args := range []string{
		"pkcs8 -topk8 -in sensor.key -v2 aes256 -v2prf hmacWithSHA1", "pkcs8 -topk8 -in sensor.key -v2 aes256 -v2prf hmacWithSHA224",
		"pkcs8 -topk8 -in sensor.key -v2 aes256 -v2prf hmacWithSHA384", "pkcs8 -topk8 -in sensor.key -v2 aes256 -v2prf hmacWithSHA512",
		"pkcs8 -topk8 -in sensor.key -v2 aes256 -v2prf hmacWithSHA512-256", "pkcs8 -topk8 -in sensor.key -scrypt", "pkcs8 -topk8 -in sensor.key -v1 PBE-SHA1-3DES",
		"ec -in sensor.key -aes128", "ec -in sensor.key -des3", "pkcs8 -topk8 -in sensor.key -outform DER", "ec -in sensor.key -outform DER",
	} {
		t.Run(args, func(t *testing.T) {
			openssl(t, append(strings.Fields(args), "-passout", pass, "-out", "theirs.pem")...)
			mqttpki(t, "convert", "auto", "pem", "theirs.pem", "ours.pem", "--in-pass", pass, "--out-pass", "none", "--force")
			assert.Equal(t, openssl(t, "pkey", "-in", "sensor.key", "-pubout"), openssl(t, "pkey", "-in", "ours.pem", "-pubout"))
			if !strings.Contains(args, "ec ") || !strings.Contains(args, "DER") { // which that program does not encrypt
				mqttpkiExits(t, exitPassword, "convert", "auto", "pem", "theirs.pem", "never.pem", "--in-pass", "pass:wrong", "--out-pass", "none")
			}
		})
	}
	for name, want := range map[string]string{
		"cert-bom.pem": "0 keys, 1 certificates", "cert-crlf.pem": "0 keys, 1 certificates", "cert-text.pem": "0 keys, 1 certificates",
		"cert-trusted.pem": "0 keys, 1 certificates", "cert-x509.pem": "0 keys, 1 certificates", "cert.der": "0 keys, 1 certificates",
		"ec-parameters.pem": "1 keys, 0 certificates", "bundle.p7b": "", "bundle.der": "", "bundle-ber.der": "", "bag-attributes.pem": "",
	} {
		report := look(t, filepath.Join(samples, name))
		if want != "" {
			assert.Equal(t, want, counts(report), name)
		}
		assert.NotEmpty(t, report.Entries, name)
	}
	mqttpki(t, "convert", "auto", "p12", filepath.Join(samples, "bag-attributes.pem"), "bag.p12", "--out-pass", pass)
	require.NotEmpty(t, decodeFile(t, "bag.p12", changeit).Identities)
	assert.NotEqual(t, "1", decodeFile(t, "bag.p12", changeit).Identities[0].Alias, "the name in the text is the alias")
	_, errs := mqttpkiExits(t, exitUnsupported, "convert", gcmKey(t), "never.pem", "--in-pass", "pass:storepass", "--out-pass", "none")
	assert.Contains(t, errs, "2.16.840.1.101.3.4.1.46", "AES-GCM, whatever a library wrote under its name")
}

// gcmKey writes a key that says AES-256-GCM, as a Go library did that encrypted with CBC.
func gcmKey(t *testing.T) string {
	t.Helper()
	require.NoError(t, os.WriteFile("gcm.pem", failing(t)["pem"]["2.16.840.1.101.3.4.1.46"], 0o600))
	return "gcm.pem"
}

// TestWeReadScryptInPKCS12: openssl reads such files and does not write them.
func TestWeReadScryptInPKCS12(t *testing.T) {
	p := newPlant(t)
	// openssl's key in PKCS#8 under scrypt is the value of a shrouded bag as it stands.
	openssl(t, "pkcs8", "-topk8", "-in", "sensor.key", "-scrypt", "-passout", pass, "-outform", "DER", "-out", "k.der")
	key, err := os.ReadFile("k.der")
	require.NoError(t, err)
	openssl(t, "pkcs12", "-export", "-nokeys", "-in", "sensor.crt", "-out", "c.p12", "-certpbe", "NONE", "-nomac", "-passout", "pass:")
	writeBags(t, "scrypt.p12", append(plainBags(t, "c.p12"), newBag(t, 2, key)))
	assert.Equal(t, pemCounts(openssl(t, "pkcs12", "-in", "scrypt.p12", "-passin", pass, "-nodes")), counts(look(t, "scrypt.p12", "--in-pass", pass)))
	mqttpki(t, "convert", "scrypt.p12", "out.p12", "--in-pass", pass, "--out-pass", pass)
	p.requirePairs(t, "out.p12", "sensor")
	require.ErrorIs(t, lockedOf(decodeFile(t, "scrypt.p12", "wrong")), keystore.ErrPassword)
}

// lockedOf is why the first key of a store is locked.
func lockedOf(s *keystore.Store) error { return s.Identities[0].Locked }
