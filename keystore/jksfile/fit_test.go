package jksfile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// Every name that an entry can ask for, in a row: what it gets, and what is said of it.
func TestAliases(t *testing.T) {
	long := strings.Repeat("ä", 3000)
	asked := []string{"server", "", "SERVER", "2", "Server-2", "", "a\xffb", long, long, "ΟΔΟΣ", "1"}
	want := []string{
		"server", "3", "server-3", "2", "server-2", "4", "a\uFFFDb", strings.Repeat("ä", 2048), strings.Repeat("ä", 2047) + "-2", "οδος", "1",
	}
	n := keystore.NewNamer(nameRules, asked)
	_, certificate := member(t, mint.CA(t, "subject", "ec"))
	var got []string
	for _, name := range asked {
		got = append(got, n.Name(name, &keystore.Anchor{Alias: name, Certificate: certificate}))
	}
	assert.Equal(t, want, got)
	for _, c := range n.Changes() {
		assert.Equal(t, keystore.ChangeRenamed, c.Kind)
		assert.NotEmpty(t, c.Why)
	}
	assert.Equal(t, "CN=subject", n.Changes()[0].Entry)
	assert.Len(t, n.Changes(), 8)
}

// What JKS cannot carry is lost by name, and a loose certificate is never made a trusted one to save it.
func TestFitSaysWhatIsLost(t *testing.T) {
	store := mixedStore(t)
	loose := store.Anchors[0]
	store.Loose = []keystore.Anchor{{Certificate: loose.Certificate}}
	store.Others = []keystore.Other{{Alias: "req", Kind: keystore.KindRequest}}
	bare := store.Identities[0]
	bare.Alias, bare.Chain = "bare", nil
	locked := keystore.Identity{Alias: "locked", Locked: keystore.ErrPassword, Chain: store.Identities[0].Chain}
	store.Identities = append(store.Identities, bare, locked)
	fitted, changes, err := Codec{}.Fit(store, keystore.EncodeOptions{})
	require.NoError(t, err)
	assert.Len(t, fitted.Identities, 2)
	assert.Len(t, fitted.Anchors, 1)
	lost := map[string]string{}
	for _, c := range changes {
		require.Equal(t, keystore.ChangeLost, c.Kind)
		lost[c.Entry] = c.Why
	}
	assert.Len(t, lost, 4)
	assert.Contains(t, lost["bare"], "certificate")
	assert.Contains(t, lost["locked"], "password")
	assert.Contains(t, lost["req"], "request")
	assert.Contains(t, lost["CN=Test CA"], "trusted")
}

func TestDates(t *testing.T) {
	store := mixedStore(t)
	store.Identities[0].Created = mint.Day.Add(999 * time.Microsecond).In(time.FixedZone("x", 3600))
	store.Identities[1].Created = time.Time{}
	now := mint.Day.Add(time.Minute)
	fitted, _, err := Codec{}.Fit(store, keystore.EncodeOptions{Now: now})
	require.NoError(t, err)
	assert.Equal(t, mint.Day, fitted.Identities[0].Created, "to the millisecond, in UTC")
	assert.Equal(t, now, fitted.Identities[1].Created)
	fitted, _, err = Codec{}.Fit(store, keystore.EncodeOptions{})
	require.NoError(t, err)
	assert.True(t, fitted.Identities[1].Created.IsZero())
	got, err := Codec{}.Decode(encodeStore(t, fitted, nil), keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	require.NoError(t, err)
	requireSame(t, fitted, got)
}

// What Fit did not return is not written: Encode fails rather than change anything, and reading back finds the rest.
func TestEncodeRefuses(t *testing.T) {
	options := keystore.EncodeOptions{Password: keystore.Secret("changeit"), Random: fixedRandom()}
	for name, change := range map[string]func(*keystore.Store, *keystore.EncodeOptions){
		"no password":            func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Password = nil },
		"a password of bytes":    func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Password = keystore.Secret("\xff") },
		"a profile":              func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Profile = "modern" },
		"loose certificates":     func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Loose = s.Anchors },
		"other entries":          func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Others = make([]keystore.Other, 1) },
		"a key without a chain":  func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Identities[0].Chain = nil },
		"a locked key":           func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Identities[0].Key = nil },
		"a date of nanoseconds":  func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Anchors[0].Created = mint.Day.Add(1) },
		"a name that is no text": func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Anchors[0].Alias = "\xff" },
		"a certificate that is none": func(s *keystore.Store, _ *keystore.EncodeOptions) {
			s.Anchors[0].Certificate = keystore.Certificate{Raw: []byte("none")}
		},
	} {
		store, opts := mixedStore(t), options
		change(store, &opts)
		data, err := keystore.Build(Codec{}, store, opts)
		assert.Error(t, err, name)
		assert.Nil(t, data, name)
	}
}
