package convert_test

import (
	"crypto/x509"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

var (
	plain = fake{name: "plain"}                              // carries everything
	java  = fake{name: "java", lower: true, noLoose: true}   // as JKS
	text  = fake{name: "text", noTrust: true}                // as PEM
	other = fake{name: "other", lower: false, noLoose: true} // renames nothing
)

// source wraps a store as if the codec had read it.
func source(name string, codec fake, s keystore.Store) convert.Source {
	return convert.Source{Name: name, Format: codec.name, Store: &s}
}

// names lists the subjects of a chain.
func names(chain []keystore.Certificate) []string {
	var list []string
	for _, c := range chain {
		list = append(list, c.X509.Subject.CommonName)
	}
	return list
}

func only(t *testing.T, texts ...string) []convert.Selector {
	t.Helper()
	var list []convert.Selector
	for _, text := range texts {
		s, err := convert.ParseSelector(text)
		require.NoError(t, err)
		list = append(list, s)
	}
	return list
}

func renames(t *testing.T, texts ...string) []convert.Rename {
	t.Helper()
	var list []convert.Rename
	for _, text := range texts {
		r, err := convert.ParseRename(text)
		require.NoError(t, err)
		list = append(list, r)
	}
	return list
}

func TestPlanKeepsRenamesAndLoses(t *testing.T) {
	root := issue(t, "root", nil, true)
	server, client := issue(t, "server", root, false), issue(t, "client", root, false)
	s := source("in", plain, keystore.Store{
		Identities: []keystore.Identity{server.identity(t, "Server"), client.identity(t, "client")},
		Anchors:    []keystore.Anchor{root.anchor("root")},
		Loose:      []keystore.Anchor{issue(t, "stranger", nil, true).anchor("")},
	})
	plan, err := convert.NewPlan([]convert.Source{s}, convert.Recipe{Target: java})
	require.NoError(t, err)
	assert.Equal(t, []string{"client", "root"}, plan.Kept())
	assert.Equal(t, []convert.Note{{Entry: "CN=stranger", Text: "no place"}}, plan.Lost)
	assert.Equal(t, "Server", plan.Entries[0].Was)
	assert.Equal(t, []keystore.RenameReason{keystore.RenameCase}, plan.Entries[0].Reasons)
	assert.ErrorIs(t, plan.Refusal(), convert.ErrLoss)
	assert.ErrorContains(t, plan.Refusal(), `"CN=stranger": no place`)
	assert.Equal(t, "Server", s.Store.Identities[0].Alias, "the source's own store was changed")
	data, err := plan.Build()
	require.NoError(t, err)
	back, err := java.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.NoError(t, keystore.Compare(plan.Store(), back))
}

// TestPlanOrdersChains: the trap that the source's step 10 works round. With the CA's certificate before the client's,
// the first certificate of a PEM file is not the key's.
func TestPlanOrdersChains(t *testing.T) {
	root := issue(t, "root", nil, true)
	inter := issue(t, "inter", root, true)
	leaf := issue(t, "leaf", inter, false)
	want := []string{"leaf", "inter", "root"}
	key := leaf.private(t)
	loose := func(parties ...*party) (list []keystore.Anchor) {
		for _, p := range parties {
			list = append(list, p.anchor(""))
		}
		return list
	}
	for _, tc := range []struct {
		name  string
		store keystore.Store
		want  []string
	}{
		{"in order", keystore.Store{Identities: []keystore.Identity{leaf.identity(t, "a")}}, want},
		{"backwards", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key,
			Chain: []keystore.Certificate{root.cert, inter.cert, leaf.cert}}}}, want},
		{"leaf in the middle", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key,
			Chain: []keystore.Certificate{inter.cert, leaf.cert, root.cert}}}}, want},
		{"leaf twice", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key,
			Chain: []keystore.Certificate{leaf.cert, leaf.cert, inter.cert}}}, Loose: loose(root)}, want},
		{"the CA as the key's certificate, the leaf beside it", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key,
			Chain: []keystore.Certificate{root.cert}}}, Loose: loose(inter, leaf)}, want},
		{"bare key, CA first", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key}}, Loose: loose(root, inter, leaf)}, want},
		{"intermediate among the trusted", keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key,
			Chain: []keystore.Certificate{leaf.cert}}}, Anchors: []keystore.Anchor{inter.anchor("i"), root.anchor("r")}}, []string{"leaf", "inter"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, tc.store)}, convert.Recipe{Target: plain})
			require.NoError(t, err)
			require.Len(t, plan.Store().Identities, 1)
			assert.Equal(t, tc.want, names(plan.Store().Identities[0].Chain))
			assert.Empty(t, plan.Store().Loose)
			assert.Len(t, plan.Store().Anchors, len(tc.store.Anchors))
		})
	}
}

