package convert_test

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// TestPlanRefusesKeysWithoutTheirCertificate: a key with another's certificate, or with certificates of which none is its
// own, is a mistake in every format. Beside those of CAs alone it may be meant so, where the recipe says that.
func TestPlanRefusesKeysWithoutTheirCertificate(t *testing.T) {
	root := issue(t, "root", nil, true)
	a, b := issue(t, "a", root, false), issue(t, "b", root, false)
	self := issue(t, "self", nil, false)
	bare := keystore.Identity{Alias: "a", Key: a.private(t)}
	noPublic, err := keystore.NewPrivateKey(ed448) // which does not carry its public half
	require.NoError(t, err)
	foreign := bare
	foreign.Chain = b.chain()
	store := func(ids ...keystore.Identity) convert.Source {
		return source("key", plain, keystore.Store{Identities: ids})
	}
	loose := keystore.Store{Identities: []keystore.Identity{bare}, Loose: []keystore.Anchor{b.anchor("")}}
	marked := keystore.Store{Identities: []keystore.Identity{bare}, Anchors: []keystore.Anchor{b.anchor("b")}}
	const another, ca = "none of the certificates is its own; CN=b,O=Works belongs to another key", "none of the certificates is its own; CN=root, for one, is a CA's"
	const note = "none of the certificates has its public key"
	for _, tc := range []struct {
		name    string
		sources []convert.Source
		want    string // why it is refused in a store
		alone   string // ... and where keys may be without certificates
		noted   string
	}{
		{"another's certificate", []convert.Source{store(foreign)},
			"its certificate, CN=b,O=Works, belongs to another key, and the right one was not given",
			"its certificate, CN=b,O=Works, belongs to another key, and the right one was not given", ""},
		{"another's certificate, in a file of its own", []convert.Source{store(bare), source("b.crt", text, assumed(b))}, another, another, ""},
		{"another's certificate and the CA's", []convert.Source{store(bare), source("b.crt", text, assumed(root, b))}, another, another, ""},
		{"another's certificate beside it", []convert.Source{source("p12", plain, loose)}, another, another, ""},
		{"the CA's certificate", []convert.Source{store(bare), source("ca.crt", text, assumed(root))}, ca, "", note},
		{"a self-signed certificate", []convert.Source{store(bare), source("ca.crt", text, assumed(self))},
			"none of the certificates is its own; CN=self,O=Works, for one, is a CA's", "", note},
		{"beside a key that has its own", []convert.Source{store(bare, b.identity(t, "b")), source("ca.crt", text, assumed(root))}, "", "", note},
		{"what is marked as trusted is no key's", []convert.Source{source("p12", plain, marked)}, "", "", note},
		{"a key alone", []convert.Source{store(bare)}, "", "", ""},
		{"a key whose public half is not known", []convert.Source{store(keystore.Identity{Alias: "a", Key: noPublic}), source("b.crt", text, assumed(b))}, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, lone := range []bool{false, true} {
				want := tc.want
				if lone {
					want = tc.alone
				}
				plan, err := convert.NewPlan(tc.sources, convert.Recipe{Target: plain, LoneKeys: lone})
				require.NoError(t, err)
				assert.Empty(t, plan.Paired)
				if want != "" {
					require.ErrorIs(t, plan.Refusal(), convert.ErrMismatch)
					assert.Equal(t, []convert.Note{{Entry: "a", Text: want}}, plan.Lost)
					continue
				}
				require.NoError(t, plan.Refusal())
				if tc.noted != "" {
					assert.Contains(t, plan.Noted, convert.Note{Entry: "a", Text: tc.noted})
				} else {
					assert.Empty(t, plan.Noted)
				}
			}
		})
	}
}

// TestPlanRefusesOnlyWhatIsWanted: a key that is left out is nobody's concern, and what --trust adds is not meant for it.
func TestPlanRefusesOnlyWhatIsWanted(t *testing.T) {
	root := issue(t, "root", nil, true)
	a, b := issue(t, "a", root, false), issue(t, "b", root, false)
	bare := source("key", plain, keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: a.private(t)}}})
	other := source("crt", text, assumed(b))
	for _, tc := range []struct {
		name    string
		sources []convert.Source
		recipe  convert.Recipe
	}{
		{"the key is left out", []convert.Source{bare, other}, convert.Recipe{Remove: only(t, "a")}},
		{"the certificate is left out", []convert.Source{bare, other}, convert.Recipe{Only: only(t, "type=key")}},
		{"the certificate is to be trusted", []convert.Source{bare}, convert.Recipe{Trust: []convert.Trust{{Source: other}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.recipe.Target = plain
			plan, err := convert.NewPlan(tc.sources, tc.recipe)
			require.NoError(t, err)
			assert.NoError(t, plan.Refusal())
			for _, n := range plan.Noted {
				assert.NotContains(t, n.Text, "none of the certificates")
			}
		})
	}
}

// TestPlanRefusesWhatAPKCS12Mismatches: its localKeyID says that the two belong together.
func TestPlanRefusesWhatAPKCS12Mismatches(t *testing.T) {
	root := issue(t, "root", nil, true)
	a, b := issue(t, "a", root, false), issue(t, "b", root, false)
	data, err := pkcs12.Modern.Encode(a.key, b.cert.X509, []*x509.Certificate{root.cert.X509}, "secret")
	require.NoError(t, err)
	store, err := p12file.Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("secret")})
	require.NoError(t, err)
	sources := []convert.Source{{Name: "in.p12", Format: "p12", Store: store}}
	for _, target := range []keystore.Codec{p12file.Codec{}, jksfile.Codec{}, pemfile.Codec{}} {
		opts := keystore.EncodeOptions{Password: keystore.Secret("secret")}
		plan, err := convert.NewPlan(sources, convert.Recipe{Target: target, LoneKeys: true, Options: opts})
		require.NoError(t, err)
		assert.ErrorIs(t, plan.Refusal(), convert.ErrMismatch, target.Name())
	}
}
