package pemfile

import (
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

// contents says in words what is in a store: "key 2" is a key with two certificates, "locked" one that no password opens.
func contents(s *keystore.Store) string {
	var words []string
	for i := range s.Identities {
		word := "key"
		if s.Identities[i].Locked != nil {
			word = "locked"
		}
		words = append(words, fmt.Sprintf("%s %d", word, len(s.Identities[i].Chain)))
	}
	for _, list := range []struct {
		word string
		n    int
	}{{"trusted", len(s.Anchors)}, {"loose", len(s.Loose)}} {
		if list.n > 0 {
			words = append(words, fmt.Sprintf("%s %d", list.word, list.n))
		}
	}
	for _, o := range s.Others {
		words = append(words, string(o.Kind))
	}
	return strings.Join(words, ", ")
}

// filesIn reads the files that a program left in a folder.
func filesIn(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = data
	}
	return files
}

// opensslFiles are the samples, made anew.
func opensslFiles(t testing.TB) map[string][]byte {
	t.Helper()
	interop.Need(t, "openssl")
	dir := t.TempDir()
	script, err := filepath.Abs("testdata/samples/make.sh")
	require.NoError(t, err)
	interop.Run(t, dir, "/bin/sh", script)
	return filesIn(t, dir)
}

// The samples that are kept are what the OpenSSL of this machine makes, under the same names and with the same in them.
func TestSamplesMadeAnew(t *testing.T) {
	made := opensslFiles(t)
	assert.Len(t, made, len(sampleNames(t)))
	for _, name := range sampleNames(t) {
		opts := keystore.DecodeOptions{Password: keystore.Secret(samplePassword)}
		want, wantErr := Codec{}.Decode(sample(t, name), opts)
		got, err := Codec{}.Decode(made[name], opts)
		if wantErr != nil {
			assert.ErrorIs(t, err, keystore.KindOf(wantErr), name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, contents(want), contents(got), name)
	}
}

// gnutlsFiles are what certtool makes, with the text that it puts before each block.
func gnutlsFiles(t testing.TB) map[string][]byte {
	t.Helper()
	interop.Need(t, "certtool")
	dir := t.TempDir()
	interop.Run(t, dir, "/bin/sh", "-euc", `
printf 'cn = gnutls\nca\nexpiration_days = 3000\n' >template
certtool --generate-privkey --key-type rsa --bits 1024 --outfile rsa.key
certtool --generate-privkey --key-type ed448 --outfile ed448.key
certtool --generate-privkey --key-type ecdsa --curve secp256r1 --outfile ec.key
certtool --to-p8 --load-privkey ec.key --password pw --outfile sealed.key
certtool --to-p8 --load-privkey ec.key --password pw --pkcs-cipher 3des-pkcs12 --outfile sealed-3des.key
certtool --key-info --infile rsa.key >key-info.txt
certtool --generate-self-signed --load-privkey rsa.key --template template --outfile cert.pem
certtool --certificate-info --infile cert.pem >cert-info.txt
certtool --p7-generate --load-certificate cert.pem --outfile bundle.p7b
certtool --p7-generate --load-certificate cert.pem --outder --outfile bundle.p7c
certtool --generate-request --load-privkey rsa.key --template template --outfile request.pem
certtool --generate-crl --load-ca-privkey rsa.key --load-ca-certificate cert.pem --template template --outfile crl.pem
certtool --pubkey-info --load-privkey rsa.key >public.txt
certtool --to-p12 --load-privkey rsa.key --load-certificate cert.pem --p12-name friend --password pw --outder --outfile store.p12
certtool --p12-info --inder --infile store.p12 --password pw >store.txt
rm template store.p12
`)
	return filesIn(t, dir)
}

// nssFiles are what certutil makes.
func nssFiles(t testing.TB) map[string][]byte {
	t.Helper()
	interop.Need(t, "certutil")
	dir := t.TempDir()
	interop.Run(t, dir, "/bin/sh", "-euc", `
mkdir db
certutil -N -d sql:db --empty-password
printf 'hardly any noise, for a key that is thrown away' >noise
certutil -S -d sql:db -z noise -n nss -s CN=nss -x -t CT,C,C -k ec -q nistp256
certutil -L -d sql:db -n nss -a >cert.pem
certutil -L -d sql:db -n nss -r >cert.der
certutil -R -d sql:db -z noise -s CN=request -a -k ec -q nistp256 -o request.pem
certutil -R -d sql:db -z noise -s CN=request -k ec -q nistp256 -o request.der
rm -r db noise
`)
	return filesIn(t, dir)
}

// keytoolFiles are what keytool writes and prints as text.
func keytoolFiles(t testing.TB, jdk interop.JDK) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	in := func(args ...string) []string {
		return append(args, "-keystore", "store", "-storetype", "PKCS12", "-storepass", "changeit")
	}
	printed := jdk.Keytool(t, dir,
		in("-genkeypair", "-alias", "one", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=one", "-ext", "bc=ca:true"),
		in("-exportcert", "-rfc", "-alias", "one", "-file", "export.pem"),
		in("-exportcert", "-alias", "one", "-file", "export.der"),
		in("-certreq", "-alias", "one", "-file", "request.pem"),
		in("-gencrl", "-alias", "one", "-id", "17", "-file", "crl.der"),
		in("-gencrl", "-rfc", "-alias", "one", "-id", "17", "-file", "crl.pem"),
		in("-importcert", "-noprompt", "-alias", "two", "-file", "export.pem"),
		[]string{"-printcert", "-rfc", "-file", "export.der"},
		in("-list", "-rfc", "-alias", "two"),
	)
	files := filesIn(t, dir)
	delete(files, "store")
	files["printcert.txt"], files["list.txt"] = []byte(printed[7]), []byte(printed[8])
	return files
}

// What the other programs write and print, we read, whatever text they put around it.
func TestWeReadOtherPrograms(t *testing.T) {
	check := func(t *testing.T, files map[string][]byte, want map[string]string) {
		t.Helper()
		assert.Len(t, files, len(want))
		for name, content := range want {
			store, err := Codec{}.Decode(files[name], keystore.DecodeOptions{Password: keystore.Secret("pw")})
			require.NoError(t, err, "%s: %s", name, files[name])
			assert.Equal(t, content, contents(store), name)
		}
	}
	t.Run("gnutls", func(t *testing.T) {
		files := gnutlsFiles(t)
		check(t, files, map[string]string{
			"rsa.key": "key 0", "ed448.key": "key 0", "ec.key": "key 0", "sealed.key": "key 0", "sealed-3des.key": "key 0",
			"key-info.txt": "key 0", "cert.pem": "trusted 1", "cert-info.txt": "trusted 1", "bundle.p7b": "trusted 1",
			"bundle.p7c": "trusted 1", "request.pem": "request", "crl.pem": "crl", "public.txt": "public-key", "store.txt": "key 1",
		})
		store := decode(t, files["store.txt"], "pw")
		assert.Equal(t, "friend", store.Identities[0].Alias, "the name in what certtool --p12-info prints")
	})
	t.Run("nss", func(t *testing.T) {
		check(t, nssFiles(t), map[string]string{
			"cert.pem": "trusted 1", "cert.der": "trusted 1", "request.pem": "request", "request.der": "request",
		})
	})
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprint("jdk", jdk.Version), func(t *testing.T) {
			files := keytoolFiles(t, jdk)
			check(t, files, map[string]string{
				"export.pem": "trusted 1", "export.der": "trusted 1", "request.pem": "request", "crl.der": "crl", "crl.pem": "crl",
				"printcert.txt": "trusted 1", "list.txt": "trusted 1",
			})
			store := decode(t, files["list.txt"], "")
			assert.Equal(t, "two", store.Anchors[0].Alias, "the name in what keytool -list -rfc prints")
		})
	}
}