func TestPlanSaysThatAChainIsIncomplete(t *testing.T) {
	root := issue(t, "root", nil, true)
	leaf := issue(t, "leaf", root, false)
	id := keystore.Identity{Alias: "a", Key: leaf.private(t), Chain: []keystore.Certificate{leaf.cert}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, keystore.Store{Identities: []keystore.Identity{id}})}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	require.Len(t, plan.Noted, 1)
	assert.Contains(t, plan.Noted[0].Text, "CN=root, was not given")

	trusting := keystore.Store{Identities: []keystore.Identity{id}, Anchors: []keystore.Anchor{root.anchor("r")}}
	plan, err = convert.NewPlan([]convert.Source{source("in", plain, trusting)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Empty(t, plan.Noted, "the root is in the store")

	added := convert.Trust{Source: source("root.pem", plain, keystore.Store{Anchors: []keystore.Anchor{root.anchor("r")}})}
	plan, err = convert.NewPlan([]convert.Source{source("in", plain, keystore.Store{Identities: []keystore.Identity{id}})},
		convert.Recipe{Target: plain, Trust: []convert.Trust{added}})
	require.NoError(t, err)
	assert.Equal(t, []convert.Note{{Entry: "r", Text: "added as a trusted entry"}}, plan.Noted, "its issuer is trusted now")
}

// A key that works nowhere is not carried on, unless it is left out.
func TestPlanRefusesDamagedKeys(t *testing.T) {
	root := issue(t, "root", nil, true)
	leaf, other := issue(t, "leaf", root, false), issue(t, "other", root, false)
	der, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	require.NoError(t, err)
	der[len(der)-80] ^= 1 // of the number; the public key beside it is another's now
	damaged, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	store := keystore.Store{Identities: []keystore.Identity{{Alias: "leaf", Key: damaged, Chain: leaf.chain()}, other.identity(t, "other")}}
	_, err = convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain})
	require.ErrorIs(t, err, keystore.ErrFormat)
	assert.ErrorContains(t, err, `entry "leaf": the private key is damaged`)
	without, err := convert.ParseSelector("leaf")
	require.NoError(t, err)
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain, Remove: []convert.Selector{without}})
	require.NoError(t, err)
	assert.Len(t, plan.Store().Identities, 1)
}

// TestPlanPairsByPublicKey: two keys whose certificates were swapped, as ids in a PKCS12 can have them.
func TestPlanPairsByPublicKey(t *testing.T) {
	root := issue(t, "root", nil, true)
	a, b := issue(t, "a", root, false), issue(t, "b", root, false)
	swapped := keystore.Store{Identities: []keystore.Identity{
		{Alias: "a", Key: a.private(t), Chain: b.chain()},
		{Alias: "b", Key: b.private(t), Chain: a.chain()},
	}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, swapped)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "root"}, names(plan.Store().Identities[0].Chain))
	assert.Equal(t, []string{"b", "root"}, names(plan.Store().Identities[1].Chain))
	assert.Empty(t, plan.Store().Loose)
	assert.Equal(t, []convert.Pairing{
		{Entry: "a", Certificate: "CN=a,O=Works", Instead: "CN=b,O=Works", Why: "the file had it with the certificate of another key"},
		{Entry: "b", Certificate: "CN=b,O=Works", Instead: "CN=a,O=Works", Why: "the file had it with the certificate of another key"},
	}, plan.Paired)
}

