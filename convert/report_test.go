package convert_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
)

// TestEveryRenameHasItsReasons: an entry that is renamed for several reasons has them all, and says what it was called
// at first; entries that swap names are not taken for one another.
func TestEveryRenameHasItsReasons(t *testing.T) {
	a, b, c, d := issue(t, "a", nil, true), issue(t, "b", nil, true), issue(t, "c", nil, true), issue(t, "d", nil, true)
	s := keystore.Store{Anchors: []keystore.Anchor{a.anchor("One"), b.anchor("two"), c.anchor(""), d.anchor("Two")}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: jksfile.Codec{}, Rename: renames(t, "one=Two-2")})
	require.NoError(t, err)
	for i, want := range []convert.Entry{
		{Name: "two-2", Was: "One", Reasons: []keystore.RenameReason{keystore.RenameAsked, keystore.RenameCase}},
		{Name: "two"},
		{Name: "1", Was: "CN=c", Reasons: []keystore.RenameReason{keystore.RenameMissing}},
		{Name: "two-3", Was: "Two", Reasons: []keystore.RenameReason{keystore.RenameDuplicate}},
	} {
		got := plan.Entries[i]
		assert.Equal(t, want.Name, got.Name)
		assert.Equal(t, want.Was, got.Was)
		assert.Equal(t, want.Reasons, got.Reasons)
		assert.Equal(t, got.Renamed(), got.Why != "", got.Why)
	}
	assert.Equal(t, []string{"two"}, plan.Kept())
}

// TestReencrypted: every part that is protected in another way than before says from what to what; others say nothing.
func TestReencrypted(t *testing.T) {
	a, b, bare := issue(t, "a", nil, false), issue(t, "b", nil, false), issue(t, "bare", nil, false)
	old := keystore.Protection{Part: "key", Alias: "A", Algorithm: "RC2", Iterations: 1}
	same := keystore.Protection{Part: "key", Alias: "b", Algorithm: "AES", Iterations: 7}
	mac := keystore.Protection{Part: "mac", Algorithm: "HMAC"}
	sources := []convert.Source{
		source("one", plain, keystore.Store{
			Identities: []keystore.Identity{a.identity(t, "A"), b.identity(t, "b")},
			Protection: []keystore.Protection{mac, old, same},
		}),
		source("two", text, keystore.Store{Identities: []keystore.Identity{bare.identity(t, "bare")}}),
	}
	target := fake{name: "java", lower: true, keys: "AES"}
	plan, err := convert.NewPlan(sources, convert.Recipe{Target: target})
	require.NoError(t, err)
	to := func(alias string) keystore.Protection {
		return keystore.Protection{Part: "key", Alias: alias, Algorithm: "AES", Iterations: 7}
	}
	assert.Equal(t, []convert.Reencryption{
		{Source: "one", Part: "key", Entry: "a", From: old, To: to("a")},
		{Source: "two", Part: "key", Entry: "bare", From: keystore.Protection{Part: "key", Alias: "bare", Algorithm: convert.Unprotected}, To: to("bare")},
		{Source: "one", Part: "mac", From: mac, To: keystore.Protection{Part: "mac", Algorithm: convert.Unprotected}},
	}, plan.Reencrypted)
}

// TestWhatDecodersFoundIsPartOfThePlan: entries that could not even be read are lost, keys that the decoder paired by
// public key are re-paired, and what is odd is noted; but what the selection left out is nobody's concern.
func TestWhatDecodersFoundIsPartOfThePlan(t *testing.T) {
	a, b := issue(t, "a", nil, false), issue(t, "b", nil, false)
	s := keystore.Store{
		Identities: []keystore.Identity{a.identity(t, "a"), b.identity(t, "b")},
		Integrity:  keystore.IntegrityUnchecked,
		Problems: []keystore.Problem{
			{Code: "unknown-bag", Severity: "warning", Entry: "", Text: "an entry of the unknown kind 1.2.3"},
			{Code: "key-leaf-mismatch", Severity: "warning", Entry: "a", Text: "paired by its public key"},
			{Code: "odd-date", Severity: "notice", Entry: "b", Text: "no date"},
			{Code: "unknown-attribute", Severity: "notice", Text: "1 entries carry an attribute"},
			{Code: "mixed-case-alias", Severity: "warning", Entry: "b", Text: "not in lower case"},
		},
	}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.ErrorIs(t, plan.Refusal(), convert.ErrLoss)
	assert.Equal(t, []convert.Note{{"in", "an entry of the unknown kind 1.2.3"}}, plan.Lost)
	assert.Equal(t, []convert.Pairing{{Entry: "a", Certificate: "CN=a,O=Works", Why: "paired by its public key"}}, plan.Paired)
	assert.Equal(t, []convert.Note{
		{"in", "read without its password: its integrity was not checked"}, {"b", "no date"}, {"in", "1 entries carry an attribute"},
	}, plan.Noted)

	plan, err = convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: plain, Only: only(t, "a")})
	require.NoError(t, err)
	assert.NoError(t, plan.Refusal())
	assert.Len(t, plan.Noted, 2, "b is not there")
}

// TestKeyPasswordsAreForKeysThatAreThere: in whatever case they are named, and a slip is an error.
func TestKeyPasswordsAreForKeysThatAreThere(t *testing.T) {
	a := issue(t, "a", nil, false)
	s := []convert.Source{source("in", plain, keystore.Store{Identities: []keystore.Identity{a.identity(t, "Dev")}})}
	options := func(alias string) keystore.EncodeOptions {
		return keystore.EncodeOptions{
			Password: keystore.Secret("store"), KeyPasswords: map[string]keystore.Secret{alias: keystore.Secret("own")}, Random: zeros{},
		}
	}
	plan, err := convert.NewPlan(s, convert.Recipe{Target: jksfile.Codec{}, Options: options("DEV")})
	require.NoError(t, err)
	data, err := plan.Build()
	require.NoError(t, err)
	got, err := jksfile.Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("store")})
	require.NoError(t, err)
	assert.Error(t, got.Identities[0].Locked, "the store's password opens the key")
	got, err = jksfile.Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("store"), KeyPasswords: map[string]keystore.Secret{"dev": keystore.Secret("own")}})
	require.NoError(t, err)
	assert.NoError(t, got.Identities[0].Locked)

	_, err = convert.NewPlan(s, convert.Recipe{Target: jksfile.Codec{}, Options: options("other")})
	assert.ErrorIs(t, err, convert.ErrNotFound)
}

// zeros is randomness for a test that does not look at it.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
