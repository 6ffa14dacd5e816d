package formats

import (
	"errors"
	"slices"
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// addSeeds gives a fuzzer a file of each format and kind of store, and beginnings of what is not read.
func addSeeds(f *testing.F) {
	for _, s := range conformanceStores(f) {
		for _, codec := range All() {
			if !holds(f, codec, s.store) {
				continue
			}
			data, _ := write(f, codec, s.store, encodeOptions())
			f.Add(data)
		}
	}
	for _, sample := range foreignSamples {
		f.Add([]byte(sample.data))
	}
	f.Add([]byte("0\x820\x820\x82"))
}

// Any file is one of the kinds of error, or a store that every format can be asked to carry. What a file is, and
// whether it can be read, are one and the same answer: the codec that is named reads the file or says what is wrong
// with it, and no other codec reads it or asks for a password.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		opts := keystore.DecodeOptions{Password: password, Limits: smallLimits}
		codec, format, unknown := Detect(data)
		if (unknown == nil) != (codec != nil) || unknown != nil && keystore.KindOf(unknown) == nil || unknown == nil && format == "" {
			t.Fatalf("detected %v %q with error %v", codec, format, unknown)
		}
		store, used, err := Decode(data, opts)
		if err != nil && (store != nil || used != nil || keystore.KindOf(err) == nil) {
			t.Fatalf("store %v, codec %v with error %v", store, used, err)
		}
		if err == nil && (codec == nil || used.Name() != codec.Name()) {
			t.Fatalf("read by %s, and detected as %v (%v)", used.Name(), codec, unknown)
		}
		if !errors.Is(unknown, keystore.ErrUnsupported) { // a line of PEM may stand behind a foreign key
			requireNoOther(t, data, codec, opts)
		}
		if err == nil {
			requireCarried(t, store)
		}
	})
}

// requireNoOther fails when a codec other than the one detected reads the data, or takes it for a file of its own that
// only wants another password. PEM is excused: it passes over text before a block, be it a whole store.
func requireNoOther(t *testing.T, data []byte, detected keystore.Codec, opts keystore.DecodeOptions) {
	t.Helper()
	for _, other := range All() {
		if detected != nil && (other.Name() == detected.Name() || other.Name() == "pem") {
			continue
		}
		store, err := other.Decode(data, opts)
		if err == nil || store != nil || keystore.KindOf(err) == nil || errors.Is(err, keystore.ErrPassword) {
			t.Fatalf("detected as %v; %s says: %v", detected, other.Name(), err)
		}
	}
}

// requireCarried fails unless every format can be given what it can carry of a store.
func requireCarried(t *testing.T, store *keystore.Store) {
	t.Helper()
	for _, target := range All() {
		if !holds(t, target, store) {
			continue
		}
		fitted, _, err := target.Fit(store, encodeOptions())
		if err != nil {
			t.Fatalf("%s: %v", target.Name(), err)
		}
		data, err := target.Encode(fitted, encodeOptions())
		if err != nil {
			t.Fatalf("%s: %v", target.Name(), err)
		}
		got, used, err := Decode(data, keystore.DecodeOptions{Password: password})
		if err != nil || used.Name() != target.Name() {
			t.Fatalf("%s: read back by %v with error %v", target.Name(), used, err)
		}
		if want, have := summary(fitted), summary(got); !slices.Equal(want, have) {
			t.Fatalf("%s: %q is not %q", target.Name(), have, want)
		}
	}
}
