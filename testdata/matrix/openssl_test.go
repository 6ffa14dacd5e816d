package matrix

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

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
