package matrix

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// nssVersion is in the text of NSS's library, since its programs do not tell.
var nssVersion = regexp.MustCompile(`NSS (\d+\.\d+(?:\.\d+)?)`)

// findNSS is pk12util: a file is imported into a new database.
func findNSS(t *testing.T, m *material) *program {
	path, certutil := interop.Need(t, "pk12util"), interop.Need(t, "certutil")
	return &program{
		name: pk12util, what: "NSS", how: "`pk12util -i` into a new database, `certutil -K`; certificates: `pk12util -l`",
		version: func(t *testing.T) string { return versionOfNSS() },
		write: func(t *testing.T, rows []*row) {
			db := t.TempDir()
			interop.Run(t, db, certutil, "-N", "-d", "sql:.", "--empty-password")
			for _, r := range rows {
				alias := r.want[0].alias
				interop.Run(t, db, path, "-i", filepath.Join(m.dir, alias+".p12"), "-d", "sql:.", "-W", password, "-K", "")
				interop.Run(t, db, path, "-o", r.path, "-n", alias, "-d", "sql:.", "-W", password, "-K", "")
			}
		},
		read: func(t *testing.T, rows []*row) []answer {
			empty := t.TempDir()
			interop.Run(t, empty, certutil, "-N", "-d", "sql:.", "--empty-password")
			var answers []answer
			for _, r := range rows {
				answers = append(answers, readNSS(t, path, certutil, empty, r))
			}
			return answers
		},
		shows: map[string]shows{fmtPKCS12: flatNamed},
	}
}

// nssKey is a line of certutil -K: the key's type, the SHA-1 of its public part, and its name.
var nssKey = regexp.MustCompile(`(?m)^< *\d+> +\w+ +([0-9a-f]{40}) +(.*)$`)

func readNSS(t *testing.T, path, certutil, empty string, r *row) answer {
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	require.NoError(t, os.CopyFS(db, os.DirFS(empty)))
	if out, err := interop.Try(t, dir, path, "-i", r.path, "-d", "sql:db", "-W", r.password, "-K", ""); err != nil {
		return answer{err: failure(out, err)}
	}
	var a answer
	if count(r.want, kindKey) > 0 { // certutil -K fails when there is none
		for _, found := range nssKey.FindAllStringSubmatch(interop.Run(t, dir, certutil, "-K", "-d", "sql:db"), -1) {
			e := entry{kind: kindKey, alias: found[2]}
			for _, w := range r.want {
				if w.kind == kindKey && nssID(t, w.spki) == found[1] {
					e.spki = w.spki
				}
			}
			a.entries = append(a.entries, e)
		}
	}
	list := filepath.Join(dir, "list")
	require.NoError(t, os.Mkdir(list, 0o700))
	interop.Run(t, list, path, "-l", r.path, "-W", r.password, "-r") // writes each certificate into a file
	files, err := filepath.Glob(filepath.Join(list, "*.der"))
	require.NoError(t, err)
	for _, f := range files {
		der, err := os.ReadFile(f)
		require.NoError(t, err)
		a.entries = append(a.entries, entry{kind: kindCert, chain: [][]byte{der}})
	}
	return a
}

// nssID is how NSS identifies a key: by the SHA-1 of its EC point or RSA modulus.
func nssID(t *testing.T, spki []byte) string {
	key, err := x509.ParsePKIXPublicKey(spki)
	require.NoError(t, err)
	var public []byte
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		public, err = key.Bytes()
		require.NoError(t, err)
	case *rsa.PublicKey:
		public = key.N.Bytes()
	}
	sum := sha1.Sum(public)
	return hex.EncodeToString(sum[:])
}

// versionOfNSS looks into its library.
func versionOfNSS() string {
	for _, pattern := range []string{"/usr/lib/*/libnss3.so", "/usr/lib/libnss3.so", "/usr/lib64/libnss3.so"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			data, _ := os.ReadFile(f)
			if found := nssVersion.FindSubmatch(data); found != nil {
				return string(found[1])
			}
		}
	}
	return "unknown"
}