// TestPlanMerges makes the combined store that a broker's listener needs of its three PEM files.
func TestPlanMerges(t *testing.T) {
	root, clients := issue(t, "root", nil, true), issue(t, "clients", nil, true)
	inter := issue(t, "inter", root, true)
	server := issue(t, "server", inter, false)
	sources := []convert.Source{
		source("server.key", text, keystore.Store{Identities: []keystore.Identity{{Key: server.private(t)}}}),
		source("server.crt", text, assumed(server, inter)),
		source("ca.crt", text, assumed(root)),
	}
	trust := convert.Trust{Source: source("some/clients.crt", text, keystore.Store{Anchors: []keystore.Anchor{clients.anchor("")}})}
	plan, err := convert.NewPlan(sources, convert.Recipe{Target: java, Trust: []convert.Trust{trust}, Alias: "broker"})
	require.NoError(t, err)
	require.NoError(t, plan.Refusal())
	assert.Equal(t, []string{"server", "inter"}, names(plan.Store().Identities[0].Chain))
	assert.Equal(t, "broker", plan.Store().Identities[0].Alias)
	var trusted []keystore.Certificate
	for _, a := range plan.Store().Anchors {
		trusted = append(trusted, a.Certificate)
	}
	assert.Equal(t, []string{"root", "clients"}, names(trusted), "what is in the chain is not trusted by that alone")
	assert.Equal(t, "clients", plan.Store().Anchors[1].Alias)
}

// TestPlanMergesASelfSignedPair: the certificate of a file of its own becomes the key's, and is not trusted by that.
func TestPlanMergesASelfSignedPair(t *testing.T) {
	self := issue(t, "self", nil, false)
	plan, err := convert.NewPlan([]convert.Source{
		source("a.crt", text, assumed(self)),
		source("a.key", text, keystore.Store{Identities: []keystore.Identity{{Key: self.private(t)}}}),
	}, convert.Recipe{Target: java})
	require.NoError(t, err)
	assert.Len(t, plan.Store().Identities[0].Chain, 1)
	assert.Empty(t, plan.Store().Anchors)
}

// TestPlanKeepsTrustThatWasMarked: a trust store's CA stays trusted though it is also an issuer in a key's chain.
func TestPlanKeepsTrustThatWasMarked(t *testing.T) {
	root := issue(t, "root", nil, true)
	inter := issue(t, "inter", root, true)
	server := issue(t, "server", inter, false)
	id := keystore.Identity{Alias: "s", Key: server.private(t), Chain: []keystore.Certificate{server.cert}}
	plan, err := convert.NewPlan([]convert.Source{
		source("s.p12", plain, keystore.Store{Identities: []keystore.Identity{id}}),
		source("trust.jks", java, keystore.Store{Anchors: []keystore.Anchor{inter.anchor("issuing")}}),
	}, convert.Recipe{Target: java})
	require.NoError(t, err)
	assert.Equal(t, []string{"server", "inter"}, names(plan.Store().Identities[0].Chain))
	require.Len(t, plan.Store().Anchors, 1)
}

func TestPlanMergesTheSameKeyOnce(t *testing.T) {
	root := issue(t, "root", nil, true)
	a := issue(t, "a", root, false)
	sources := []convert.Source{
		source("a.key", text, keystore.Store{Identities: []keystore.Identity{{Key: a.private(t)}}}),
		source("a.p12", plain, keystore.Store{Identities: []keystore.Identity{a.identity(t, "a")}, Anchors: []keystore.Anchor{root.anchor("r")}}),
		source("b.p12", plain, keystore.Store{Anchors: []keystore.Anchor{root.anchor("r"), root.anchor("again")}}),
	}
	plan, err := convert.NewPlan(sources, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "r", "again"}, plan.Kept())
	assert.Len(t, plan.Store().Identities[0].Chain, 2)
}

