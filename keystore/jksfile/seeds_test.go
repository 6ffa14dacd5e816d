package jksfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// addSeeds gives a fuzzer files of every kind under the password "changeit", those of every keytool among them.
func addSeeds(f *testing.F, add func([]byte)) {
	store := mixedStore(f)
	add(encodeStore(f, store, nil))
	add(encodeStore(f, store, keystore.Secret("other")))
	add(encodeStore(f, &keystore.Store{}, nil))
	add(encodeStore(f, &keystore.Store{Identities: store.Identities[1:]}, nil))
	certificate := store.Anchors[0].Certificate.Raw
	add(withDigest(f, raw(magicJKS, 1, 1, tagTrusted, "a", int64(1), len(certificate), certificate)))
	add(withDigest(f, raw(magicJCEKS, 2, 1, tagKey, "a", int64(1), 47, jceksKeyInfo(100), 0)))
	add(withDigest(f, raw(magicJCEKS, 2, 1, tagSecret, "a", int64(1), sealedObject)))
	if interop.Seeds() == interop.SeedsAll {
		for _, jdk := range interop.FoundJDKs() {
			for _, data := range keytoolFiles(f, jdk) {
				add(data)
			}
		}
	}
}

// keytoolFiles makes a JKS and a JCEKS file of every kind of entry, with few iterations, so that opening them is cheap.
func keytoolFiles(t testing.TB, jdk interop.JDK) [][]byte {
	t.Helper()
	dir := t.TempDir()
	in := func(format string, args ...string) []string {
		return append(args, "-keystore", "k."+format, "-storetype", format, "-storepass", "changeit")
	}
	commands := [][]string{{"-J-Djdk.jceks.iterationCount=10000", "-help"}}
	for _, format := range []string{"JKS", "JCEKS"} {
		commands = append(commands,
			in(format, "-genkeypair", "-alias", "one", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=one", "-keypass", "changeit"),
			in(format, "-exportcert", "-alias", "one", "-file", "one.crt"),
			in(format, "-importcert", "-noprompt", "-alias", "kä😀", "-file", "one.crt"),
			in(format, "-genkeypair", "-alias", "two", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=two", "-keypass", "other1"))
	}
	commands = append(commands,
		in("JCEKS", "-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "128", "-keypass", "changeit"),
		in("JCEKS", "-genseckey", "-alias", "des", "-keyalg", "DESede", "-keypass", "changeit"))
	jdk.Keytool(t, dir, commands...)
	var files [][]byte
	for _, format := range []string{"JKS", "JCEKS"} {
		data, err := os.ReadFile(filepath.Join(dir, "k."+format))
		require.NoError(t, err)
		files = append(files, data)
	}
	return files
}
