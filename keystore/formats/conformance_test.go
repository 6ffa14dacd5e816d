package formats

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// password is the one that all stores of these tests are written under: not ASCII, since that is where formats differ.
var password = keystore.Secret("pässwörd €")

// encodeOptions are for a file that is the same each time and cheap to make.
func encodeOptions() keystore.EncodeOptions {
	return keystore.EncodeOptions{
		Password: password, Iterations: 2, Random: rand.NewChaCha8([32]byte{7}), Now: mint.Day.Add(time.Hour),
	}
}

// forEach runs a law on every codec and every one of the stores.
func forEach(t *testing.T, law func(t *testing.T, codec keystore.Codec, store *keystore.Store)) {
	stores := conformanceStores(t)
	for _, codec := range All() {
		for _, s := range stores {
			if !holds(t, codec, s.store) {
				continue
			}
			t.Run(codec.Name()+"/"+s.name, func(t *testing.T) { law(t, codec, s.store) })
		}
	}
}

// traits are what the laws have to know of a format: where it holds less than others, less can be asked of it.
type traits struct {
	open       bool // certificates lie open: a password protects keys alone
	text       bool // a file that lost its end may be whole all the same: up to there, or but for a line end
	names      bool // it holds names
	several    bool // it holds several entries
	iterations bool // it derives keys of passwords by iteration
}

// traitsOf has those of every codec, by name.
var traitsOf = map[string]traits{
	"pem": {open: true, text: true, names: true, several: true, iterations: true},
	"p12": {names: true, several: true, iterations: true},
	"jks": {names: true, several: true},
	"p7b": {open: true, text: true, several: true},
	"der": {open: true, iterations: true},
}

// write fits and encodes a store.
func write(t testing.TB, codec keystore.Codec, store *keystore.Store, opts keystore.EncodeOptions) (data []byte, fitted *keystore.Store) {
	t.Helper()
	fitted, _, err := codec.Fit(store, opts)
	require.NoError(t, err)
	data, err = keystore.Build(codec, fitted, opts)
	require.NoError(t, err)
	return data, fitted
}

// holds reports whether a format has a form for what it can carry of a store: a file of one object has none for nothing.
func holds(t testing.TB, codec keystore.Codec, store *keystore.Store) bool {
	t.Helper()
	fitted, _, err := codec.Fit(store, encodeOptions())
	require.NoError(t, err)
	empty := len(fitted.Identities)+len(fitted.Anchors)+len(fitted.Loose)+len(fitted.Others) == 0
	return !empty || traitsOf[codec.Name()].several
}

// Law: what was fitted comes back, entry by entry and byte by byte; fitting it again changes nothing.
func TestRoundTrip(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		before := summary(store)
		data, fitted := write(t, codec, store, encodeOptions())
		assert.Equal(t, before, summary(store), "Fit and Encode leave the given store as it is")

		got, err := codec.Decode(data, keystore.DecodeOptions{Password: password})
		require.NoError(t, err)
		assert.Equal(t, summary(fitted), summary(got))
		require.NoError(t, keystore.Compare(fitted, got))
		assert.ElementsMatch(t, fitted.Protection, got.Protection, "how it would be protected was said before")

		again, changes, err := codec.Fit(fitted, encodeOptions())
		require.NoError(t, err)
		assert.Equal(t, summary(fitted), summary(again))
		for _, c := range changes {
			assert.NotEqual(t, keystore.ChangeLost, c.Kind, "fitting twice loses %q", c.Entry)
			assert.NotEqual(t, keystore.ChangeRenamed, c.Kind, "fitting twice renames %q", c.Entry)
		}
	})
}

// Law: every entry of the store is either in what was fitted, or said to be lost, under the name that messages have for it.
func TestNothingIsLostInSilence(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		fitted, changes, err := codec.Fit(store, encodeOptions())
		require.NoError(t, err)
		lost, missing := map[string]int{}, map[string]int{}
		for _, c := range changes {
			assert.NotEmpty(t, c.Why, "%+v", c)
			assert.Equal(t, c.Kind == keystore.ChangeRenamed, c.To != "", "%+v", c)
			if c.Kind == keystore.ChangeLost {
				lost[c.Entry]++
			}
		}
		has := struct{ keys, anchors, certificates, others map[string]int }{
			keysOf(fitted), anchorsOf(fitted.Anchors), certificatesOf(fitted), othersOf(fitted),
		}
		for i := range store.Identities {
			id := &store.Identities[i]
			if id.Key == nil || has.keys[digest(id.Key.PKCS8)] == 0 {
				missing[id.Label()]++
			}
			for _, c := range id.Chain {
				if has.certificates[digest(c.Raw)] == 0 && lost[id.Label()] == 0 { // with its key
					assert.Positive(t, lost[c.Label()], "%s of %q is gone, and that was not said", c.Label(), id.Label())
				}
			}
		}
		for i := range store.Anchors {
			if a := &store.Anchors[i]; has.anchors[digest(a.Certificate.Raw)] == 0 {
				missing[a.Label()]++
			}
		}
		for i := range store.Loose {
			if a := &store.Loose[i]; has.certificates[digest(a.Certificate.Raw)] == 0 {
				missing[a.Label()]++
			}
		}
		for i := range store.Others {
			if o := &store.Others[i]; has.others[string(o.Kind)+digest(o.Raw)] == 0 {
				missing[o.Label()]++
			}
		}
		for entry, n := range missing {
			assert.GreaterOrEqual(t, lost[entry], n, "%q is gone, and that was not said", entry)
		}
	})
}