func TestPlanPromotesATrustStore(t *testing.T) {
	ca := keystore.Store{Loose: []keystore.Anchor{issue(t, "ca", nil, true).anchor("")}}
	for _, tc := range []struct {
		name     string
		from, to fake
		trusted  int
	}{
		{"text to java", text, java, 1},
		{"text to text", text, text, 0},
		{"within one format its own marks stand", plain, plain, 0},
		{"a format without trusted entries", plain, text, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", tc.from, ca)}, convert.Recipe{Target: tc.to})
			require.NoError(t, err)
			require.NoError(t, plan.Refusal())
			assert.Len(t, plan.Store().Anchors, tc.trusted)
			assert.Len(t, plan.Entries, 1)
		})
	}
	withKey := ca
	withKey.Identities = []keystore.Identity{issue(t, "a", nil, false).identity(t, "a")}
	plan, err := convert.NewPlan([]convert.Source{source("in", text, withKey)}, convert.Recipe{Target: java})
	require.NoError(t, err)
	assert.ErrorIs(t, plan.Refusal(), convert.ErrLoss, "beside a key nobody said that the certificate is trusted")
}

func TestPlanTrust(t *testing.T) {
	root, more, self := issue(t, "root", nil, true), issue(t, "more", nil, true), issue(t, "self", nil, false)
	server := issue(t, "server", root, false)
	store := keystore.Store{Identities: []keystore.Identity{server.identity(t, "server")}, Anchors: []keystore.Anchor{root.anchor("root")}}
	file := func(name string, s keystore.Store, alias string) convert.Trust {
		return convert.Trust{Source: source(name, text, s), Alias: alias}
	}
	pair := keystore.Store{Loose: []keystore.Anchor{root.anchor(""), more.anchor("")}}
	for _, tc := range []struct {
		name  string
		trust convert.Trust
		want  []string
	}{
		{"named as the file", file("dir/partner.ca.pem", keystore.Store{Loose: []keystore.Anchor{more.anchor("")}}, ""), []string{"root", "partner.ca"}},
		{"named as on Windows", file(`C:\dir\partner.pem`, keystore.Store{Loose: []keystore.Anchor{more.anchor("")}}, ""), []string{"root", "partner"}},
		{"named as in the file", file("f.p12", keystore.Store{Anchors: []keystore.Anchor{more.anchor("own")}}, ""), []string{"root", "own"}},
		{"named as asked for", file("f.p12", keystore.Store{Anchors: []keystore.Anchor{more.anchor("own")}}, "mine"), []string{"root", "mine"}},
		{"what is trusted already is not added", file("two.pem", pair, ""), []string{"root", "two-2"}},
		{"the leaf of a file with a key", file("self.pem", keystore.Store{Identities: []keystore.Identity{self.identity(t, "")}}, ""), []string{"root", "self"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain, Trust: []convert.Trust{tc.trust}})
			require.NoError(t, err)
			var got []string
			for _, a := range plan.Store().Anchors {
				got = append(got, a.Alias)
			}
			assert.Equal(t, tc.want, got)
		})
	}
	_, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain, Trust: []convert.Trust{file("x", keystore.Store{}, "")}})
	assert.ErrorIs(t, err, convert.ErrNothingToTrust)
}

// TestPlanTrustsAFileWithAKey: all its certificates, unless it says itself which are trusted.
func TestPlanTrustsAFileWithAKey(t *testing.T) {
	root, other := issue(t, "root", nil, true), issue(t, "other", nil, true)
	inter := issue(t, "inter", root, true)
	server := issue(t, "server", inter, false)
	store := source("in", plain, keystore.Store{Identities: []keystore.Identity{issue(t, "own", nil, false).identity(t, "own")}})
	for _, tc := range []struct {
		name string
		file keystore.Store
		want []string
	}{
		{"a key with its chain", keystore.Store{Identities: []keystore.Identity{server.identity(t, "srv")}}, []string{"srv", "f-2", "f-3"}},
		{"and another certificate", keystore.Store{Identities: []keystore.Identity{server.identity(t, "")}, Loose: []keystore.Anchor{other.anchor("")}},
			[]string{"f-1", "f-2", "f-3", "f-4"}},
		{"with marks", keystore.Store{Identities: []keystore.Identity{server.identity(t, "srv")}, Anchors: []keystore.Anchor{root.anchor("r")}}, []string{"r"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trust := convert.Trust{Source: source("f.pem", text, tc.file)}
			plan, err := convert.NewPlan([]convert.Source{store}, convert.Recipe{Target: plain, Trust: []convert.Trust{trust}})
			require.NoError(t, err)
			var got []string
			for _, a := range plan.Store().Anchors {
				got = append(got, a.Alias)
			}
			assert.Equal(t, tc.want, got)
			note := convert.Note{Entry: "f.pem", Text: "it marks what is trusted; the other certificates of its keys, 2, were not added"}
			if tc.name == "with marks" {
				assert.Contains(t, plan.Noted, note)
			} else {
				assert.NotContains(t, plan.Noted, note)
			}
		})
	}
}

