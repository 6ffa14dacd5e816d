package convert_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
)

// assumed is what a file of certificates alone holds that marks none of them, such as PEM.
func assumed(parties ...*party) keystore.Store {
	var s keystore.Store
	for _, p := range parties {
		s.Anchors = append(s.Anchors, keystore.Anchor{Certificate: p.cert, Assumed: true})
	}
	return s
}

// TestPlanPrefersTheSignedLeaf: a key with its old self-signed certificate and the CA's replies, wherever they lie. The
// best is the newest that the CA signed.
func TestPlanPrefersTheSignedLeaf(t *testing.T) {
	root := issue(t, "root", nil, true)
	inter := issue(t, "inter", root, true)
	self := issue(t, "device", nil, false)
	first := certify(t, "device", self.key, inter, false)
	second := certify(t, "device", self.key, inter, false)
	bare := keystore.Store{Identities: []keystore.Identity{{Alias: "device", Key: self.private(t)}}}
	own := keystore.Store{Identities: []keystore.Identity{self.identity(t, "device")}}
	renewed := keystore.Store{Identities: []keystore.Identity{first.identity(t, "device")}}
	beside := own
	beside.Loose = []keystore.Anchor{second.anchor("reply"), inter.anchor(""), root.anchor(""), first.anchor("")}
	inChain := keystore.Store{Identities: []keystore.Identity{self.identity(t, "device")}, Loose: []keystore.Anchor{root.anchor("")}}
	inChain.Identities[0].Chain = []keystore.Certificate{self.cert, second.cert, inter.cert}
	cas := source("cas.pem", text, assumed(inter, root))
	for _, tc := range []struct {
		name    string
		sources []convert.Source
		instead bool
	}{
		{"everything loose", []convert.Source{source("key", text, bare), source("crt", text, assumed(first, self, second)), cas}, false},
		{"a store and the reply", []convert.Source{source("old", plain, own), source("reply", text, assumed(second)), cas}, true},
		{"the reply first", []convert.Source{source("reply", text, assumed(second)), cas, source("old", plain, own)}, true},
		{"a store with a whole chain, and the leaf alone", []convert.Source{source("old", plain, renewed), source("reply", text, assumed(second))}, true},
		{"all in one store", []convert.Source{source("old", plain, beside)}, true},
		{"the reply in the chain", []convert.Source{source("old", plain, inChain)}, true},
		{"two stores", []convert.Source{source("old", plain, own), source("new", plain, keystore.Store{Identities: []keystore.Identity{second.identity(t, "device")}})}, true},
	} {
		for _, target := range []keystore.Codec{plain, jksfile.Codec{}} {
			t.Run(tc.name+" into "+target.Name(), func(t *testing.T) {
				plan, err := convert.NewPlan(tc.sources, convert.Recipe{Target: target, Only: only(t, "type=key", "type=certificate")})
				require.NoError(t, err)
				require.NoError(t, plan.Refusal())
				id := plan.Store().Identities[0]
				assert.Equal(t, "device", id.Alias)
				assert.True(t, id.Chain[0].Equal(second.cert), "not the newest certificate that the CA signed")
				assert.Equal(t, "inter", id.Chain[1].X509.Subject.CommonName, "its chain was not found")
				for _, a := range plan.Store().Anchors {
					assert.True(t, a.Certificate.Equal(root.cert), "a certificate of the key is trusted")
				}
				if target.Name() == "jks" {
					assert.Empty(t, plan.Store().Loose)
				} else {
					assert.NotEmpty(t, plan.Store().Loose, "the one before is gone, though there is a place for it")
				}
				if tc.instead {
					require.Len(t, plan.Paired, 1)
					assert.Equal(t, "CN=device,O=Works", plan.Paired[0].Instead)
					assert.Regexp(t, "^(both are its own, and this one is newer: from 2026-|a CA signed it, on 2026-)", plan.Paired[0].Why)
				}
			})
		}
	}
}

