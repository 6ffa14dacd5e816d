package convert_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// brokerPFX is what a CA's web page hands out, made with OpenSSL: a key, its leaf, an intermediate and the root.
func brokerPFX(t *testing.T, dir string) []byte {
	t.Helper()
	interop.Need(t, "openssl")
	interop.Run(t, dir, "/bin/sh", "-euc", `
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
openssl req -x509 $ec -keyout root.key -out root.crt -subj /CN=root -days 30
printf 'basicConstraints=critical,CA:TRUE\n' >ca.ext
printf 'subjectAltName=DNS:localhost\n' >leaf.ext
openssl req $ec -keyout ca.key -subj /CN=issuing | openssl x509 -req -CA root.crt -CAkey root.key -days 30 -extfile ca.ext -out ca.crt
openssl req $ec -keyout leaf.key -subj /CN=broker | openssl x509 -req -CA ca.crt -CAkey ca.key -days 30 -extfile leaf.ext -out leaf.crt
cat root.crt ca.crt >others.crt
openssl pkcs12 -export -inkey leaf.key -in leaf.crt -certfile others.crt -name broker -passout pass:changeit -out broker.pfx
`)
	data, err := os.ReadFile(filepath.Join(dir, "broker.pfx"))
	require.NoError(t, err)
	return data
}

// planOf plans a conversion of files, all under the test's password.
func planOf(t *testing.T, target string, files ...keystore.Artifact) *convert.Plan {
	t.Helper()
	var sources []convert.Source
	for _, f := range files {
		store, codec, err := formats.Decode(f.Data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
		require.NoError(t, err, f.Path)
		sources = append(sources, convert.Source{Name: f.Path, Format: codec.Name(), Store: store})
	}
	codec, err := formats.ByName(target)
	require.NoError(t, err)
	opts := keystore.EncodeOptions{Random: rand.Reader, Iterations: 1000, Now: time.Now()}
	if target != "pem" {
		opts.Password = keystore.Secret(storePass)
	}
	plan, err := convert.NewPlan(sources, convert.Recipe{Target: codec, Options: opts})
	require.NoError(t, err)
	return plan
}

// A PFX becomes the three files of a broker, which a TLS server and its client take as they are; gathered again, in any
// order, they are the same key with the same chain and the same CA, in every format that holds a key.
func TestBrokerFilesFromPFXAndBack(t *testing.T) {
	dir := t.TempDir()
	pfx := keystore.Artifact{Path: "broker.pfx", Data: brokerPFX(t, dir)}
	plan := planOf(t, "pem", pfx)
	files, err := plan.Split("broker", convert.Layout{Target: pemfile.Codec{}, Key: ".key", Cert: ".crt"})
	require.NoError(t, err)
	byName := map[string]keystore.Artifact{}
	for _, f := range files {
		byName[f.Path] = f
	}
	key, leaf, chain, ca := byName["broker.key"], byName["broker.crt"], byName["broker-chain.crt"], byName["broker-ca.crt"]
	require.Len(t, files, 4)

	pair, err := tls.X509KeyPair(chain.Data, key.Data)
	require.NoError(t, err)
	require.Len(t, pair.Certificate, 2)
	alone, err := tls.X509KeyPair(leaf.Data, key.Data)
	require.NoError(t, err)
	require.Len(t, alone.Certificate, 1)
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca.Data))
	require.True(t, between.AppendCertsFromPEM(chain.Data))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "localhost"})
	require.NoError(t, err, "a client that trusts %s", ca.Path)

	want, err := formats.ByName("p12")
	require.NoError(t, err)
	original, err := want.Decode(pfx.Data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
	require.NoError(t, err)
	for _, target := range []string{"p12", "jks", "pem"} {
		for _, order := range [][]keystore.Artifact{{key, chain, ca}, {ca, chain, key}, {chain, ca, key}, {leaf, ca, chain, key}} {
			data, err := planOf(t, target, order...).Build()
			require.NoError(t, err)
			got, _, err := formats.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(storePass)})
			require.NoError(t, err)
			require.Len(t, got.Identities, 1)
			assert.Equal(t, original.Identities[0].Key.PKCS8, got.Identities[0].Key.PKCS8, target)
			all := slices.Clone(got.Identities[0].Chain)
			for _, a := range append(got.Anchors, got.Loose...) {
				all = append(all, a.Certificate)
			}
			for _, c := range original.Identities[0].Chain {
				assert.True(t, slices.ContainsFunc(all, c.Equal), "%s: %s is gone", target, c.Subject())
			}
			assert.True(t, slices.EqualFunc(original.Identities[0].Chain[:2], got.Identities[0].Chain[:2], keystore.Certificate.Equal), target)
		}
	}
}
