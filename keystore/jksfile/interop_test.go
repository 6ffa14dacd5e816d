package jksfile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// eachJDK runs a test with every keytool of the machine.
func eachJDK(t *testing.T, test func(t *testing.T, keytool string)) {
	for _, jdk := range interop.JDKs(t) {
		t.Run("jdk"+strconv.Itoa(jdk.Version), func(t *testing.T) {
			t.Parallel()
			test(t, jdk.Tool("keytool"))
		})
	}
}

// readFile decodes a file of dir.
func readFile(t *testing.T, dir, name string, opts keystore.DecodeOptions) *keystore.Store {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	store, err := Codec{}.Decode(data, opts)
	require.NoError(t, err)
	return store
}

// keytool must list what we write under the aliases we gave, and get every private key out of it: importkeystore
// decrypts each and encrypts it anew, so what we then read back has passed through Java.
func TestKeytoolReadsWhatWeWrite(t *testing.T) {
	want := mixedStore(t)
	eachJDK(t, func(t *testing.T, keytool string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ours.jks"), encodeStore(t, want, nil), 0o600))
		list := interop.Run(t, dir, keytool, "-J-Duser.language=en", "-J-Duser.timezone=UTC", "-list", "-v", "-keystore", "ours.jks", "-storetype", "JKS", "-storepass", "changeit")
		assert.Contains(t, list, "Your keystore contains 3 entries")
		assert.Contains(t, list, "Alias name: srvalias")
		assert.Contains(t, list, "Certificate chain length: 2")
		assert.Contains(t, list, "Entry type: trustedCertEntry")
		assert.Equal(t, 3, strings.Count(list, "Creation date: Mar 14, 2026"), list)

		interop.Run(t, dir, keytool, "-importkeystore", "-noprompt",
			"-srckeystore", "ours.jks", "-srcstoretype", "JKS", "-srcstorepass", "changeit",
			"-destkeystore", "theirs.jks", "-deststoretype", "JKS", "-deststorepass", "other pw")
		got := readFile(t, dir, "theirs.jks", keystore.DecodeOptions{
			Password: keystore.Secret("other pw"), KeyPassword: keystore.Secret("changeit"), // keys keep theirs
		})
		assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
		requireSameByAlias(t, want, got)
	})
}

// requireSameByAlias compares stores whose entries may be in another order and have another date, as after keytool.
func requireSameByAlias(t *testing.T, want, got *keystore.Store) {
	t.Helper()
	sorted := &keystore.Store{}
	for _, w := range want.Identities {
		for _, g := range got.Identities {
			if g.Alias == w.Alias {
				g.Created = w.Created
				sorted.Identities = append(sorted.Identities, g)
			}
		}
	}
	for _, w := range want.Anchors {
		for _, g := range got.Anchors {
			if g.Alias == w.Alias {
				g.Created = w.Created
				sorted.Anchors = append(sorted.Anchors, g)
			}
		}
	}
	requireSame(t, want, sorted)
}

// One key with a password of its own: keytool needs it, and so do we.
func TestKeyPasswordDiffersFromStorePassword(t *testing.T) {
	store := mixedStore(t)
	store.Identities = store.Identities[:1]
	data := encodeStore(t, store, keystore.Secret("key pw"))
	eachJDK(t, func(t *testing.T, keytool string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ours.jks"), data, 0o600))
		args := []string{
			"-importkeystore", "-noprompt", "-srckeystore", "ours.jks", "-srcstoretype", "JKS",
			"-srcstorepass", "changeit", "-srcalias", "srvalias", "-destkeystore", "theirs.jks", "-deststoretype", "JKS",
			"-deststorepass", "changeit", "-destkeypass", "third pw",
		}
		out, err := interop.Try(t, dir, keytool, append(args, "-srckeypass", "changeit")...)
		assert.Error(t, err, "the store's password opened the key: %s", out)
		_ = os.Remove(filepath.Join(dir, "theirs.jks"))
		interop.Run(t, dir, keytool, append(args, "-srckeypass", "key pw")...)
		locked := readFile(t, dir, "theirs.jks", keystore.DecodeOptions{Password: keystore.Secret("changeit")})
		assert.ErrorIs(t, locked.Identities[0].Locked, keystore.ErrPassword)
		for _, opts := range []keystore.DecodeOptions{
			{Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("third pw")},
			{KeyPassword: keystore.Secret("third pw")},
			{KeyPasswords: map[string]keystore.Secret{"srvalias": keystore.Secret("third pw")}},
		} {
			got := readFile(t, dir, "theirs.jks", opts)
			require.NoError(t, got.Identities[0].Locked)
			assert.Equal(t, store.Identities[0].Key.PKCS8, got.Identities[0].Key.PKCS8)
		}
	})
}

