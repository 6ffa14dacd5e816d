package jksfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// eachJDK runs a test with every JDK of the machine.
func eachJDK(t *testing.T, test func(t *testing.T, jdk interop.JDK)) {
	for _, jdk := range interop.JDKs(t) {
		t.Run("jdk"+strconv.Itoa(jdk.Version), func(t *testing.T) {
			t.Parallel()
			test(t, jdk)
		})
	}
}

// putFile writes a file into dir.
func putFile(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
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

// Passwords that Java accepts: any text. keytool makes no store under fewer than six characters, but opens one.
var javaPasswords = []string{"changeit", "x", " with spaces ", "pässwört€", "пароль", "😀😀😀😀😀😀", strings.Repeat("long ", 1000)}

// What we write passes through Java twice: storepasswd reads the whole store and writes it again as it was, names,
// dates, order of the chain and protected keys; importkeystore decrypts every key and encrypts it anew. What we then
// read must be what we wrote, under every kind of password and name.
func TestKeytoolReadsWhatWeWrite(t *testing.T) {
	want := mixedStore(t)
	for i, name := range []string{"nul\x00name", "with  spaces", "ärger", strings.Repeat("ü", 2048), "0"} {
		added := want.Anchors[0]
		added.Alias, added.Created = name, added.Created.Add(time.Duration(i)*time.Millisecond)
		want.Anchors = append(want.Anchors, added)
	}
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		var commands [][]string
		for i, password := range javaPasswords {
			ours := fmt.Sprintf("ours%d.jks", i)
			data, err := Codec{}.Encode(want, keystore.EncodeOptions{Password: keystore.Secret(password), Random: fixedRandom()})
			require.NoError(t, err)
			putFile(t, dir, ours, data)
			putFile(t, dir, "again"+ours, data)
			long := password + "longer" // keytool insists on six
			commands = append(commands,
				[]string{"-list", "-v", "-keystore", ours, "-storetype", "JKS", "-storepass", password},
				[]string{"-importkeystore", "-noprompt", "-srckeystore", ours, "-srcstoretype", "JKS", "-srcstorepass", password,
					"-destkeystore", "to" + ours, "-deststoretype", "JKS", "-deststorepass", long},
				[]string{"-storepasswd", "-keystore", "again" + ours, "-storetype", "JKS", "-storepass", password, "-new", long})
		}
		printed := jdk.Keytool(t, dir, commands...)
		for i, password := range javaPasswords {
			list := printed[3*i]
			assert.Contains(t, list, "Your keystore contains 8 entries")
			assert.Contains(t, list, "Alias name: srvalias")
			assert.Contains(t, list, "Alias name: kä😀x")
			assert.Contains(t, list, "Certificate chain length: 2")
			assert.Contains(t, list, "Entry type: trustedCertEntry")
			assert.Equal(t, 8, strings.Count(list, "Creation date: Mar 14, 2026"), list)

			opts := keystore.DecodeOptions{Password: keystore.Secret(password + "longer"), KeyPassword: keystore.Secret(password)}
			got := readFile(t, dir, fmt.Sprintf("againours%d.jks", i), opts)
			assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
			assert.ElementsMatch(t, entries(want, true), entries(got, true))
			assert.ElementsMatch(t, entries(want, false), entries(readFile(t, dir, fmt.Sprintf("toours%d.jks", i), opts), false))
		}
	})
}

// entries says of each entry what it is, with its date or without: Java has them in no order of its own.
func entries(s *keystore.Store, dated bool) []string {
	var lines []string
	date := func(t time.Time) string {
		if dated {
			return t.Format(time.RFC3339Nano)
		}
		return ""
	}
	for i := range s.Identities {
		identity := &s.Identities[i]
		if identity.Locked != nil {
			lines = append(lines, fmt.Sprintf("%q is locked: %v", identity.Alias, identity.Locked))
			continue
		}
		line := fmt.Sprintf("key %q %s %s", identity.Alias, date(identity.Created), digest(identity.Key.PKCS8))
		for _, c := range identity.Chain {
			line += " " + digest(c.Raw)
		}
		lines = append(lines, line)
	}
	for _, a := range s.Anchors {
		lines = append(lines, fmt.Sprintf("trusted %q %s %s", a.Alias, date(a.Created), digest(a.Certificate.Raw)))
	}
	return lines
}

