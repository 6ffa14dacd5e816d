package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// decode reads the samples made so far and describes them. Those that we do not read are left out: there is no report on
// them.
func (w *workshop) decode(format string) []tried {
	w.t.Helper()
	var list []tried
	for _, s := range w.made {
		data, err := os.ReadFile(filepath.Join(w.dir, s.name))
		require.NoError(w.t, err)
		password := keystore.Secret(s.pass)
		store, _, err := formats.Decode(data, keystore.DecodeOptions{Password: password})
		if err != nil {
			assert.ErrorIs(w.t, err, keystore.ErrUnsupported, s.name)
			continue
		}
		report := inspect.Describe(store, inspect.Options{File: s.name, Format: format, Text: pemfile.Text(data), PasswordText: password, Now: mint.Day})
		list = append(list, tried{s, store, report})
	}
	w.made = nil
	return list
}

// step runs a part of the test as a test of its own, which is skipped or fails by itself.
func (w *workshop) step(t *testing.T, name string, run func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		defer func(outer *testing.T) { w.t = outer }(w.t)
		w.t = t
		run(t)
	})
}

// compare holds what inspect says of the samples against what the programs do.
func (w *workshop) compare(t *testing.T, samples []tried, programs []judge) {
	for _, j := range programs {
		w.step(t, j.rows, func(t *testing.T) {
			rows := strings.Split(j.rows, ", ")
			for i, answer := range j.try(w, samples) {
				judged := 0
				for _, r := range samples[i].report.Readers {
					if row := r.Program + " " + r.Version; slices.Contains(rows, row) {
						assert.Equal(t, answer, r.Reads, "%s, %s: %s", samples[i].name, row, r.Why)
						judged++
					}
				}
				assert.Equal(t, len(rows), judged, "a row is not in the report")
			}
		})
	}
}

// boundAndroid holds Android's row against BouncyCastle, which reads PKCS12 for it: Android reads no more than that.
func (w *workshop) boundAndroid(t *testing.T, samples []tried) {
	lines := w.javaLines(samples, interop.Java(t, 17).Home, "PKCS12", "org.bouncycastle.jce.provider.BouncyCastleProvider")
	for i, s := range samples {
		for _, r := range s.report.Readers {
			if r.Program == "Android" && r.Reads != inspect.No {
				assert.True(t, strings.HasPrefix(lines[i], fmt.Sprintf("%d ", len(s.store.Identities))), "%s: %s", s.name, lines[i])
			}
		}
	}
}

// TestInteropReaders: what inspect says of files in all their variety is what the programs do.
func TestInteropReaders(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs of outside programs")
	}
	w := newWorkshop(t)
	w.step(t, "PKCS12", func(t *testing.T) {
		w.pkcs12s()
		samples := w.decode("p12")
		w.compare(t, samples, pkcs12Judges(t))
		w.step(t, "BouncyCastle", func(t *testing.T) { w.boundAndroid(t, samples) })
	})
	w.step(t, "pairings and kinds of keys", func(t *testing.T) {
		w.pairings()
		w.oddStores()
		samples := w.decode("p12")
		w.compare(t, samples, fewJudges(t))
		w.step(t, "BouncyCastle", func(t *testing.T) { w.boundAndroid(t, samples) })
		for kind := range oddKinds {
			w.add(kind+".key", "")
		}
		w.compare(t, w.decode("pem"), []judge{{"OpenSSL 3.0", opensslKeys}, {"GnuTLS 3.7", gnutlsKeys}})
	})
	w.step(t, "JKS", func(t *testing.T) {
		w.stores()
		for kind := range oddKinds {
			w.encode("kind-"+kind+".jks", "jks", "", storePass, "kind-"+kind+".p12")
		}
		w.compare(t, w.decode("jks"), storeJudges(t))
	})
	w.step(t, "JCEKS", func(t *testing.T) {
		w.jceks()
		w.compare(t, w.decode("jceks"), []judge{{"Java 17", func(w *workshop, s []tried) []inspect.Answer {
			jdk := interop.Java(t, 17).Home
			return orElse(w.java(s, jdk, "PKCS12"), w.java(s, jdk, "JCEKS")) // -storetype
		}}})
	})
	w.step(t, "keys", func(t *testing.T) {
		w.keys()
		w.compare(t, w.decode("pem"), keyJudges())
	})
	w.step(t, "bundles", func(t *testing.T) {
		w.bundles()
		w.compare(t, w.decode("pem"), bundleJudges())
	})
	w.step(t, "certificates", func(t *testing.T) {
		w.certificates()
		w.compare(t, w.decode("pem"), certificateJudges(t))
	})
	w.step(t, "PKCS7", func(t *testing.T) {
		w.pkcs7s()
		w.compare(t, w.decode("pkcs7"), typedCommands())
	})
}
