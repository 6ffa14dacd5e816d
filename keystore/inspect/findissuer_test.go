package inspect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// TestIssuersOfTheSameName: an issuer is who signed, not who has the name.
func TestIssuersOfTheSameName(t *testing.T) {
	root := issue(t, "Root", ecKey(t), nil, ca)
	inter, renewed := issue(t, "Inter", ecKey(t), root, ca), issue(t, "Inter", ecKey(t), root, ca)
	leaf := issue(t, "Leaf", ecKey(t), inter, nil)
	holds := func(chain []*party, loose ...*party) *keystore.Store {
		s := &keystore.Store{}
		if chain != nil {
			s.Identities = []keystore.Identity{{Alias: "a", Key: private(t, chain[0].key)}}
		}
		for _, p := range chain {
			s.Identities[0].Chain = append(s.Identities[0].Chain, p.cert)
		}
		for _, p := range loose {
			s.Loose = append(s.Loose, keystore.Anchor{Certificate: p.cert})
		}
		return s
	}
	anchors := func(list ...*party) *keystore.Store {
		s := &keystore.Store{}
		for _, p := range list {
			s.Anchors = append(s.Anchors, keystore.Anchor{Certificate: p.cert})
		}
		return s
	}
	const mismatch = "issuer-mismatch"
	for _, tc := range []struct {
		name, format string
		store        *keystore.Store
		want         []string
	}{
		{"the issuer in the chain", "p12", holds([]*party{leaf, inter, root}), nil},
		{"the issuer beside it", "p12", holds([]*party{leaf}, inter, root), nil},
		{"both of the name", "p12", holds([]*party{leaf}, renewed, inter, root), nil},
		{"the wrong one in the chain", "jks", holds([]*party{leaf, renewed, root}), []string{mismatch}},
		{"the wrong one beside it", "pem", holds([]*party{leaf}, renewed, root), []string{mismatch}},
		{"another root of the name above", "p12", holds([]*party{leaf, inter}, issue(t, "Root", ecKey(t), nil, ca)), []string{mismatch}},
		{"nobody of the name", "p12", holds([]*party{leaf}, root), []string{"missing-intermediate"}},
		{"another's chain", "jks", holds([]*party{leaf, root}), []string{"chain-order"}},
		{"certificates alone", "pem", anchors(leaf, renewed, root), []string{mismatch}},
		{"certificates alone, and the right ones", "pem", anchors(leaf, inter, root), nil},
		{"trusted without its root", "p12", anchors(inter, issue(t, "Root", ecKey(t), nil, ca)), []string{"trusted-intermediate"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.store.Protection = []keystore.Protection{{Part: "key", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"}}
			f := describe(tc.store, func(o *inspect.Options) { o.File, o.Format = "a."+tc.format, tc.format })
			assert.ElementsMatch(t, tc.want, codes(f))
		})
	}
	sealed := holds([]*party{leaf}, renewed)
	sealed.Problems = []keystore.Problem{{Code: "sealed", Severity: "notice"}}
	assert.NotContains(t, codes(describe(sealed, nil)), mismatch, "the right one may be in what was not seen")
}

// TestNothingToRead: what has no entries is for no program, and symmetric keys are for Java.
func TestNothingToRead(t *testing.T) {
	nothing := describe(&keystore.Store{}, nil)
	assert.Empty(t, nothing.Readers)
	assert.Equal(t, []string{"no-entries"}, codes(nothing))
	sealed := describe(&keystore.Store{Problems: []keystore.Problem{{Code: "sealed", Severity: "notice"}}}, nil)
	assert.NotEmpty(t, sealed.Readers)
	assert.NotContains(t, codes(sealed), "no-entries")
	request := describe(&keystore.Store{Others: []keystore.Other{{Kind: keystore.KindRequest}}}, nil)
	assert.Empty(t, request.Readers)
	assert.NotContains(t, codes(request), "no-entries")
	secret := &keystore.Store{Others: []keystore.Other{{Kind: keystore.KindSecret, Algorithm: "AES"}}}
	for _, r := range describe(secret, func(o *inspect.Options) { o.Format = "jceks" }).Readers {
		want := inspect.No
		if r.Program == "Java" {
			want = inspect.Flag
		}
		assert.Equal(t, want, r.Reads, "%s: %s", r.Program, r.Why)
	}
}

// TestNamesOfBundles: .p7b is PKCS#7, and nothing else in PEM.
func TestNamesOfBundles(t *testing.T) {
	assert.Empty(t, inspect.NameMismatch("a.p7b", "pkcs7"))
	assert.NotEmpty(t, inspect.NameMismatch("a.p7b", "pem"))
}
