package convert_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

// TestBuildTrustsNoCodec: whatever an encoder or its file gets wrong, no bytes come out.
func TestBuildTrustsNoCodec(t *testing.T) {
	root, x := issue(t, "root", nil, true), issue(t, "x", nil, false)
	a := issue(t, "a", root, false)
	s := keystore.Store{
		Identities: []keystore.Identity{a.identity(t, "a")},
		Anchors:    []keystore.Anchor{root.anchor("r")},
		Loose:      []keystore.Anchor{x.anchor("x")},
		Others:     []keystore.Other{{Kind: keystore.KindCRL, Raw: []byte{1}}},
	}
	for _, tc := range []struct {
		name    string
		corrupt func(*keystore.Store)
	}{
		{"a key is missing", func(s *keystore.Store) { s.Identities = nil }},
		{"a key is locked", func(s *keystore.Store) { s.Identities[0].Key = nil }},
		{"a key has another alias", func(s *keystore.Store) { s.Identities[0].Alias = "b" }},
		{"another key", func(s *keystore.Store) { s.Identities[0].Key = x.private(t) }},
		{"a shorter chain", func(s *keystore.Store) { s.Identities[0].Chain = s.Identities[0].Chain[:1] }},
		{"another order", func(s *keystore.Store) {
			c := s.Identities[0].Chain
			c[0], c[1] = c[1], c[0]
		}},
		{"a trusted entry is missing", func(s *keystore.Store) { s.Anchors = nil }},
		{"a trusted entry has another alias", func(s *keystore.Store) { s.Anchors[0].Alias = "R" }},
		{"another trusted certificate", func(s *keystore.Store) { s.Anchors[0].Certificate = x.cert }},
		{"trusted became not", func(s *keystore.Store) { s.Loose, s.Anchors = append(s.Loose, s.Anchors...), nil }},
		{"a CRL is missing", func(s *keystore.Store) { s.Others = nil }},
		{"another CRL", func(s *keystore.Store) { s.Others[0].Raw = []byte{2} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: fake{name: "plain", corrupt: tc.corrupt}})
			require.NoError(t, err)
			data, err := plan.Build()
			assert.ErrorIs(t, err, keystore.ErrReadBack)
			assert.Nil(t, data)
		})
	}
	broken := errors.New("broken")
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, s)}, convert.Recipe{Target: fake{name: "plain", encodeErr: broken}})
	require.NoError(t, err)
	_, err = plan.Build()
	assert.ErrorIs(t, err, broken)
}
