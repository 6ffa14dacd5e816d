package matrix

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// friendlyName is how openssl and certtool print the name of what follows.
var friendlyName = regexp.MustCompile(`(?i)friendly ?name: (.*)`)

// printed turns the text that a program prints for a file, PEM blocks with their names before them, into entries.
func printed(t *testing.T, text string) []entry {
	t.Helper()
	var found []entry
	for rest := []byte(text); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return found
		}
		before := string(rest[:len(rest)-len(after)])
		e := entry{kind: kindCert}
		if names := friendlyName.FindAllStringSubmatch(before, -1); names != nil {
			e.alias = names[len(names)-1][1]
		}
		rest = after
		switch block.Type {
		case "PKCS7": // certtool shows the bundle after its certificates
			continue
		case "CERTIFICATE":
			e.chain = [][]byte{block.Bytes}
		default:
			spki, err := publicOf(block.Bytes)
			require.NoError(t, err)
			e.kind, e.spki = kindKey, spki
		}
		found = append(found, e)
	}
}

// pemBlock is one in what a program printed.
var pemBlock = regexp.MustCompile(`(?s)-----BEGIN .*?-----END [A-Z ]+-----`)

// failure is what a program complained of, in one line.
func failure(out string, err error) string {
	return err.Error() + ": " + strings.Join(strings.Fields(pemBlock.ReplaceAllString(out, "")), " ")
}

// findOpenSSL is the command with its default provider.
func findOpenSSL(t *testing.T, m *material) *program {
	p := opensslProgram(t)
	p.write = func(t *testing.T, rows []*row) { writeOpenSSL(t, m, rows) }
	return p
}

// findOpenSSLLegacy is the command with its legacy provider, which is for PKCS12 alone.
func findOpenSSLLegacy(t *testing.T, _ *material) *program {
	p := opensslProgram(t, "-legacy")
	p.name, p.how = opensslOld, "`openssl pkcs12 -legacy`"
	p.shows = map[string]shows{fmtPKCS12: flatNamed}
	return p
}

func opensslProgram(t *testing.T, options ...string) *program {
	path := interop.Need(t, "openssl")
	return &program{
		name: openssl, what: "OpenSSL", how: "`openssl pkcs12`, `storeutl`, `pkcs7`",
		version: func(t *testing.T) string { return strings.Fields(interop.Run(t, t.TempDir(), path, "version"))[1] },
		read: func(t *testing.T, rows []*row) []answer {
			var answers []answer
			for _, r := range rows {
				args := []string{"storeutl", "-passin", "pass:" + r.password, r.path}
				switch {
				case r.format == fmtPKCS12:
					args = append([]string{"pkcs12", "-in", r.path, "-passin", "pass:" + r.password, "-nodes"}, options...)
				case r.format == fmtPKCS7 && r.is(traitDER):
					args = []string{"pkcs7", "-print_certs", "-inform", "DER", "-in", r.path}
				case r.format == fmtPKCS7:
					args = []string{"pkcs7", "-print_certs", "-in", r.path}
				}
				out, err := interop.Try(t, t.TempDir(), path, args...)
				if err != nil {
					answers = append(answers, answer{err: failure(out, err)})
					continue
				}
				answers = append(answers, answer{entries: printed(t, out)})
			}
			return answers
		},
		shows: map[string]shows{fmtPKCS12: flatNamed, fmtPEM: flat, fmtCerts: flat, fmtPKCS7: flat},
	}
}

// aliasOf is the name that the files of the material have for the only key of a row, or for whose chain it holds.
func aliasOf(r *row) string {
	switch r.content {
	case rsaKey:
		return "rsa-client"
	case edKey:
		return "ed-client"
	}
	return "sensor-17"
}

func writeOpenSSL(t *testing.T, m *material, rows []*row) {
	path := interop.Need(t, "openssl")
	for _, r := range rows {
		how, alias := strings.Fields(r.how), aliasOf(r)
		key, crt, pass := alias+".key", alias+".crt", "pass:"+password
		switch {
		case r.content == chainOnly && r.format == fmtPKCS12:
			interop.Run(t, m.dir, path, append([]string{"pkcs12", "-export", "-in", alias + ".chain", "-passout", pass, "-out", r.path}, how...)...)
		case r.format == fmtPKCS12:
			interop.Run(t, m.dir, path, append([]string{"pkcs12", "-export", "-inkey", key, "-in", crt, "-certfile", alias + ".cas",
				"-name", alias, "-passout", pass, "-out", r.path}, how...)...)
		case r.is(traitBag):
			interop.Run(t, m.dir, path, "pkcs12", "-nodes", "-in", alias+".p12", "-passin", pass, "-out", r.path)
		case r.format == fmtPKCS7:
			interop.Run(t, m.dir, path, append(how, "-certfile", alias+".chain", "-out", r.path)...)
		case r.format == fmtCerts:
			interop.Run(t, m.dir, path, append(how, "-in", crt, "-out", r.path)...)
		default:
			interop.Run(t, m.dir, path, append(how, "-in", key, "-passout", pass, "-out", r.path)...)
			appendFile(t, r.path, filepath.Join(m.dir, alias+".chain"))
		}
	}
}

