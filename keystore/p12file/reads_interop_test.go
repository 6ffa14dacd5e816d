package p12file

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// party is a key with certificate and issuer, as PEM files for other programs to make stores of.
type party struct {
	dir        string
	leaf, root *holder
}

// newParty writes key.pem, leaf.pem and root.pem into a new directory.
func newParty(t testing.TB) party {
	t.Helper()
	root := issue(t, "root", newKey(t), nil, true)
	p := party{dir: t.TempDir(), root: root, leaf: issue(t, "leaf", newKey(t), root, false)}
	key, err := x509.MarshalPKCS8PrivateKey(p.leaf.key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
		"leaf.pem": {Type: "CERTIFICATE", Bytes: p.leaf.cert.Raw},
		"root.pem": {Type: "CERTIFICATE", Bytes: p.root.cert.Raw},
	} {
		put(t, p.dir, name, pem.EncodeToMemory(block))
	}
	return p
}

// requireParty checks that the store holds the party's key under the alias, with its chain, and nothing else.
func (p party) requireParty(t testing.TB, s *keystore.Store, alias string) {
	t.Helper()
	require.Equal(t, "key "+alias+" CN=leaf CN=root; ", outline(s))
	require.NoError(t, s.Identities[0].Locked)
	require.Equal(t, p.leaf.cert.PublicID(), s.Identities[0].Key.PublicID())
}

// TestReadsOpenSSL reads what `openssl pkcs12 -export` writes with each of its options.
func TestReadsOpenSSL(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	p := newParty(t)
	legacy := " -provider legacy -provider default"
	for _, args := range []string{
		"", "-nomaciter", "-noiter", "-iter 3000", "-nomac", "-CSP mycsp -LMK", "-caname one",
		"-certpbe AES-128-CBC -keypbe AES-192-CBC", "-certpbe DES-EDE3-CBC -keypbe DES-EDE3-CBC",
		"-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1",
		"-certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES",
		"-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-128" + legacy,
		"-certpbe PBE-SHA1-RC4-128 -keypbe PBE-SHA1-RC4-40" + legacy,
		"-macalg sha224", "-macalg sha384", "-macalg sha512", "-macalg md5", "-macalg sha512-224", "-macalg sha512-256", "-macalg sha3-384",
		"-keypbe NONE", "-certpbe NONE", "-keypbe NONE -certpbe NONE -nomac",
	} {
		for _, pw := range []string{"changeit", "", "pässwörd€😀"} {
			t.Run(fmt.Sprintf("%s %q", args, pw), func(t *testing.T) {
				all := append([]string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-certfile", "root.pem",
					"-name", "Leaf 1", "-out", "s.p12", "-passout", "pass:" + pw}, strings.Fields(args)...)
				interop.Run(t, p.dir, openssl, all...)
				data := get(t, p.dir, "s.p12")
				assert.True(t, Codec{}.Sniff(data))
				got, err := Codec{}.Decode(data, reading(pw))
				require.NoError(t, err)
				p.requireParty(t, got, "Leaf 1")
				if strings.HasSuffix(args, "-nomac") {
					assert.Equal(t, keystore.IntegrityAbsent, got.Integrity)
					assert.Contains(t, codes(got), "no-mac")
				} else {
					assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
				}
				wrong, err := Codec{}.Decode(data, reading("wrong"))
				switch {
				case args == "-nomac": // and so, with this program, no encrypted certificates either
					require.NoError(t, err)
					assert.ErrorIs(t, wrong.Identities[0].Locked, keystore.ErrPassword)
				case !strings.HasSuffix(args, "-nomac"):
					assert.ErrorIs(t, err, keystore.ErrPassword)
				}
				got, err = Codec{}.Decode(data, keystore.DecodeOptions{})
				require.NoError(t, err, "without a password there is something to see")
				require.Len(t, got.Identities, 1)
				assert.Equal(t, "Leaf 1", got.Identities[0].Alias)
			})
		}
	}
}