// Names as Java folds them: its lower case of a final sigma and of a dotted capital I is not the one of Go's strings.
var javaNames = []struct{ given, stored string }{
	{"MiXed", "mixed"},
	{"kä😀X", "kä😀x"},
	{"ÄRGER", "ärger"},
	{"ΟΔΟΣ", "οδος"},
	{"İstanbul", "i̇stanbul"},
	{"with space", "with space"},
}

func TestFold(t *testing.T) {
	for _, tc := range javaNames {
		assert.Equal(t, tc.stored, fold(tc.given))
		assert.Equal(t, tc.stored, fold(tc.stored), "folding twice is folding once")
	}
}

// What keytool makes is read with its names, passwords of any script, keys and dates; both formats.
func TestWeReadWhatKeytoolWrites(t *testing.T) {
	eachJDK(t, func(t *testing.T, keytool string) {
		dir := t.TempDir()
		utf8 := []string{"-J-Dfile.encoding=UTF-8", "-J-Dsun.jnu.encoding=UTF-8", "-J-Duser.language=en"}
		password := "pässwört€"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pw"), []byte(password), 0o600))
		for i, tc := range javaNames {
			args := append(utf8, "-genkeypair", "-alias", tc.given, "-keyalg", []string{"EC", "RSA"}[i%2], "-dname", "CN=x",
				"-keystore", "k.jks", "-storetype", "JKS", "-storepass:file", "pw", "-keypass", "keypass"+strconv.Itoa(i))
			interop.Run(t, dir, "env", append([]string{"LC_ALL=C.UTF-8", keytool}, args...)...)
		}
		passwords := map[string]keystore.Secret{}
		for i, tc := range javaNames {
			passwords[tc.given] = keystore.Secret("keypass" + strconv.Itoa(i)) // as typed, not as stored
		}
		got := readFile(t, dir, "k.jks", keystore.DecodeOptions{Password: keystore.Secret(password), KeyPasswords: fromStored(passwords)})
		var names, want []string
		for _, tc := range javaNames {
			want = append(want, tc.stored)
		}
		for _, i := range got.Identities {
			names = append(names, i.Alias)
			assert.NoError(t, i.Locked, i.Alias)
			assert.WithinDuration(t, time.Now(), i.Created, time.Hour)
			matches, known := i.Key.Matches(*i.Leaf())
			assert.True(t, matches && known)
		}
		assert.ElementsMatch(t, want, names)
		assert.Empty(t, got.Problems)
	})
}

// fromStored gives every password under the alias that the file has.
func fromStored(given map[string]keystore.Secret) map[string]keystore.Secret {
	out := map[string]keystore.Secret{}
	for name, password := range given {
		out[fold(name)] = password
	}
	return out
}

