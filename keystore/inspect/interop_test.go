package inspect_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// decode reads the samples and describes them. Those that we do not read are left out: there is no report on them.
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
		report := inspect.Describe(store, inspect.Options{File: s.name, Format: format, PasswordText: password, Now: mint.Day})
		list = append(list, tried{s, store, report})
	}
	return list
}

// TestInteropReaders: what inspect says of PKCS12 files in all their variety is what the programs do.
func TestInteropReaders(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs of outside programs")
	}
	w := newWorkshop(t)
	w.pkcs12s()
	samples := w.decode("p12")
	for _, j := range judges(t) {
		t.Run(j.program+" "+j.version, func(t *testing.T) {
			for i, answer := range j.try(w, samples) {
				for _, r := range samples[i].report.Readers {
					if r.Program == j.program && r.Version == j.version {
						assert.Equal(t, answer, r.Reads, "%s: %s", samples[i].name, r.Why)
					}
				}
			}
		})
	}
}
