package inspect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

const storePass = "changeit"

// judge tries one program on a PKCS12 file and returns its answer as inspect gives it. All but GnuTLS have to get at
// the private key.
type judge struct {
	program, version string
	try              func(t *testing.T, file string) inspect.Answer
}

// judges are the programs that are here. A version that the rules are not about is left out.
func judges(t *testing.T) []judge {
	t.Helper()
	var list []judge
	for _, jdk := range interop.JDKs(t) {
		switch jdk.Version {
		case 17, 25:
			list = append(list, judge{"Java", map[int]string{17: "17", 25: "25"}[jdk.Version], func(t *testing.T, file string) inspect.Answer {
				dir := t.TempDir()
				out, err := interop.Try(t, dir, jdk.Tool("keytool"), "-importkeystore", "-noprompt", "-srckeystore", file, "-srcstoretype", "PKCS12",
					"-srcstorepass", storePass, "-destkeystore", "out.p12", "-deststorepass", storePass)
				return answer(err == nil && strings.Contains(out, "Entry for alias"))
			}})
		}
	}
	openssl := interop.Need(t, "openssl")
	if strings.HasPrefix(interop.Run(t, t.TempDir(), openssl, "version"), "OpenSSL 3.0") {
		list = append(list, judge{"OpenSSL", "3.0", func(t *testing.T, file string) inspect.Answer {
			args := []string{"pkcs12", "-in", file, "-passin", "pass:" + storePass, "-nodes"}
			if out, err := interop.Try(t, t.TempDir(), openssl, args...); err == nil && strings.Contains(out, "PRIVATE KEY") {
				return inspect.Yes
			}
			if out, err := interop.Try(t, t.TempDir(), openssl, append(args, "-legacy")...); err == nil && strings.Contains(out, "PRIVATE KEY") {
				return inspect.Flag
			}
			return inspect.No
		}})
	}
	certutil, pk12util := interop.Need(t, "certutil"), interop.Need(t, "pk12util")
	list = append(list, judge{"NSS", "3.87", func(t *testing.T, file string) inspect.Answer {
		dir := t.TempDir()
		interop.Run(t, dir, certutil, "-N", "-d", "sql:.", "--empty-password")
		_, err := interop.Try(t, dir, pk12util, "-i", file, "-d", "sql:.", "-W", storePass, "-K", "")
		return answer(err == nil)
	}})
	certtool := interop.Need(t, "certtool")
	return append(list, judge{"GnuTLS", "3.7", func(t *testing.T, file string) inspect.Answer {
		dir := t.TempDir()
		out, err := interop.Try(t, dir, certtool, "--p12-info", "--inder", "--infile", file, "--password", storePass)
		if err != nil {
			return inspect.No
		}
		begin := strings.Index(out, "-----BEGIN ENCRYPTED PRIVATE KEY")
		if begin < 0 { // not encrypted: printed as it is
			return answer(strings.Contains(out, "PRIVATE KEY"))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), []byte(out[begin:]), 0o600))
		_, err = interop.Try(t, dir, certtool, "--key-info", "--infile", "key.pem", "--password", storePass)
		return answer(err == nil)
	}})
}

func answer(ok bool) inspect.Answer {
	if ok {
		return inspect.Yes
	}
	return inspect.No
}

// TestInteropReaders: what inspect says of PKCS12 files in all their variety is what the programs do.
func TestInteropReaders(t *testing.T) {
	if testing.Short() {
		t.Skip("fifty runs of outside programs")
	}
	openssl, dir := interop.Need(t, "openssl"), t.TempDir()
	programs := judges(t)
	pair := func(name string, algorithm ...string) []string {
		args := append([]string{"req", "-x509", "-nodes", "-keyout", name + ".key", "-out", name + ".crt", "-subj", "/CN=" + name, "-days", "30", "-newkey"}, algorithm...)
		interop.Run(t, dir, openssl, args...)
		return []string{"-inkey", name + ".key", "-in", name + ".crt", "-name", name}
	}
	ec := pair("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
	for _, tc := range []struct {
		name string
		from []string
		args []string
	}{
		{"default", ec, nil},
		{"aes-192", ec, []string{"-keypbe", "aes-192-cbc", "-certpbe", "aes-192-cbc"}},
		{"rc2-40 certificate", ec, []string{"-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"}},
		{"rc2-128", ec, []string{"-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"}},
		{"2des", ec, []string{"-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"}},
		{"md5 mac", ec, []string{"-macalg", "md5"}},
		{"sha512 mac", ec, []string{"-macalg", "sha512"}},
		{"no mac", ec, []string{"-nomac"}},
		{"bare key", ec, []string{"-keypbe", "NONE"}},
		{"ed25519", pair("ed", "ed25519"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "a.p12")
			interop.Run(t, dir, openssl, append(append([]string{"pkcs12", "-export", "-passout", "pass:" + storePass, "-out", file}, tc.from...), tc.args...)...)
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			store, _, err := formats.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
			require.NoError(t, err)
			report := inspect.Describe(store, inspect.Options{File: file, Format: "p12", PasswordText: keystore.Secret(storePass), Now: now})
			judged := 0
			for _, program := range programs {
				for _, r := range report.Readers {
					if r.Program == program.program && r.Version == program.version {
						judged++
						assert.Equal(t, program.try(t, file), r.Reads, "%s %s: %s", r.Program, r.Version, r.Why)
					}
				}
			}
			assert.Equal(t, len(programs), judged, "a program is not in the report")
		})
	}
}