// digest is short for bytes.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

// A key with a password of its own: keytool needs it, and so do we; each key can have another.
func TestKeyPasswordsDifferFromStorePassword(t *testing.T) {
	store := mixedStore(t)
	own := map[string]keystore.Secret{"srvalias": keystore.Secret("first pw"), "kä😀x": keystore.Secret("zweites €")}
	data, err := Codec{}.Encode(store, keystore.EncodeOptions{Password: keystore.Secret("changeit"), KeyPasswords: own, Random: fixedRandom()})
	require.NoError(t, err)
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		putFile(t, dir, "ours.jks", data)
		take := func(alias, password string) []string {
			return []string{"-importkeystore", "-noprompt", "-srckeystore", "ours.jks", "-srcstoretype", "JKS", "-srcstorepass", "changeit",
				"-srcalias", alias, "-srckeypass", password, "-destkeystore", "theirs.jks", "-deststoretype", "JKS",
				"-deststorepass", "changeit", "-destkeypass", "again " + password}
		}
		jdk.Keytool(t, dir, append([]string{"!"}, take("srvalias", "changeit")...), append([]string{"!"}, take("srvalias", "zweites €")...),
			take("srvalias", "first pw"), take("kä😀x", "zweites €"))
		locked := readFile(t, dir, "theirs.jks", keystore.DecodeOptions{Password: keystore.Secret("changeit")})
		assert.Equal(t, keystore.IntegrityVerified, locked.Integrity)
		for _, i := range locked.Identities {
			assert.ErrorIs(t, i.Locked, keystore.ErrPassword)
		}
		for _, opts := range []keystore.DecodeOptions{
			{Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("again first pw"),
				KeyPasswords: map[string]keystore.Secret{"kä😀x": keystore.Secret("again zweites €")}},
			{KeyPasswords: map[string]keystore.Secret{ // as Java takes them: in any case
				"SrvAlias": keystore.Secret("again first pw"), "KÄ😀X": keystore.Secret("again zweites €")}},
		} {
			got := readFile(t, dir, "theirs.jks", opts)
			require.ElementsMatch(t, entries(&keystore.Store{Identities: store.Identities}, false), entries(got, false))
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
		assert.Equal(t, tc.stored, keystore.FoldAlias(tc.given))
		assert.Equal(t, tc.stored, keystore.FoldAlias(tc.stored), "folding twice is folding once")
	}
}

// What keytool makes is read with its names, passwords of any script, a password for each key, keys and dates.
func TestWeReadWhatKeytoolWrites(t *testing.T) {
	passwords := slices.DeleteFunc(slices.Clone(javaPasswords), func(p string) bool { return len(p) < 6 })
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		var commands [][]string
		keyPasswords := map[string]keystore.Secret{}
		for i, tc := range javaNames {
			password := passwords[i%len(passwords)]
			keyPasswords[tc.given] = keystore.Secret("key " + password)
			for j, storePassword := range passwords {
				commands = append(commands, []string{
					"-genkeypair", "-alias", tc.given, "-keyalg", []string{"EC", "Ed25519"}[i&1], "-dname", "CN=x", "-keypass", "key " + password,
					"-keystore", strconv.Itoa(j) + ".jks", "-storetype", "JKS", "-storepass", storePassword,
				})
				if i > 0 {
					break // the others have one key
				}
			}
		}
		jdk.Keytool(t, dir, commands...)
		for j, password := range passwords {
			got := readFile(t, dir, strconv.Itoa(j)+".jks", keystore.DecodeOptions{Password: keystore.Secret(password), KeyPasswords: keyPasswords})
			var names, want []string
			for _, tc := range javaNames {
				want = append(want, tc.stored)
			}
			if j > 0 {
				want = want[:1]
			}
			for _, i := range got.Identities {
				names = append(names, i.Alias)
				require.NoError(t, i.Locked, i.Alias)
				assert.WithinDuration(t, time.Now(), i.Created, time.Hour)
				matches, known := i.Key.Matches(*i.Leaf())
				assert.True(t, matches && known)
			}
			assert.ElementsMatch(t, want, names)
			assert.Empty(t, got.Problems)
			assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
		}
	})
}