// JCEKS as keytool writes it: keys under both passwords, secret keys of both ways to serialize one, trusted ones.
func TestJCEKS(t *testing.T) {
	eachJDK(t, func(t *testing.T, keytool string) {
		dir := t.TempDir()
		common := []string{"-keystore", "k.jceks", "-storetype", "JCEKS", "-storepass", "storepw"}
		interop.Run(t, dir, keytool, append([]string{"-genkeypair", "-alias", "one", "-keyalg", "EC", "-dname", "CN=one", "-keypass", "storepw"}, common...)...)
		interop.Run(t, dir, keytool, append([]string{"-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "256", "-keypass", "storepw"}, common...)...)
		interop.Run(t, dir, keytool, append([]string{"-genseckey", "-alias", "des", "-keyalg", "DESede", "-keypass", "storepw"}, common...)...)
		interop.Run(t, dir, keytool, append([]string{"-genkeypair", "-alias", "two", "-keyalg", "RSA", "-dname", "CN=two", "-keypass", "keypw2"}, common...)...)
		interop.Run(t, dir, keytool, append([]string{"-exportcert", "-rfc", "-alias", "one", "-file", "one.pem"}, common...)...)
		interop.Run(t, dir, keytool, append([]string{"-importcert", "-noprompt", "-alias", "trusted", "-file", "one.pem"}, common...)...)

		got := readFile(t, dir, "k.jceks", keystore.DecodeOptions{Password: keystore.Secret("storepw"), KeyPassword: keystore.Secret("keypw2")})
		require.Len(t, got.Identities, 2)
		require.Len(t, got.Anchors, 1)
		require.Len(t, got.Others, 2)
		secrets := map[string]string{}
		for _, o := range got.Others {
			assert.Equal(t, keystore.KindSecret, o.Kind)
			assert.Nil(t, o.Raw)
			secrets[o.Alias] = o.Algorithm + " " + strconv.Itoa(o.Bits)
		}
		assert.Equal(t, map[string]string{"aes": "AES 256", "des": "DESede 192"}, secrets)

		unopened := readFile(t, dir, "k.jceks", keystore.DecodeOptions{})
		assert.Len(t, unopened.Others, 2, "secret keys are listed without a password too")
		assert.Equal(t, keystore.IntegrityUnchecked, unopened.Integrity)

		data, err := os.ReadFile(filepath.Join(dir, "k.jceks"))
		require.NoError(t, err)
		_, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("wrong")})
		assert.ErrorIs(t, err, keystore.ErrPassword)
		_, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("storepw"), Limits: keystore.Limits{Iterations: 1000}})
		assert.ErrorIs(t, err, keystore.ErrTooLarge)

		// The same keys through keytool itself, which proves that ours are the right bytes.
		interop.Run(t, dir, keytool, "-importkeystore", "-noprompt", "-srckeystore", "k.jceks", "-srcstoretype", "JCEKS", "-srcstorepass", "storepw",
			"-srcalias", "two", "-srckeypass", "keypw2", "-destkeystore", "k.jks", "-deststoretype", "JKS", "-deststorepass", "storepw", "-destkeypass", "storepw")
		through := readFile(t, dir, "k.jks", keystore.DecodeOptions{Password: keystore.Secret("storepw")})
		for _, i := range got.Identities {
			require.NoError(t, i.Locked)
			if i.Alias == "two" {
				assert.Equal(t, through.Identities[0].Key.PKCS8, i.Key.PKCS8)
			}
		}
		for _, p := range got.Protection {
			if p.Part == "key" {
				assert.Contains(t, p.Algorithm, "PBEWithMD5AndTripleDES")
				assert.Positive(t, p.Iterations)
				assert.NotEmpty(t, p.Weak)
			}
		}
	})
}

// A name that is not in lower case is in the file but keytool cannot fetch it, which is why Fit folds.
func TestKeytoolCannotFetchMixedCase(t *testing.T) {
	store := mixedStore(t)
	store.Anchors[0].Alias = "MiXed"
	data := encodeStore(t, store, nil)
	eachJDK(t, func(t *testing.T, keytool string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ours.jks"), data, 0o600))
		out, err := interop.Try(t, dir, keytool, "-list", "-alias", "MiXed", "-keystore", "ours.jks", "-storetype", "JKS", "-storepass", "changeit")
		require.Error(t, err)
		assert.True(t, strings.Contains(out, "does not exist"), out)
	})
}
