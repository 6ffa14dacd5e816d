package convert_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

// strange returns a key and certificate on a curve that Go does not know: DER with the name of another curve.
func strange(t *testing.T, p *party) (*keystore.PrivateKey, keystore.Certificate) {
	t.Helper()
	p256, prime239v2 := []byte{6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7}, []byte{6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 5}
	key, err := keystore.NewPrivateKey(bytes.ReplaceAll(p.private(t).PKCS8, p256, prime239v2))
	require.NoError(t, err)
	require.Nil(t, key.Signer)
	cert := keystore.NewCertificate(bytes.ReplaceAll(p.cert.Raw, p256, prime239v2))
	require.Nil(t, cert.X509)
	return key, cert
}

// TestPlanPairsKeysThatGoDoesNotKnow: they are compared as well, and never said to be another's where that cannot be told.
func TestPlanPairsKeysThatGoDoesNotKnow(t *testing.T) {
	root := issue(t, "root", nil, true)
	keyA, certA := strange(t, issue(t, "a", root, false))
	keyB, certB := strange(t, issue(t, "b", root, false))
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, keystore.Store{Identities: []keystore.Identity{
		{Alias: "a", Key: keyA, Chain: []keystore.Certificate{certB}},
		{Alias: "b", Key: keyB, Chain: []keystore.Certificate{certA}},
	}})}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Equal(t, certA.Raw, plan.Store().Identities[0].Chain[0].Raw)
	assert.Equal(t, certB.Raw, plan.Store().Identities[1].Chain[0].Raw)
	require.Len(t, plan.Paired, 2)

	noPublic, err := keystore.NewPrivateKey(ed448) // which does not carry its public half
	require.NoError(t, err)
	plan, err = convert.NewPlan([]convert.Source{source("in", plain, keystore.Store{Identities: []keystore.Identity{
		{Alias: "a", Key: noPublic, Chain: []keystore.Certificate{{Raw: []byte{0x30, 0}}}},
	}})}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Empty(t, plan.Paired)
	assert.Empty(t, plan.Noted)
}

// ed448 is a private key of zeros.
var ed448 = append([]byte{0x30, 71, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x71, 4, 59, 4, 57}, make([]byte, 57)...)

// TestPlanWithARootThatGoDoesNotKnow: a trusted root stays where it is, whatever its key is.
func TestPlanWithARootThatGoDoesNotKnow(t *testing.T) {
	root := issue(t, "root", nil, true)
	leaf := issue(t, "leaf", root, false)
	_, odd := strange(t, root)
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, keystore.Store{
		Identities: []keystore.Identity{{Alias: "leaf", Key: leaf.private(t), Chain: []keystore.Certificate{leaf.cert}}},
		Anchors:    []keystore.Anchor{{Alias: "root", Certificate: odd}},
	})}, convert.Recipe{Target: plain})
	require.NoError(t, err)
	assert.Len(t, plan.Store().Identities[0].Chain, 1)
	assert.Len(t, plan.Store().Anchors, 1)
}
