package formats

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// This file makes files of foreign formats with the real programs, sees that they are recognised, and then types the
// command that the error names: what comes out of it must be read, and have the same key.

// putFile writes a file into dir.
func putFile(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

// getFile reads a file of dir.
func getFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return data
}

// recognised returns the format that a file is recognised as, and fails unless Detect names it.
func recognised(t *testing.T, data []byte, name string) *foreign {
	t.Helper()
	_, _, err := Detect(data)
	require.ErrorIs(t, err, keystore.ErrUnsupported)
	f := recognise(data)
	require.NotNil(t, f)
	assert.Contains(t, f.name, name)
	assert.Contains(t, keystore.Remedy(err), f.command)
	return f
}

// typed is the command of a remedy as a person would type it, with words replaced in pairs.
func typed(command string, replace ...string) string {
	return strings.NewReplacer(replace...).Replace(command)
}

// convertByShell types the command of the remedy for a file in dir, and returns what came of it: the file OUT.pem, or
// the given one where it is converted in place.
func convertByShell(t *testing.T, dir string, f *foreign, file string) []byte {
	t.Helper()
	out := filepath.Join(dir, "out.pem")
	_ = os.Remove(out)
	command := typed(f.command, "FILE", file, "OUT.pem", "out.pem", "python3", interop.Python(t, "cryptography"))
	if strings.HasPrefix(command, "ssh-keygen -p ") {
		command += ` -P "" -N ""` // what a person is asked for
	}
	interop.Run(t, dir, "sh", "-c", command)
	if data, err := os.ReadFile(out); err == nil {
		return data
	}
	return getFile(t, dir, file)
}

