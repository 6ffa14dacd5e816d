package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// exportKeytool lets a program call keytool, which is no part of Java's API.
var exportKeytool = []string{"--add-exports", "java.base/sun.security.tools.keytool=ALL-UNNAMED"}

// javaOptions make a JVM small and speak English. It may compile all it can: key derivation takes five times as long
// where only the quick compiler works.
var javaOptions = append([]string{"-XX:+UseSerialGC", "-Duser.language=en", "-Dfile.encoding=UTF-8"}, exportKeytool...)

// bouncyJars are BouncyCastle's, or the test skips or fails.
func bouncyJars(t *testing.T) string {
	t.Helper()
	var jars []string
	for _, artifact := range []string{"bcprov-jdk18on", "bcutil-jdk18on", "bcpkix-jdk18on"} {
		jars = append(jars, interop.Jar(t, "org.bouncycastle", artifact))
	}
	return strings.Join(jars, string(os.PathListSeparator))
}

// javaProgram returns a program of programs/ on one JVM. The first use compiles it, with the oldest compiler so that
// every JVM takes the result.
func javaProgram(t *testing.T, m *material, jdk interop.JDK, class, jars string) *helper {
	t.Helper()
	dir := filepath.Join(m.dir, class)
	classpath := strings.Trim(dir+string(os.PathListSeparator)+jars, string(os.PathListSeparator))
	for _, compiler := range interop.JDKs(t) {
		_, undone := os.Stat(dir)
		if _, err := os.Stat(compiler.Tool("javac")); err == nil && undone != nil {
			interop.Run(t, m.dir, compiler.Tool("javac"), append(exportKeytool, "-d", dir, "-cp", classpath,
				programs(t, "Protocol.java"), programs(t, class+".java"))...)
		}
	}
	if _, err := os.Stat(dir); err != nil {
		interop.Missing(t, "javac")
	}
	return &helper{path: jdk.Tool("java"), args: slices.Concat(javaOptions, []string{"-cp", classpath, class})}
}

// findJava is keytool and KeyStore of one version of Java.
func findJava(version int) func(*testing.T, *material) *program {
	return func(t *testing.T, m *material) *program {
		jdk := interop.Java(t, version)
		h := javaProgram(t, m, jdk, "Java", "")
		return &program{
			name: fmt.Sprintf("keytool %d", version), what: fmt.Sprintf("Java %d", version),
			how:     "`KeyStore`, and `keytool -list` has to agree; certificates: `keytool -printcert`",
			version: func(*testing.T) string { return h.says },
			write:   func(t *testing.T, rows []*row) { writeKeytool(t, m, jdk, rows) },
			read: h.read(func(r *row) string {
				if r.format == fmtCerts || r.format == fmtPKCS7 {
					return "certificates"
				}
				return r.format
			}),
			shows: map[string]shows{fmtPKCS12: everything, fmtJKS: everything, fmtJCEKS: everything, fmtCerts: flat, fmtPKCS7: flat},
		}
	}
}

// writeKeytool has keytool copy keys from OpenSSL's stores and import the trusted certificates.
func writeKeytool(t *testing.T, m *material, jdk interop.JDK, rows []*row) {
	var commands [][]string
	for _, r := range rows {
		how := strings.Fields(r.how)
		if r.format == fmtCerts {
			command := []string{"-exportcert", "-alias", "sensor-17", "-keystore", "sensor-17.p12", "-storepass", password, "-file", r.path}
			if how[0] == "-rfc" {
				command = append(command, "-rfc")
			}
			commands = append(commands, command)
			continue
		}
		for _, e := range r.want {
			command := append([]string{}, how[1:]...)
			if e.kind == kindKey {
				command = append(command, "-importkeystore", "-noprompt", "-srckeystore", e.alias+".p12", "-srcstorepass", password,
					"-destkeystore", r.path, "-deststoretype", how[0], "-deststorepass", password)
			} else {
				command = append(command, "-importcert", "-noprompt", "-alias", e.alias, "-file", e.alias+".crt",
					"-keystore", r.path, "-storetype", how[0], "-storepass", password)
			}
			commands = append(commands, command)
		}
	}
	jdk.Keytool(t, m.dir, commands...)
}

// findBouncy is BouncyCastle's provider and its classes for PEM and CMS.
func findBouncy(t *testing.T, m *material) *program {
	jars := bouncyJars(t)
	h := javaProgram(t, m, interop.JDKs(t)[0], "Bouncy", jars)
	return &program{
		name: bouncy, what: "BouncyCastle for Java (Maven Central)", how: "`KeyStore` of its provider; `PEMParser`, `CMSSignedData`",
		version: func(*testing.T) string { return h.says },
		write:   h.write,
		read: h.read(func(r *row) string {
			switch {
			case r.format == fmtPKCS12:
				return "PKCS12"
			case r.format == fmtPKCS7 && r.is(traitDER):
				return "PKCS7"
			case r.is(traitDER):
				return "DER"
			}
			return "PEM"
		}),
		shows: map[string]shows{fmtPKCS12: everything, fmtPEM: flat, fmtCerts: flat, fmtPKCS7: flat},
	}
}
