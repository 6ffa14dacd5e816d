package formats_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// Many keys under one long chain make far more certificates than their file holds: chains are cut, and that is said.
func TestManyKeysUnderOneLongChain(t *testing.T) {
	issuer := mint.CA(t, "root", "ed25519")
	s := &keystore.Store{}
	for range 90 {
		issuer = mint.New(t, "CA "+string(rune('A'+len(s.Loose))), issuer.Key, issuer, true)
		s.Loose = append(s.Loose, keystore.Anchor{Certificate: keystore.NewCertificate(issuer.DER)})
	}
	for range 300 {
		leaf := mint.New(t, "leaf", mint.Key(t, "ed25519"), issuer, false)
		key, err := keystore.NewPrivateKey(leaf.PKCS8)
		require.NoError(t, err)
		s.Identities = append(s.Identities, keystore.Identity{Key: key})
		s.Loose = append(s.Loose, keystore.Anchor{Certificate: keystore.NewCertificate(leaf.DER)})
	}
	for _, codec := range []keystore.Codec{p12file.Codec{}, pemfile.Codec{}} {
		opts := keystore.EncodeOptions{Random: rand.NewChaCha8([32]byte{7}), Iterations: 2}
		if codec.Name() == "p12" {
			opts.Password = keystore.Secret("changeit")
		}
		fitted, _, err := codec.Fit(s, opts)
		require.NoError(t, err, codec.Name())
		data, err := codec.Encode(fitted, opts)
		require.NoError(t, err, codec.Name())
		if codec.Name() == "pem" { // without the comments that say what is in no chain
			data = regexp.MustCompile(`(?m)^[^-\n][^\n]*: .*\n|^# .*\n`).ReplaceAll(data, nil)
		}
		got, err := codec.Decode(data, keystore.DecodeOptions{Password: opts.Password})
		require.NoError(t, err, codec.Name())
		total := 0
		for _, id := range got.Identities {
			total += len(id.Chain)
		}
		assert.Less(t, total, 20_000, codec.Name())
		assert.True(t, slices.ContainsFunc(got.Problems, func(p keystore.Problem) bool { return p.Code == "long-chain" }), codec.Name())
	}
}
