package pemfile

import (
	"bytes"
	"encoding/pem"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// fuzzLimits keep one input cheap.
var fuzzLimits = keystore.Limits{Iterations: 2000, ScryptMem: 1 << 20, Entries: 200, Bytes: 1 << 20}

// FuzzDecode holds the decoder to its contract on any bytes, with a password and without: no store with an error, errors of
// the kinds only, and what is read can be fitted, written and read again, the same in every entry.
func FuzzDecode(f *testing.F) {
	addSeeds(f, func(data []byte) {
		f.Add(data, samplePassword)
		f.Add(data, "pw")
	})
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		for _, pw := range []keystore.Secret{nil, keystore.Secret(password)} {
			store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: pw, Limits: fuzzLimits})
			requireKind(t, store, err)
			if err == nil {
				requireRewrite(t, store, pw)
				requireBinary(t, store, pw)
			}
		}
	})
}

// requireKind fails unless there is either a store or one of the kinds of error.
func requireKind(t *testing.T, store *keystore.Store, err error) {
	t.Helper()
	if (err == nil) != (store != nil) || err != nil && keystore.KindOf(err) == nil {
		t.Fatalf("store %v with error %v", store, err)
	}
}

// requireRewrite fits, writes and reads a store, twice: nothing may change on the way, and on the second round nothing
// is left to be fitted.
func requireRewrite(t *testing.T, store *keystore.Store, password keystore.Secret) {
	t.Helper()
	opts := keystore.EncodeOptions{Password: password, Iterations: 1, Random: fixedRandom()}
	fitted, _, err := Codec{}.Fit(store, opts)
	require.NoError(t, err)
	written, err := Codec{}.Encode(fitted, opts)
	require.NoError(t, err)
	again, err := Codec{}.Decode(written, keystore.DecodeOptions{Password: password})
	require.NoError(t, err)
	require.NoError(t, keystore.Compare(fitted, again))
	refitted, changes, err := Codec{}.Fit(again, opts)
	require.NoError(t, err)
	require.Empty(t, changes)
	require.NoError(t, keystore.Compare(fitted, refitted))
}

// requireBinary writes what DER and the three forms of PKCS#7 can carry of a store; keystore.Build reads it back.
func requireBinary(t *testing.T, store *keystore.Store, password keystore.Secret) {
	t.Helper()
	opts := keystore.EncodeOptions{Password: password, Iterations: 1, Random: fixedRandom()}
	fitted, _, err := DER{}.Fit(store, opts)
	require.NoError(t, err)
	if len(flatten(fitted)) > 0 {
		_, err = keystore.Build(DER{}, fitted, opts)
		require.NoError(t, err)
	}
	for _, opts.Profile = range (PKCS7{}).Profiles() {
		fitted, _, err = PKCS7{}.Fit(store, opts)
		require.NoError(t, err)
		_, err = keystore.Build(PKCS7{}, fitted, opts)
		require.NoError(t, err)
	}
}

// compare is keystore.Compare for stores that may have locked keys, which stay out.
func compare(want, got *keystore.Store) error {
	open := func(s *keystore.Store) *keystore.Store {
		kept := *s
		kept.Identities = slices.DeleteFunc(slices.Clone(s.Identities), func(i keystore.Identity) bool { return i.Locked != nil })
		return &kept
	}
	return keystore.Compare(open(want), open(got))
}

// FuzzDER: an object whose structure gives away what it is, is recognised and read as such, and as nothing else.
func FuzzDER(f *testing.F) {
	addObjects(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 || data[0] != tagSequence {
			return
		}
		store, err := Codec{}.Decode(data, keystore.DecodeOptions{Limits: fuzzLimits, Password: keystore.Secret(samplePassword)})
		requireKind(t, store, err)
		kind := derKind(data)
		if err == nil && kind == "" {
			t.Fatal("read, but not recognised")
		}
		if err == nil && kind != labelPKCS7 {
			requireSameAsBlock(t, data, kind)
		}
	})
}

// requireSameAsBlock fails when the same object reads otherwise as text.
func requireSameAsBlock(t *testing.T, data []byte, kind string) {
	t.Helper()
	opts := keystore.DecodeOptions{Limits: fuzzLimits, Password: keystore.Secret(samplePassword)}
	binary, err := Codec{}.Decode(data, opts)
	require.NoError(t, err)
	if len(binary.Problems) > 0 && binary.Problems[0].Code == "trailing-bytes" {
		return // which a block may not have
	}
	text, err := Codec{}.Decode(appendBlock(nil, kind, data), opts)
	require.NoError(t, err)
	require.NoError(t, compare(binary, text))
}

// FuzzNames: a name survives its comment line, whatever it is, and cannot end it.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"sensor-17", "\"", "a\nb", "-----BEGIN", " ", "\xff", "\\x2d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, alias string) {
		line := appendNote(nil, wordKey, alias)
		if bytes.Count(line, []byte("\n")) != 1 || bytes.Contains(line, []byte("-----")) {
			t.Fatalf("%q", line)
		}
		if got := readNote(line); got.alias != alias || got.word != wordKey {
			t.Fatalf("%q became %q", alias, got.alias)
		}
	})
}

// FuzzAgainstEncodingPEM: whatever encoding/pem finds in a file that we read, we find as well, the same bytes in the same
// order: no reader of the standard library sees a key or certificate that we pass over.
func FuzzAgainstEncodingPEM(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		var blocks []block
		keep := func(b *block) error {
			blocks = append(blocks, *b)
			return nil
		}
		if _, err := scan(data, fuzzLimits.OrDefault(), keep); err != nil {
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