// TestReadsOpenSSLParts reads stores without keys or without certificates, and one with an encryption we lack.
func TestReadsOpenSSLParts(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	p := newParty(t)
	for _, tc := range []struct{ args, want string }{
		{"-nokeys -in leaf.pem -certfile root.pem", "loose  CN=leaf; loose  CN=root; "},
		{"-nokeys -in leaf.pem -caname x", "loose x CN=leaf; "},
		{"-nocerts -inkey key.pem -name k", "key k; "},
	} {
		interop.Run(t, p.dir, openssl, append([]string{"pkcs12", "-export", "-out", "s.p12", "-passout", "pass:x"}, strings.Fields(tc.args)...)...)
		got, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading("x"))
		require.NoError(t, err, tc.args)
		assert.Equal(t, tc.want, outline(got), tc.args)
	}
	export := []string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-out", "s.p12", "-passout", "pass:x"}
	interop.Run(t, p.dir, openssl, append(export, "-certpbe", "CAMELLIA-256-CBC")...)
	_, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading("x"))
	require.ErrorIs(t, err, keystore.ErrUnsupported)
	assert.Contains(t, err.Error(), "1.2.392.200011.61.1.1.1.4")

	interop.Run(t, p.dir, openssl, append(export, "-keypbe", "CAMELLIA-256-CBC", "-name", "c")...)
	got, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading("x"))
	require.NoError(t, err, "one key that can't be read does not hide the rest")
	assert.Equal(t, "key c locked CN=leaf; ", outline(got))
	assert.ErrorIs(t, got.Identities[0].Locked, keystore.ErrUnsupported)
}

// TestReadsLatin1 opens what OpenSSL wrote on a terminal of another encoding, by the password as a person knows it. OpenSSL
// itself gets past the MAC only.
func TestReadsLatin1(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	p := newParty(t)
	put(t, p.dir, "pass", []byte("p\xe4ss"))
	for _, args := range []string{"", "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1"} {
		interop.Run(t, p.dir, openssl, append([]string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-certfile", "root.pem",
			"-name", "n", "-iter", "2", "-out", "s.p12", "-passout", "file:pass"}, strings.Fields(args)...)...)
		for _, pw := range []string{"päss", "p\xe4ss"} {
			got, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading(pw))
			require.NoError(t, err, "%s %q", args, pw)
			p.requireParty(t, got, "n")
		}
	}
}

// TestNamesOpenSSLMACs names the digests that we lack: a right password is not called wrong for them.
func TestNamesOpenSSLMACs(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	p := newParty(t)
	for digest, want := range map[string]string{
		"sm3": "SM3 (1.2.156.10197.1.401)", "blake2b512": "BLAKE2b-512 (1.3.6.1.4.1.1722.12.2.1.16)",
		"md4": "MD4 (1.2.840.113549.2.4)", "ripemd160": "RIPEMD-160 (1.3.36.3.2.1)", "whirlpool": "Whirlpool (1.0.10118.3.0.55)",
	} {
		interop.Run(t, p.dir, openssl, "pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-iter", "2", "-out", "s.p12",
			"-passout", "pass:x", "-macalg", digest, "-provider", "legacy", "-provider", "default")
		_, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading("x"))
		require.ErrorIs(t, err, keystore.ErrUnsupported, digest)
		assert.ErrorContains(t, err, want)
	}
}

// TestReadsTwoPasswords reads a store whose MAC has another password than its contents, whichever is called the store's,
// and says of one alone what it is good for.
func TestReadsTwoPasswords(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	p := newParty(t)
	// Without a terminal it reads both passwords, each twice, from standard input.
	put(t, p.dir, "answers", []byte("outer\nouter\ninner\ninner\n"))
	interop.Run(t, p.dir, interop.Need(t, "setsid"), "sh", "-c", openssl+" pkcs12 -export -twopass -inkey key.pem -in leaf.pem -certfile root.pem -name n -iter 2 -out s.p12 < answers")
	data := get(t, p.dir, "s.p12")
	outer, inner := keystore.Secret("outer"), keystore.Secret("inner")
	for _, opts := range []keystore.DecodeOptions{{Password: outer, KeyPassword: inner}, {Password: inner, KeyPassword: outer}} {
		got, err := Codec{}.Decode(data, opts)
		require.NoError(t, err)
		p.requireParty(t, got, "n")
		assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
	}
	_, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: outer})
	require.ErrorIs(t, err, keystore.ErrPassword)
	assert.ErrorContains(t, err, "the MAC fits, but this part has another password")
	_, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: inner})
	require.ErrorIs(t, err, keystore.ErrKeyPassword)
	assert.ErrorContains(t, err, "the password opens what is encrypted, but is the wrong password for the store as a whole")
	_, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: testPassword})
	require.ErrorIs(t, err, keystore.ErrPassword)
}

