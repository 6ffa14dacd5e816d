package pemfile

import (
	"bytes"
	"encoding/pem"
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// fuzzLimits keep one input cheap.
var fuzzLimits = keystore.Limits{Iterations: 2000, ScryptMem: 1 << 20, Entries: 200, Bytes: 1 << 20}

// addSeeds gives a fuzzer all samples, and files of our own.
func addSeeds(f *testing.F, add func([]byte)) {
	for _, name := range sampleNames(f) {
		add(sample(f, name))
	}
	p := newPKI(f)
	store := &keystore.Store{
		Identities: []keystore.Identity{identity(f, "a", p.server, p.issuing, p.root), identity(f, "b", p.client)},
		Anchors:    []keystore.Anchor{{Alias: "trusted", Certificate: certificate(p.root)}},
		Loose:      []keystore.Anchor{{Alias: "loose", Certificate: certificate(p.issuing)}},
	}
	fitted, _, err := Codec{}.Fit(store, keystore.EncodeOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for _, opts := range []keystore.EncodeOptions{{}, fast()} {
		data, err := Codec{}.Encode(fitted, opts)
		if err != nil {
			f.Fatal(err)
		}
		add(data)
	}
}

// What is read is one of the kinds of error and no store, or a store that can be written and read again.
func FuzzDecode(f *testing.F) {
	addSeeds(f, func(data []byte) {
		f.Add(data, samplePassword, true)
		f.Add(data, "", false)
	})
	f.Fuzz(func(t *testing.T, data []byte, password string, given bool) {
		opts := keystore.DecodeOptions{Limits: fuzzLimits}
		if given {
			opts.Password = keystore.Secret(password)
		}
		store, err := Codec{}.Decode(data, opts)
		if err != nil {
			if store != nil || keystore.KindOf(err) == nil {
				t.Fatalf("store %v with error %v", store, err)
			}
			return
		}
		fitted, _, err := Codec{}.Fit(store, keystore.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		written, err := Codec{}.Encode(fitted, keystore.EncodeOptions{}) // which reads back
		if err != nil {
			t.Fatal(err)
		}
		again, err := Codec{}.Decode(written, keystore.DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		refitted, changes, err := Codec{}.Fit(again, keystore.EncodeOptions{})
		if err != nil || len(changes) != 0 || same(fitted, refitted) != "" {
			t.Fatalf("fitting what was read again: %v, changes %v, error %v", same(fitted, refitted), changes, err)
		}
	})
}

// Whatever encoding/pem finds in a file that we read, we find as well, the same bytes in the same order: no reader of
// the standard library sees a key or certificate that we pass over.
func FuzzAgainstEncodingPEM(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, err := scan(data, fuzzLimits.OrDefault())
		if err != nil {
			return
		}
		at := 0
		for rest := data; ; {
			var theirs *pem.Block
			if theirs, rest = pem.Decode(rest); theirs == nil {
				return
			}
			for at < len(blocks) && (blocks[at].label != theirs.Type || !bytes.Equal(blocks[at].der, theirs.Bytes)) {
				at++
			}
			if at == len(blocks) {
				t.Fatalf("encoding/pem finds a %q that we do not: %x", theirs.Type, theirs.Bytes)
			}
			at++
		}
	})
}

// Every object that the structure of its DER gives away is told alike from its beginning and by the codec.
func FuzzDER(f *testing.F) {
	addSeeds(f, func(data []byte) {
		if block, _ := pem.Decode(data); block != nil {
			data = block.Bytes
		}
		f.Add(data)
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || data[0] != tagSequence {
			return
		}
		store, err := Codec{}.Decode(data, keystore.DecodeOptions{Limits: fuzzLimits, Password: keystore.Secret(samplePassword)})
		if (err == nil) != (store != nil) || err != nil && keystore.KindOf(err) == nil {
			t.Fatalf("store %v, error %v", store, err)
		}
		if err == nil && !(Codec{}).Sniff(data) {
			t.Fatal("read, but not recognised")
		}
	})
}

// A name survives its comment line, whatever it is, and cannot end it.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"sensor-17", "\"", "a\nb", "-----BEGIN", " ", "\xff", "\\x2d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, alias string) {
		line := appendNote(nil, wordKey, alias)
		if bytes.Count(line, []byte("\n")) != 1 || bytes.Contains(line, []byte("-----")) {
			t.Fatalf("%q", line)
		}
		s := &scanner{rest: line}
		text, _ := s.next()
		if got := readNote([]string{text}); got.alias != alias || got.word != wordKey {
			t.Fatalf("%q became %q", alias, got.alias)
		}
	})
}