// Law: the same random bytes give the same file, others another where there is anything secret.
func TestDeterminism(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		one, fitted := write(t, codec, store, encodeOptions())
		two, _ := write(t, codec, store, encodeOptions())
		assert.Equal(t, one, two)
		if len(fitted.Identities) > 0 {
			opts := encodeOptions()
			opts.Random = rand.NewChaCha8([32]byte{8})
			other, _ := write(t, codec, store, opts)
			assert.NotEqual(t, one, other, "the salt is not random")
		}
	})
}

// Law: a wrong password is ErrPassword wherever the password protects anything.
func TestWrongPassword(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, fitted := write(t, codec, store, encodeOptions())
		for _, wrong := range []string{"wrong", "", "pässwörd", "p\xe4ssw\xf6rd"} {
			got, err := codec.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(wrong)})
			if traitsOf[codec.Name()].open && len(fitted.Identities) == 0 {
				require.NoError(t, err, "without keys there is nothing that needs one")
				continue
			}
			assert.Nil(t, got)
			require.ErrorIs(t, err, keystore.ErrPassword)
			assert.NotContains(t, err.Error(), "pässwörd")
		}
	})
}

// Law: without a password there is no error, nothing secret, and nothing claimed that was not checked.
func TestAbsentPassword(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, fitted := write(t, codec, store, encodeOptions())
		got, err := codec.Decode(data, keystore.DecodeOptions{})
		require.NoError(t, err)
		assert.NotEqual(t, keystore.IntegrityVerified, got.Integrity)
		for _, i := range got.Identities {
			assert.Nil(t, i.Key)
			assert.ErrorIs(t, i.Locked, keystore.ErrPassword)
		}
		if codec.Name() != "p12" { // which encrypts the certificates as well
			assert.Len(t, got.Identities, len(fitted.Identities))
			assert.Equal(t, anchorsOf(fitted.Anchors), anchorsOf(got.Anchors))
		}
	})
}

// Law: a file cut off anywhere is one of the kinds of error and no store; text alone may be cut between two blocks.
func TestTruncation(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, _ := write(t, codec, store, encodeOptions())
		step := max(1, len(data)/400) // every offset where the file is short, and the last hundred of any
		for n := 0; n < len(data); n++ {
			if n%step != 0 && n < len(data)-100 {
				continue
			}
			for _, opts := range []keystore.DecodeOptions{{Password: password}, {}} {
				got, err := codec.Decode(data[:n], opts)
				if err == nil && traitsOf[codec.Name()].text {
					continue
				}
				require.Error(t, err, "%d of %d bytes", n, len(data))
				require.Nil(t, got, "%d of %d bytes", n, len(data))
				require.NotNil(t, keystore.KindOf(err), "%d of %d bytes: %v", n, len(data), err)
			}
		}
	})
}

// Law: a bit turned anywhere is a kind of error, or the store is another one or has the very same entries: no panic,
// no error without a kind, and with the password no other entries where the format vouches for the whole.
func TestDamage(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, fitted := write(t, codec, store, encodeOptions())
		step := max(1, len(data)/150)
		for n := 0; n < len(data); n += step {
			damaged := bytes.Clone(data)
			damaged[n] ^= 1 << (n % 8)
			got, err := codec.Decode(damaged, keystore.DecodeOptions{Password: password, Limits: smallLimits})
			if err != nil {
				require.Nil(t, got)
				require.NotNil(t, keystore.KindOf(err), "byte %d: %v", n, err)
				continue
			}
			if got.Integrity == keystore.IntegrityVerified {
				assert.Equal(t, summary(fitted), summary(got), "byte %d", n)
			}
		}
	})
}

// smallLimits keep hostile files cheap.
var smallLimits = keystore.Limits{Iterations: 10_000, ScryptMem: 1 << 20, Entries: 1000, Bytes: 1 << 20}

