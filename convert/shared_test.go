package convert_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// sharedFiles are a PEM file and a PKCS12 of 600 keys that have one large certificate in common: that of their CA, or the
// leaf of all of them.
func sharedFiles(t *testing.T, leaf bool) map[string][]byte {
	t.Helper()
	const keys = 600
	key := mint.Key(t, "ed25519")
	large := mint.Large(t, "large", key, nil, true, 20_000)
	one := mint.New(t, "leaf", mint.Key(t, "ed25519"), large, false)
	s, text := &keystore.Store{}, []byte{}
	for i := range keys {
		member := one
		switch {
		case leaf:
			member = large
		case i > 0:
			member = mint.New(t, "leaf", mint.Key(t, "ed25519"), large, false)
		}
		private, err := keystore.NewPrivateKey(member.PKCS8)
		require.NoError(t, err)
		id := keystore.Identity{Alias: fmt.Sprint("k", i), Key: private}
		block, err := pemfile.EncodeKey(private, nil, 0, nil)
		require.NoError(t, err)
		text = append(append(text, fmt.Sprintf("friendlyName: k%d\n", i)...), block...)
		if !leaf {
			id.Chain = []keystore.Certificate{keystore.NewCertificate(member.DER)}
			text = append(text, pemfile.EncodeCertificates(id.Chain...)...)
		}
		s.Identities = append(s.Identities, id)
	}
	s.Loose = []keystore.Anchor{{Certificate: keystore.NewCertificate(large.DER)}}
	opts := keystore.EncodeOptions{Password: keystore.Secret("changeit"), Iterations: 1, Random: rand.NewChaCha8([32]byte{1})}
	fitted, _, err := p12file.Codec{}.Fit(s, opts)
	require.NoError(t, err)
	p12, err := p12file.Codec{}.Encode(fitted, opts)
	require.NoError(t, err)
	return map[string][]byte{"pem": append(text, pemfile.EncodeCertificates(s.Loose[0].Certificate)...), "p12": p12}
}

// What a file costs is in proportion to its size, not to that of all chains that can be made of it: reading it keeps to the
// promise of the decoders (see [keystore.Limits]), and what is made of it, a report or another file, to some times of that.
func TestSharedCertificatesCostOnce(t *testing.T) {
	for _, leaf := range []bool{false, true} {
		for format, data := range sharedFiles(t, leaf) {
			if leaf && format == "p12" { // where it was written for each of the keys
				continue
			}
			t.Run(fmt.Sprintf("%s, shared leaf %t", format, leaf), func(t *testing.T) {
				require.Less(t, len(data), 2<<20)
				cost := func(times int, f func()) {
					t.Helper()
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					f()
					runtime.ReadMemStats(&after)
					used := after.TotalAlloc - before.TotalAlloc
					assert.LessOrEqual(t, used, uint64(times*len(data)+64<<20), "of %d bytes", len(data))
				}
				password := keystore.Secret("changeit")
				var got *keystore.Store
				var err error
				cost(20, func() { got, _, err = formats.Decode(data, keystore.DecodeOptions{Password: password}) })
				require.NoError(t, err)
				require.Len(t, got.Identities, 600)
				assert.True(t, slices.ContainsFunc(got.Problems, func(p keystore.Problem) bool { return p.Code == "long-chain" }))
				cost(100, func() {
					_, err = json.Marshal(inspect.Describe(got, inspect.Options{Format: format, Now: mint.Day}))
				})
				require.NoError(t, err)
				for _, target := range []keystore.Codec{jksfile.Codec{}, pemfile.Codec{}, p12file.Codec{}} {
					cost(300, func() {
						opts := keystore.EncodeOptions{Password: password, Iterations: 1, Random: rand.NewChaCha8([32]byte{1}), Now: mint.Day}
						var plan *convert.Plan
						plan, err = convert.NewPlan([]convert.Source{{Name: "x", Format: format, Store: got}}, convert.Recipe{Target: target, Options: opts})
						require.NoError(t, err)
						var made []byte
						made, err = plan.Build()
						assert.LessOrEqual(t, len(made), 8<<20+30*len(data), target.Name())
					})
					require.NoError(t, err)
				}
			})
		}
	}
}