// TestPlanKeepsTheBetterLeaf: an older certificate, or a self-signed one, changes nothing, and is not trusted either.
func TestPlanKeepsTheBetterLeaf(t *testing.T) {
	root := issue(t, "root", nil, true)
	before := issue(t, "device", root, false)
	now := certify(t, "device", before.key, root, false)
	self := certify(t, "device", before.key, nil, false)
	plan, err := convert.NewPlan([]convert.Source{
		source("now", plain, keystore.Store{Identities: []keystore.Identity{now.identity(t, "a")}}),
		source("before", text, assumed(before, self)),
	}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.True(t, plan.Store().Identities[0].Chain[0].Equal(now.cert))
	assert.Empty(t, plan.Paired)
	assert.Empty(t, plan.Store().Anchors)
	assert.Len(t, plan.Store().Loose, 2)
}

// TestPlanLeavesWhatIsMarked: a trusted entry stays one, and is not taken for the certificate of a key that has one. A key
// that has none gets it all the same.
func TestPlanLeavesWhatIsMarked(t *testing.T) {
	root := issue(t, "root", nil, true)
	old := issue(t, "ca", nil, true)
	cross := certify(t, "ca", old.key, root, true)
	store := keystore.Store{Identities: []keystore.Identity{old.identity(t, "ca")}, Anchors: []keystore.Anchor{cross.anchor("cross")}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.True(t, plan.Store().Identities[0].Chain[0].Equal(old.cert))
	assert.Empty(t, plan.Paired)
	assert.Equal(t, []string{"ca", "cross"}, plan.Kept())

	store.Identities[0].Chain = nil
	plan, err = convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.True(t, plan.Store().Identities[0].Chain[0].Equal(cross.cert))
	assert.Len(t, plan.Store().Anchors, 1, "it was marked, and is trusted no more")

	both := []convert.Source{source("pem", text, assumed(old)), source("jks", java, keystore.Store{Anchors: []keystore.Anchor{old.anchor("")}}),
		source("key", text, keystore.Store{Identities: []keystore.Identity{{Key: old.private(t)}}})}
	plan, err = convert.NewPlan(both, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Len(t, plan.Store().Anchors, 1, "one file that marks it is enough")
}

// TestPlanLeavesTheCertificatesOfOtherEntries: one key under two names has two certificates on purpose.
func TestPlanLeavesTheCertificatesOfOtherEntries(t *testing.T) {
	root := issue(t, "root", nil, true)
	first := issue(t, "first", root, false)
	second := certify(t, "second", first.key, root, false)
	s := keystore.Store{Identities: []keystore.Identity{first.identity(t, "one"), second.identity(t, "two")}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Equal(t, []string{"first", "root"}, names(plan.Store().Identities[0].Chain))
	assert.Equal(t, []string{"second", "root"}, names(plan.Store().Identities[1].Chain))

	third := certify(t, "third", first.key, root, false)
	plan, err = convert.NewPlan([]convert.Source{source("in", plain, s), source("new", text, assumed(third))}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Len(t, plan.Paired, 2, "a renewal is for both")
}

// TestPlanMergesARenewal: of a key that was certified anew, the new certificate is its own, and the old one is not lost.
func TestPlanMergesARenewal(t *testing.T) {
	root := issue(t, "root", nil, true)
	before := issue(t, "before", root, false)
	after := certify(t, "after", before.key, root, false)
	first := source("old", plain, keystore.Store{Identities: []keystore.Identity{before.identity(t, "a")}})
	second := source("new", plain, keystore.Store{Identities: []keystore.Identity{after.identity(t, "a")}})
	for _, sources := range [][]convert.Source{{first, second}, {second, first}, {first, second, first}} {
		plan, err := convert.NewPlan(sources, convert.Recipe{Target: plain})
		require.NoError(t, err)
		require.Len(t, plan.Store().Identities, 1)
		assert.Equal(t, []string{"after", "root"}, names(plan.Store().Identities[0].Chain))
		require.Len(t, plan.Store().Loose, 1)
		assert.True(t, plan.Store().Loose[0].Certificate.Equal(before.cert))
		assert.Contains(t, plan.Noted, convert.Note{Entry: "a", Text: "it came with two certificates; it has the better one"})
	}
}

// TestSplitKeepsReplacedCertificatesApart: a file of what is to be trusted is no place for them.
func TestSplitKeepsReplacedCertificatesApart(t *testing.T) {
	root, oldRoot := issue(t, "root", nil, true), issue(t, "old root", nil, true)
	before := issue(t, "device", oldRoot, false)
	after := certify(t, "device", before.key, root, false)
	old := source("old", plain, keystore.Store{Identities: []keystore.Identity{before.identity(t, "a")}})
	plan, err := convert.NewPlan([]convert.Source{old, source("new", text, assumed(after, root))}, convert.Recipe{Target: text})
	require.NoError(t, err)
	files, err := plan.Split("d", textLayout(strings.ToLower))
	require.NoError(t, err)
	content := map[string][]string{}
	for _, f := range files {
		s, err := text.Decode(f.Data, keystore.DecodeOptions{})
		require.NoError(t, err)
		for _, a := range s.Loose {
			content[f.Path] = append(content[f.Path], a.Certificate.Subject())
		}
	}
	assert.Equal(t, map[string][]string{
		"d.crt": {"CN=device,O=Works"}, "d-chain.crt": {"CN=device,O=Works"}, "d-ca.crt": {"CN=root"}, "d-old.crt": {"CN=device,O=Works", "CN=old root"},
	}, content)
}

// TestPlanMovesToAnotherCA: the chain of the old certificate goes with it, and what else cannot be kept is still lost.
func TestPlanMovesToAnotherCA(t *testing.T) {
	oldRoot, newRoot := issue(t, "old root", nil, true), issue(t, "new root", nil, true)
	before := issue(t, "device", issue(t, "old inter", oldRoot, true), false)
	inter := issue(t, "new inter", newRoot, true)
	after := certify(t, "device", before.key, inter, false)
	old := source("old", plain, keystore.Store{Identities: []keystore.Identity{before.identity(t, "a")}})
	plan, err := convert.NewPlan([]convert.Source{old, source("new", text, assumed(after, inter))}, convert.Recipe{Target: java})
	require.NoError(t, err)
	require.NoError(t, plan.Refusal())
	assert.Equal(t, []string{"device", "new inter"}, names(plan.Store().Identities[0].Chain))
	note := convert.Note{Entry: "CN=old inter", Text: "was replaced, and is not in the result: java has no place for it"}
	assert.Contains(t, plan.Noted, note)

	stranger := keystore.Store{Loose: []keystore.Anchor{issue(t, "stranger", nil, true).anchor("")}}
	plan, err = convert.NewPlan([]convert.Source{old, source("new", text, assumed(after, inter)), source("more", plain, stranger)}, convert.Recipe{Target: java})
	require.NoError(t, err)
	require.ErrorIs(t, plan.Refusal(), convert.ErrLoss)
	require.Len(t, plan.Lost, 1)
	assert.Equal(t, "CN=stranger", plan.Lost[0].Entry)
}