// Law: bytes that are no file of the format are a kind of error.
func TestRandomBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, codec := range All() {
		t.Run(codec.Name(), func(t *testing.T) {
			seeds := [][]byte{nil, {0}, []byte("\xFE\xED\xFE\xED\x00\x00\x00\x02"), []byte("0\x80"), []byte("-----BEGIN CERTIFICATE-----\n")}
			for n := range 2000 {
				data := append(bytes.Clone(seeds[n%len(seeds)]), make([]byte, random.IntN(300))...)
				for i := len(seeds[n%len(seeds)]); i < len(data); i++ {
					data[i] = byte(random.Uint32())
				}
				got, err := codec.Decode(data, keystore.DecodeOptions{Password: password, Limits: smallLimits})
				require.Error(t, err, "%x", data)
				require.Nil(t, got)
				require.NotNil(t, keystore.KindOf(err), "%x: %v", data, err)
			}
		})
	}
}

// Law: a codec recognises its own files, by the beginning as well, and no other codec does.
func TestDetection(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, _ := write(t, codec, store, encodeOptions())
		for _, part := range [][]byte{data, data[:min(len(data), 64<<10)]} {
			found, format, err := Detect(part)
			require.NoError(t, err)
			assert.Equal(t, codec.Name(), found.Name())
			assert.NotEmpty(t, format)
		}
		for _, other := range All() {
			if other.Name() != codec.Name() {
				assert.False(t, other.Sniff(data), other.Name())
				_, err := other.Decode(data, keystore.DecodeOptions{Password: password})
				if err == nil && other.Name() == "pem" && traitsOf[codec.Name()].open {
					continue // it reads the forms whose files go by the same names as well
				}
				assert.NotNil(t, keystore.KindOf(err))
				assert.False(t, errors.Is(err, keystore.ErrPassword), "a file of another format is not a wrong password")
			}
		}
	})
}

// Law: a failing source of randomness is an error, not a file with a constant salt.
func TestFailingRandom(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		opts := encodeOptions()
		opts.Random = bytes.NewReader([]byte{1, 2, 3})
		fitted, _, err := codec.Fit(store, opts)
		require.NoError(t, err)
		if len(fitted.Identities) == 0 {
			return
		}
		data, err := codec.Encode(fitted, opts)
		assert.Error(t, err)
		assert.Nil(t, data)
	})
}

// summary is all that a codec has to carry of a store, as text that a failing test can show.
func summary(s *keystore.Store) []string {
	var lines []string
	date := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		line := fmt.Sprintf("key %q %s", id.Alias, date(id.Created))
		if id.Key != nil {
			line += " " + digest(id.Key.PKCS8)
		}
		for _, c := range id.Chain {
			line += " " + digest(c.Raw)
		}
		lines = append(lines, line)
	}
	for _, a := range s.Anchors {
		lines = append(lines, fmt.Sprintf("trusted %q %s %s", a.Alias, date(a.Created), digest(a.Certificate.Raw)))
	}
	for _, a := range s.Loose {
		lines = append(lines, fmt.Sprintf("loose %q %s %s", a.Alias, date(a.Created), digest(a.Certificate.Raw)))
	}
	for _, o := range s.Others {
		lines = append(lines, fmt.Sprintf("%s %q %s %s", o.Kind, o.Alias, date(o.Created), digest(o.Raw)))
	}
	return lines
}

// Law: any text is a password, where a format has one: the empty one, one character, spaces at its ends, other scripts,
// beyond the BMP, and very long.
func TestPasswords(t *testing.T) {
	store := storeNamed(t, "one key")
	for _, codec := range All() {
		for _, text := range []string{"", "x", " spaces at its ends ", "пароль", "😀", "nul\x00", strings.Repeat("long €", 1000)} {
			opts := encodeOptions()
			opts.Password = keystore.Secret(text)
			if len(text) == 0 && traitsOf[codec.Name()].open {
				continue // keys are not encrypted under the empty password
			}
			data, fitted := write(t, codec, store, opts)
			got, err := codec.Decode(data, keystore.DecodeOptions{Password: opts.Password})
			require.NoError(t, err, "%s under %q", codec.Name(), text)
			assert.Equal(t, summary(fitted), summary(got), "%s under %q", codec.Name(), text)
		}
	}
}

// Law: what follows the end of a binary file is passed over, as other programs do, and said.
func TestTrailingBytes(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, fitted := write(t, codec, store, encodeOptions())
		if codec.Name() == "pem" || bytes.Contains(data, pemMark) {
			return // text has no end
		}
		got, err := codec.Decode(append(bytes.Clone(data), 0, 1, 2), keystore.DecodeOptions{Password: password})
		require.NoError(t, err)
		assert.Equal(t, summary(fitted), summary(got))
		assert.True(t, slices.ContainsFunc(got.Problems, func(p keystore.Problem) bool { return p.Code == "trailing-bytes" }), "%+v", got.Problems)
	})
}