// requireKey fails unless data is a file with just the given key, or its public half. Its password is "changeit".
func requireKey(t *testing.T, data []byte, key crypto.Signer) {
	t.Helper()
	store, _, err := Decode(data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	require.NoError(t, err)
	public := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if len(store.Identities) == 1 {
		require.NoError(t, store.Identities[0].Locked)
		assert.True(t, public.Equal(store.Identities[0].Key.Signer.Public()))
		return
	}
	require.Len(t, store.Others, 1)
	got, err := x509.ParsePKIXPublicKey(store.Others[0].Raw)
	require.NoError(t, err)
	assert.True(t, public.Equal(got))
}

// changeitFile is a store of one key under the password "changeit".
func changeitFile(t *testing.T, format string, identity keystore.Identity) []byte {
	t.Helper()
	opts := encodeOptions()
	opts.Password = keystore.Secret("changeit")
	data, _, err := Encode(format, &keystore.Store{Identities: []keystore.Identity{identity}}, opts)
	require.NoError(t, err)
	return data
}

// The three formats of Bouncy Castle, through keytool both ways, with the options that the errors name.
func TestBouncyCastleStores(t *testing.T) {
	jar := interop.Jar(t, "org.bouncycastle", "bcprov-jdk18on")
	key := mint.CA(t, "one", "ec")
	source := changeitFile(t, "p12", identity(t, "one", key))
	jdks := interop.JDKs(t)
	jdk, dir := jdks[len(jdks)-1], t.TempDir()
	putFile(t, dir, "k.p12", source)
	var makeThem, convertThem [][]string
	names := []string{"BKS", "UBER", "BCFKS"}
	for _, name := range names {
		makeThem = append(makeThem, []string{"-importkeystore", "-noprompt", "-srckeystore", "k.p12", "-srcstorepass", "changeit",
			"-destkeystore", "k." + name, "-deststoretype", name, "-deststorepass", "changeit",
			"-providerpath", jar, "-provider", "org.bouncycastle.jce.provider.BouncyCastleProvider"})
		command := typed(recognisedAs(name).command, "FILE", "k."+name, "OUT.p12", name+".p12", "bcprov.jar", jar)
		arguments, isKeytool := strings.CutPrefix(command, "keytool ")
		require.True(t, isKeytool)
		convertThem = append(convertThem, append(strings.Fields(arguments), "-noprompt", "-srcstorepass", "changeit", "-deststorepass", "changeit"))
	}
	jdk.Keytool(t, dir, append(makeThem, convertThem...)...)
	for _, name := range names {
		assert.Same(t, recognisedAs(name), recognised(t, getFile(t, dir, "k."+name), name+" "))
		requireKey(t, getFile(t, dir, name+".p12"), key.Key)
	}
}

// recognisedAs returns the foreign format whose name begins so.
func recognisedAs(name string) *foreign {
	for i := range foreigners {
		if strings.HasPrefix(foreigners[i].name, name+" ") {
			return &foreigners[i]
		}
	}
	return nil
}

// signerOf returns the one key of a file.
func signerOf(t *testing.T, data []byte) crypto.Signer {
	t.Helper()
	store, _, err := Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	require.Len(t, store.Identities, 1)
	require.NotNil(t, store.Identities[0].Key)
	return store.Identities[0].Key.Signer
}

// Keys of OpenSSH, private and public, and of PuTTY, of each kind that TLS has too.
func TestSSHKeys(t *testing.T) {
	interop.Need(t, "ssh-keygen")
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			interop.Run(t, dir, "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", "key")
			interop.Run(t, dir, "ssh-keygen", "-q", "-t", kind, "-N", "a passphrase", "-f", "locked")
			recognised(t, getFile(t, dir, "locked"), "OpenSSH private key")
			public, private := getFile(t, dir, "key.pub"), getFile(t, dir, "key")
			putFile(t, dir, "only.pub", public)
			putFile(t, dir, "authorized_keys", append([]byte("# who may log in\n\n"), public...))
			putFile(t, dir, "putty", private)
			f := recognised(t, private, "OpenSSH private key")
			key := signerOf(t, convertByShell(t, dir, f, "key"))
			requireKey(t, convertByShell(t, dir, recognised(t, public, "OpenSSH public key"), "only.pub"), key)
			f = recognised(t, getFile(t, dir, "authorized_keys"), "OpenSSH public key")
			requireKey(t, convertByShell(t, dir, f, "authorized_keys"), key)

			putFile(t, dir, "ssh2.pub", []byte(interop.Run(t, dir, "ssh-keygen", "-e", "-f", "only.pub")))
			f = recognised(t, getFile(t, dir, "ssh2.pub"), "SSH2 public key")
			interop.Run(t, dir, "sh", "-c", typed(f.command, "FILE", "ssh2.pub", "OUT.pub", "again.pub"))
			recognised(t, getFile(t, dir, "again.pub"), "OpenSSH public key")

			interop.Run(t, dir, interop.Need(t, "puttygen"), "putty", "-O", "private", "-o", "key.ppk", "--new-passphrase", "/dev/null")
			opened := convertByShell(t, dir, recognised(t, getFile(t, dir, "key.ppk"), "PuTTY key"), "key.ppk")
			if kind == "ed25519" { // as the remedy says
				f = recognised(t, opened, "OpenSSH private key (Ed25519)")
				putFile(t, dir, "opened", opened)
				opened = convertByShell(t, dir, f, "opened")
			}
			requireKey(t, opened, key)
		})
	}
}

// Keys of JSON, as Node.js writes them.
func TestJWK(t *testing.T) {
	interop.Need(t, "node")
	for _, kind := range []string{"rsa", "ec", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			key := mint.CA(t, "x", kind)
			putFile(t, dir, "key.der", key.PKCS8)
			interop.Run(t, dir, "node", "-e", `k = crypto.createPrivateKey({key: fs.readFileSync("key.der"), format: "der", type: "pkcs8"});
				p = crypto.createPublicKey(k).export({format: "jwk"});
				fs.writeFileSync("private", JSON.stringify(k.export({format: "jwk"})));
				fs.writeFileSync("public", JSON.stringify(p, null, 2));
				fs.writeFileSync("marked", "\uFEFF" + JSON.stringify(k.export({format: "jwk"})));
				fs.writeFileSync("list", "\uFEFF" + JSON.stringify([p, p], null, 2));
				fs.writeFileSync("set", JSON.stringify({keys: Array(1000).fill(p)}))`)
			set := getFile(t, dir, "set")
			recognised(t, set[:min(len(set), HeadBytes)], "JWK set")
			for file, name := range map[string]string{"private": "JWK (JSON Web Key), private", "marked": "JWK (JSON Web Key), private", "public": "JWK (JSON Web Key), public"} {
				requireKey(t, convertByShell(t, dir, recognised(t, getFile(t, dir, file), name), file), key.Key)
			}
			store, _, err := Decode(convertByShell(t, dir, recognised(t, set, "JWK set"), "set"), keystore.DecodeOptions{})
			require.NoError(t, err)
			assert.Len(t, store.Others, 1000)
			store, _, err = Decode(convertByShell(t, dir, recognised(t, getFile(t, dir, "list"), "JWK set"), "list"), keystore.DecodeOptions{})
			require.NoError(t, err)
			assert.Len(t, store.Others, 2)
		})
	}
}