// appendFile puts a second file behind the first.
func appendFile(t *testing.T, path, second string) {
	t.Helper()
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	more, err := os.ReadFile(second)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(first, more...), 0o600))
}

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

// findGnuTLS is certtool: what it prints of a store, and each key of that opened by another run.
func findGnuTLS(t *testing.T, m *material) *program {
	path := interop.Need(t, "certtool")
	return &program{
		name: certtool, what: "GnuTLS", how: "`certtool --p12-info`, then `--pubkey-info` of each key; `--certificate-info`, `--p7-info`",
		version: func(t *testing.T) string {
			fields := strings.Fields(strings.SplitN(interop.Run(t, t.TempDir(), path, "--version"), "\n", 2)[0])
			return fields[len(fields)-1]
		},
		write: func(t *testing.T, rows []*row) { writeGnuTLS(t, m, path, rows) },
		read: func(t *testing.T, rows []*row) []answer {
			var answers []answer
			for _, r := range rows {
				answers = append(answers, readGnuTLS(t, path, r))
			}
			return answers
		},
		shows: map[string]shows{fmtPKCS12: flatNamed, fmtPEM: flat, fmtCerts: flat, fmtPKCS7: flat},
	}
}

func writeGnuTLS(t *testing.T, m *material, path string, rows []*row) {
	for _, r := range rows {
		alias, how := aliasOf(r), strings.Fields(r.how)
		if r.format == fmtPKCS12 {
			interop.Run(t, m.dir, path, append([]string{"--to-p12", "--load-privkey", alias + ".key", "--load-certificate", alias + ".crt",
				"--load-ca-certificate", alias + ".cas", "--p12-name", alias, "--password", password, "--outder", "--outfile", r.path}, how...)...)
			continue
		}
		args := append([]string{"--to-p8", "--load-privkey", alias + ".key", "--outfile", r.path}, how...)
		if r.password == "" {
			args = append(args, "--empty-password")
		} else {
			args = append(args, "--password", r.password)
		}
		interop.Run(t, m.dir, path, args...)
		appendFile(t, r.path, filepath.Join(m.dir, alias+".chain"))
	}
}

// encryptedKey is one in the text that certtool prints of a store.
var encryptedKey = regexp.MustCompile(`(?s)-----BEGIN ENCRYPTED PRIVATE KEY-----.*?-----END ENCRYPTED PRIVATE KEY-----`)

func readGnuTLS(t *testing.T, path string, r *row) answer {
	text, err := gnutlsText(t, path, r)
	if err != nil {
		return answer{err: err.Error()}
	}
	return answer{entries: printed(t, text)}
}

// gnutlsText is all that certtool prints of a file, with the public key of each key that it could open.
func gnutlsText(t *testing.T, path string, r *row) (string, error) {
	dir := t.TempDir()
	var failed error
	run := func(args ...string) string {
		out, err := interop.Try(t, dir, path, append(args, "--password", r.password)...)
		if err != nil && failed == nil {
			failed = errors.New(failure(out, err))
		}
		return out
	}
	file := []string{"--infile", r.path}
	if r.is(traitDER) {
		file = append(file, "--inder")
	}
	switch r.format {
	case fmtPKCS7:
		return run(append(file, "--p7-info")...), failed
	case fmtCerts:
		return run(append(file, "--certificate-info")...), failed
	case fmtPEM:
		return run("--pubkey-info", "--load-privkey", r.path) + run("--certificate-info", "--infile", r.path), failed
	}
	text := run("--p12-info", "--inder", "--infile", r.path)
	return encryptedKey.ReplaceAllStringFunc(text, func(block string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), []byte(block), 0o600))
		_, key, _ := strings.Cut(run("--pubkey-info", "--load-privkey", "key"), "-----BEGIN")
		return "-----BEGIN" + key
	}), failed
}