// onStore completes a command of keytool for a store in the current directory.
func onStore(store string, command ...string) []string {
	return append(command, "-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit")
}

// genKey makes a key with a certificate that it signs itself; properties of Java go before the command.
func genKey(store, alias string, properties ...string) []string {
	return onStore(store, append(properties, "-genkeypair", "-keyalg", "EC", "-dname", "CN="+alias, "-alias", alias)...)
}

// TestReadsKeytool reads what Java writes: several keys, trusted and secret entries, old and new algorithms.
func TestReadsKeytool(t *testing.T) {
	t.Parallel()
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprintf("JDK %d", jdk.Version), func(t *testing.T) {
			p := newParty(t)
			jdk.Keytool(t, p.dir,
				genKey("s.p12", "One"), genKey("s.p12", "two"),
				onStore("s.p12", "-importcert", "-noprompt", "-file", "root.pem", "-alias", "RootCA"),
				onStore("s.p12", "-genseckey", "-keyalg", "AES", "-keysize", "256", "-alias", "sec"),
				genKey("mixed.p12", "x", "-J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithHmacSHA384AndAES_128",
					"-J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithHmacSHA224AndAES_256", "-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA512"),
				genKey("no-mac.p12", "x", "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE", "-J-Dkeystore.pkcs12.macAlgorithm=NONE"),
				genKey("legacy.p12", "x", "-J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithSHA1AndDESede",
					"-J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithSHA1AndRC2_40", "-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA1"))
			data := get(t, p.dir, "s.p12")
			got, err := Codec{}.Decode(data, reading("changeit"))
			require.NoError(t, err)
			requireJavas(t, got)

			locked, err := Codec{}.Decode(data, keystore.DecodeOptions{})
			require.NoError(t, err)
			require.Len(t, locked.Identities, 2)
			assert.ErrorIs(t, locked.Identities[0].Locked, keystore.ErrPassword)
			assert.Equal(t, keystore.IntegrityUnchecked, locked.Integrity)

			for name, key := range map[string]string{
				"mixed": "PBES2 PBKDF2-HMAC-SHA384 AES-128-CBC", "no-mac": "PBES2 PBKDF2-HMAC-SHA384 AES-128-CBC", "legacy": "PBE-SHA1-3DES",
			} {
				got, err := Codec{}.Decode(get(t, p.dir, name+".p12"), reading("changeit"))
				require.NoError(t, err, name)
				assert.Equal(t, "key x CN=x; ", outline(got), name)
				assert.Contains(t, fmt.Sprint(got.Protection), key, name)
			}
		})
	}
}

// requireJavas checks a store of two keys, a trusted certificate and a secret key, with Java's dates.
func requireJavas(t *testing.T, got *keystore.Store) {
	t.Helper()
	require.Len(t, got.Identities, 2)
	for i, alias := range []string{"one", "two"} {
		id := got.Identities[i]
		require.NoError(t, id.Locked)
		assert.Equal(t, alias, id.Alias)
		assert.Equal(t, id.Leaf().PublicID(), id.Key.PublicID())
		assert.True(t, strings.EqualFold("CN="+alias, id.Leaf().X509.Subject.String()))
		assert.False(t, id.Created.IsZero(), "Java's date")
	}
	require.Len(t, got.Anchors, 1)
	assert.Equal(t, "RootCA", got.Anchors[0].Alias)
	require.Len(t, got.Others, 1)
	assert.Equal(t, keystore.Other{Alias: "sec", Created: got.Others[0].Created, Kind: keystore.KindSecret, Algorithm: "AES", Bits: 256}, got.Others[0])
	assert.Empty(t, got.Problems)
}