func TestPlanLockedKeys(t *testing.T) {
	open, shut := issue(t, "open", nil, false), issue(t, "shut", nil, false)
	locked := shut.identity(t, "shut")
	locked.Key, locked.Locked = nil, fmt.Errorf("its own password: %w", keystore.ErrPassword)
	s := []convert.Source{source("in.p12", plain, keystore.Store{Identities: []keystore.Identity{open.identity(t, "open"), locked}})}

	_, err := convert.NewPlan(s, convert.Recipe{Target: plain})
	var which *convert.LockedError
	require.ErrorAs(t, err, &which)
	assert.Equal(t, "in.p12", which.Source)
	assert.Equal(t, "shut", which.Entry)
	assert.ErrorIs(t, err, keystore.ErrPassword)
	assert.EqualError(t, err, `converting "in.p12": entry "shut": its own password: wrong password`)

	plan, err := convert.NewPlan(s, convert.Recipe{Target: plain, Only: only(t, "open")})
	require.NoError(t, err, "a locked key that nobody asked for is in the way")
	assert.Equal(t, []string{"shut"}, plan.LeftOut)
}

func TestPlanFailures(t *testing.T) {
	a, b := issue(t, "a", nil, false), issue(t, "b", nil, false)
	two := keystore.Store{Identities: []keystore.Identity{a.identity(t, "a"), b.identity(t, "b")}}
	for _, tc := range []struct {
		name   string
		store  keystore.Store
		recipe convert.Recipe
		want   error
	}{
		{"nothing there", keystore.Store{}, convert.Recipe{}, convert.ErrEmpty},
		{"everything removed", two, convert.Recipe{Remove: only(t, "type=key")}, convert.ErrEmpty},
		{"no such entry", two, convert.Recipe{Only: only(t, "a", "c")}, convert.ErrNotFound},
		{"no such entry to remove", two, convert.Recipe{Remove: only(t, "c")}, convert.ErrNotFound},
		{"no such entry to rename", two, convert.Recipe{Rename: renames(t, "c=d")}, convert.ErrNotFound},
		{"one alias for two keys", two, convert.Recipe{Alias: "c"}, convert.ErrAmbiguous},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.recipe.Target = plain
			_, err := convert.NewPlan([]convert.Source{source("in", plain, tc.store)}, tc.recipe)
			assert.ErrorIs(t, err, tc.want)
		})
	}
}

func TestRefusalCountsLosses(t *testing.T) {
	s := keystore.Store{Identities: []keystore.Identity{issue(t, "a", nil, false).identity(t, "a")}}
	for range 3 {
		s.Loose = append(s.Loose, issue(t, "x", nil, false).anchor(""))
	}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: other})
	require.NoError(t, err)
	assert.ErrorContains(t, plan.Refusal(), "(and 2 more)")
}

// TestPlanIsLinear: a store of many keys without certificates beside as many certificates is planned without comparing
// each with each. It would not end within the test's time if it were.
func TestPlanIsLinear(t *testing.T) {
	const many = 50_000
	leaf := issue(t, "leaf", nil, false)
	key := leaf.private(t)
	var s keystore.Store
	for i := range many {
		own := *key
		own.PKCS8 = append(append(keystore.Secret(nil), key.PKCS8...), byte(i), byte(i>>8), byte(i>>16)) // each its own bytes
		s.Identities = append(s.Identities, keystore.Identity{Key: &own})
		c := leaf.cert
		c.Raw = append(append([]byte(nil), c.Raw...), byte(i), byte(i>>8), byte(i>>16))
		s.Loose = append(s.Loose, keystore.Anchor{Alias: fmt.Sprint(i), Certificate: c})
	}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Len(t, plan.Store().Identities, many)
}
