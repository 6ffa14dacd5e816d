package convert_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

// entryNames lists what the entries of a plan are called.
func entryNames(p *convert.Plan) (list []string) {
	for _, e := range p.Entries {
		list = append(list, e.Name)
	}
	return list
}

func TestRename(t *testing.T) {
	root := issue(t, "root", nil, true)
	store := keystore.Store{
		Identities: []keystore.Identity{root.identity(t, "srvalias")},
		Anchors:    []keystore.Anchor{root.anchor("srvca"), issue(t, "x", nil, true).anchor("other")},
	}
	for _, tc := range []struct {
		name   string
		rename []string
		want   []string
	}{
		{"one", []string{"other=partner"}, []string{"srvalias", "srvca", "partner"}},
		{"in any case", []string{"OTHER=Partner"}, []string{"srvalias", "srvca", "Partner"}},
		{"another case alone", []string{"other=Other"}, []string{"srvalias", "srvca", "Other"}},
		{"a pattern", []string{"srv*=mqtt-*"}, []string{"mqtt-alias", "mqtt-ca", "other"}},
		{"a pattern that drops what matched", []string{"srvc*=ca"}, []string{"srvalias", "ca", "other"}},
		{"all at once", []string{"other=srvx", "srv*=*"}, []string{"alias", "ca", "srvx"}},
		{"the first that fits", []string{"srvca=plant", "srv*=*"}, []string{"alias", "plant", "other"}},
		{"two swap their names", []string{"other=srvca", "srvca=other"}, []string{"srvalias", "other", "srvca"}},
		{"a name that becomes free", []string{"srvca=other", "other=third"}, []string{"srvalias", "other", "third"}},
		{"an equal sign in the new name", []string{"other=CN=other"}, []string{"srvalias", "srvca", "CN=other"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain, Rename: renames(t, tc.rename...)})
			require.NoError(t, err)
			assert.Equal(t, tc.want, entryNames(plan))
			for _, e := range plan.Entries {
				assert.Equal(t, e.Renamed(), e.Why == "asked for", e.Name)
			}
		})
	}
	for _, tc := range []struct {
		name   string
		recipe convert.Recipe
		want   string
	}{
		{"another entry keeps the name", convert.Recipe{Rename: renames(t, "other=srvca")},
			`renaming "other" to "srvca": another entry has that name, and keeps it: "srvca"`},
		{"in another case", convert.Recipe{Rename: renames(t, "srvalias=OTHER")},
			`renaming "srvalias" to "OTHER": another entry has that name, and keeps it: "other"`},
		{"two get one name", convert.Recipe{Rename: renames(t, "srv*=x")}, `renaming "srvalias" and "srvca" to "x": another entry has that name`},
		{"the one alias", convert.Recipe{Alias: "other"}, `renaming "srvalias" to "other": another entry has that name, and keeps it: "other"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.recipe.Target = plain
			_, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, tc.recipe)
			require.ErrorIs(t, err, convert.ErrTaken)
			assert.EqualError(t, err, tc.want)
		})
	}
	for _, text := range []string{"", "a", "a=", "=b", "=", "==", "a**=b", "a=b*", "a*=b**"} {
		_, err := convert.ParseRename(text)
		assert.ErrorIs(t, err, convert.ErrSelector, text)
	}
}

// TestRenameTwins: entries that had one name already, as those of two files, are told apart by the format.
func TestRenameTwins(t *testing.T) {
	a, b := issue(t, "a", nil, false), issue(t, "b", nil, false)
	sources := []convert.Source{
		source("a", plain, keystore.Store{Identities: []keystore.Identity{a.identity(t, "client")}}),
		source("b", plain, keystore.Store{Identities: []keystore.Identity{b.identity(t, "Client")}}),
	}
	plan, err := convert.NewPlan(sources, convert.Recipe{Target: plain, Rename: renames(t, "client=device")})
	require.NoError(t, err)
	assert.Equal(t, []string{"device", "device"}, entryNames(plan))
}

// TestRenameWithEqualSigns: an alias may have them, and OLD ends where there is an entry of its name.
func TestRenameWithEqualSigns(t *testing.T) {
	named := func(names ...string) convert.Source {
		var s keystore.Store
		for _, name := range names {
			s.Anchors = append(s.Anchors, issue(t, "ca", nil, true).anchor(name))
		}
		return source("in", plain, s)
	}
	for _, tc := range []struct {
		aliases []string
		rename  string
		want    []string
	}{
		{[]string{"a", "b"}, "a=b=c", []string{"b=c", "b"}},
		{[]string{"a=b", "b"}, "a=b=c", []string{"c", "b"}},
		{[]string{"CN=a,O=b"}, "CN=*,O=b=*", []string{"a"}},
		{[]string{"a", "a=b"}, "a=*=c", []string{"a", "c"}},
		{[]string{"a="}, "a==b", []string{"b"}},
	} {
		plan, err := convert.NewPlan([]convert.Source{named(tc.aliases...)}, convert.Recipe{Target: plain, Rename: renames(t, tc.rename)})
		require.NoError(t, err, tc.rename)
		assert.Equal(t, tc.want, entryNames(plan), tc.rename)
	}
	_, err := convert.NewPlan([]convert.Source{named("a", "a=b")}, convert.Recipe{Target: plain, Rename: renames(t, "a=b=c")})
	require.ErrorIs(t, err, convert.ErrSelector)
	assert.ErrorContains(t, err, `"a=b=c" may mean the entry "a" or "a=b"`)
	_, err = convert.NewPlan([]convert.Source{named("x")}, convert.Recipe{Target: plain, Rename: renames(t, "a=b=c")})
	assert.ErrorIs(t, err, convert.ErrNotFound)
}