// TestReadsBrokenJavaMAC tells a MAC that Java 25 writes and can't read itself from a wrong password.
func TestReadsBrokenJavaMAC(t *testing.T) {
	t.Parallel()
	jdks := interop.JDKs(t)
	jdk := jdks[len(jdks)-1]
	if jdk.Version != 25 {
		t.Skipf("Java 25 writes it, this is %d", jdk.Version)
	}
	dir := t.TempDir()
	// It reads back what it wrote, and fails, too late.
	jdk.Keytool(t, dir, genKey("s.p12", "x", "!", "-J-Dkeystore.pkcs12.macAlgorithm=PBEWithHmacSHA256"))
	_, err := Codec{}.Decode(get(t, dir, "s.p12"), reading("changeit"))
	require.ErrorIs(t, err, keystore.ErrUnsupported)
	assert.ErrorContains(t, err, "HMAC-SHA256 (1.2.840.113549.2.9)")
}

// TestReadsNSS reads the BER that pk12util writes.
func TestReadsNSS(t *testing.T) {
	t.Parallel()
	pk12util, certutil := interop.Need(t, "pk12util"), interop.Need(t, "certutil")
	p := newParty(t)
	s := &keystore.Store{Identities: []keystore.Identity{identity(t, "nick", p.leaf, p.root)}}
	data, _ := write(t, s, fast(""))
	put(t, p.dir, "in.p12", data)
	interop.Run(t, p.dir, certutil, "-N", "-d", "sql:"+p.dir, "--empty-password")
	interop.Run(t, p.dir, pk12util, "-i", "in.p12", "-d", "sql:"+p.dir, "-W", "changeit", "-K", "")
	for _, pw := range []string{"changeit", "pässwörd€"} {
		interop.Run(t, p.dir, pk12util, "-o", "out.p12", "-n", "nick", "-d", "sql:"+p.dir, "-W", pw, "-K", "")
		data = get(t, p.dir, "out.p12")
		require.Equal(t, byte(0x80), data[1], "BER")
		assert.True(t, Codec{}.Sniff(data))
		got, err := Codec{}.Decode(data, reading(pw))
		require.NoError(t, err)
		p.requireParty(t, got, "nick")
		assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
	}
}

// TestReadsGnuTLS reads the three safes that certtool writes.
func TestReadsGnuTLS(t *testing.T) {
	t.Parallel()
	certtool := interop.Need(t, "certtool")
	p := newParty(t)
	for _, cipher := range []string{"aes-256", "3des-pkcs12", "rc2-40", "arcfour"} {
		interop.Run(t, p.dir, certtool, "--to-p12", "--load-privkey", "key.pem", "--load-certificate", "leaf.pem", "--load-ca-certificate", "root.pem",
			"--p12-name", "gnu", "--password", "changeit", "--outder", "--outfile", "s.p12", "--pkcs-cipher", cipher)
		got, err := Codec{}.Decode(get(t, p.dir, "s.p12"), reading("changeit"))
		require.NoError(t, err, cipher)
		p.requireParty(t, got, "gnu")
	}
}

// TestReadsPython reads what Python's cryptography writes, unencrypted keys included.
func TestReadsPython(t *testing.T) {
	t.Parallel()
	python := interop.Python(t, "cryptography")
	p := newParty(t)
	put(t, p.dir, "write.py", []byte(`
from cryptography import x509
from cryptography.hazmat.primitives import serialization as s, hashes
from cryptography.hazmat.primitives.serialization import pkcs12
key = s.load_pem_private_key(open("key.pem", "rb").read(), None)
leaf, root = [x509.load_pem_x509_certificate(open(f, "rb").read()) for f in ("leaf.pem", "root.pem")]
old = s.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(100).key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1()).build(b"changeit")
for name, encryption in (("best", s.BestAvailableEncryption(b"changeit")), ("old", old), ("none", s.NoEncryption())):
    open(name + ".p12", "wb").write(pkcs12.serialize_key_and_certificates(b"py", key, leaf, [root], encryption))
`))
	interop.Run(t, p.dir, python, "write.py")
	for name, pw := range map[string]string{"best": "changeit", "old": "changeit", "none": ""} {
		got, err := Codec{}.Decode(get(t, p.dir, name+".p12"), reading(pw))
		require.NoError(t, err, name)
		p.requireParty(t, got, "py")
	}
}
