package matrix

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

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