// Keys of Windows programs, as openssl writes them.
func TestWindowsKeys(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	dir := t.TempDir()
	key := mint.CA(t, "x", "rsa")
	putFile(t, dir, "key.der", key.PKCS8)
	interop.Run(t, dir, openssl, "rsa", "-in", "key.der", "-outform", "PVK", "-pvk-none", "-out", "key.pvk")
	interop.Run(t, dir, openssl, "rsa", "-in", "key.der", "-outform", "MSBLOB", "-out", "key.blob")
	requireKey(t, convertByShell(t, dir, recognised(t, getFile(t, dir, "key.pvk"), "PVK"), "key.pvk"), key.Key)
	requireKey(t, convertByShell(t, dir, recognised(t, getFile(t, dir, "key.blob"), "key blob"), "key.blob"), key.Key)
}

// A key in a database of NSS, which the remedy takes out into a PKCS12 file.
func TestNSSDatabase(t *testing.T) {
	certutil, pk12util := interop.Need(t, "certutil"), interop.Need(t, "pk12util")
	dir := t.TempDir()
	key := mint.CA(t, "x", "ec")
	putFile(t, dir, "in.p12", changeitFile(t, "p12", identity(t, "nick", key)))
	interop.Run(t, dir, certutil, "-N", "-d", "sql:.", "--empty-password")
	interop.Run(t, dir, pk12util, "-i", "in.p12", "-d", "sql:.", "-W", "changeit", "-K", "")
	for _, file := range []string{"cert9.db", "key4.db"} {
		f := recognised(t, getFile(t, dir, file), "NSS database")
		_ = os.Remove(filepath.Join(dir, "out.p12"))
		interop.Run(t, dir, "sh", "-c", typed(f.command, "OUT.p12", "out.p12", "NICKNAME", "nick", "DIRECTORY", ".")+" -W changeit -K ''")
		requireKey(t, getFile(t, dir, "out.p12"), key.Key)
	}
}

// What openssl writes beside keys and certificates, with the command that tells about it; and archives of them.
func TestWhatIsNoKey(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	dir := t.TempDir()
	root := mint.CA(t, "root", "rsa")
	putFile(t, dir, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.DER}))
	putFile(t, dir, "KEY.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: root.PKCS8}))
	putFile(t, dir, "index.txt", fmt.Appendf(nil, "V\t991231235959Z\t\t%X\tunknown\t/CN=root\n", root.Cert.SerialNumber))
	for _, args := range []string{
		"ocsp -index index.txt -CA cert.pem -rsigner cert.pem -rkey KEY.pem -issuer cert.pem -cert cert.pem -respout ocsp",
		"ts -query -data cert.pem -out query", "cms -encrypt -in cert.pem -binary -outform DER -out cms cert.pem",
	} {
		interop.Run(t, dir, openssl, strings.Fields(args)...)
	}
	interop.Run(t, dir, "sh", "-c", "tar -cf tar cert.pem && gzip -c cert.pem > gzip")
	for file, name := range map[string]string{
		"ocsp": "OCSP response", "query": "timestamp query", "cms": "encrypted message", "tar": "tar archive", "gzip": "gzip file",
	} {
		data := getFile(t, dir, file)
		f := recognised(t, data, name)
		interop.Run(t, dir, "sh", "-c", typed(f.command, "FILE", file))
	}
}
