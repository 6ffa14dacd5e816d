package keystore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestPasswords(t *testing.T) {
	store, keys, own, other, empty := keystore.Secret("store"), keystore.Secret("keys"), keystore.Secret("own"), keystore.Secret("other"), keystore.Secret("")
	for _, tc := range []struct {
		name   string
		opts   keystore.DecodeOptions
		alias  string
		fitted keystore.Secret
		want   []keystore.Secret
	}{
		{"none", keystore.DecodeOptions{}, "a", nil, []keystore.Secret{}},
		{"the store's, then the keys'", keystore.DecodeOptions{Password: store, KeyPassword: keys}, "a", nil, []keystore.Secret{store, keys}},
		{"each once", keystore.DecodeOptions{Password: store, KeyPassword: store}, "a", store, []keystore.Secret{store}},
		{"the empty one is one", keystore.DecodeOptions{Password: empty}, "a", nil, []keystore.Secret{empty}},
		{"its own first", keystore.DecodeOptions{Password: store, KeyPasswords: map[string]keystore.Secret{"a": own, "b": other}}, "a", nil, []keystore.Secret{own, store}},
		{"in any case", keystore.DecodeOptions{KeyPasswords: map[string]keystore.Secret{"SRV": own}}, "srv", nil, []keystore.Secret{own}},
		{"in any case, the other way", keystore.DecodeOptions{KeyPasswords: map[string]keystore.Secret{"srv": own}}, "SRV", nil, []keystore.Secret{own}},
		{"as it is spelt before any other", keystore.DecodeOptions{KeyPasswords: map[string]keystore.Secret{"srv": own, "SRV": other}}, "SRV", nil, []keystore.Secret{other, own}},
		{"what opened the last key", keystore.DecodeOptions{Password: store, KeyPassword: keys, KeyPasswords: map[string]keystore.Secret{"a": own}}, "a", keys, []keystore.Secret{own, keys, store}},
		{"all for a key without a name", keystore.DecodeOptions{Password: store, KeyPasswords: map[string]keystore.Secret{"b": other, "a": own}}, "", nil, []keystore.Secret{store, own, other}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := keystore.NewPasswords(tc.opts)
			if tc.fitted != nil {
				p.Fits(tc.fitted)
			}
			got := p.OfKey(tc.alias)
			if tc.name == "as it is spelt before any other" { // of two that Java takes for one either may be the folded one
				got = got[:1]
				tc.want = tc.want[:1]
			}
			assert.Equal(t, tc.want, got)
		})
	}
	p := keystore.NewPasswords(keystore.DecodeOptions{Password: store, KeyPassword: keys, KeyPasswords: map[string]keystore.Secret{"a": own, "b": store}})
	p.Fits(own)
	assert.Equal(t, []keystore.Secret{store, keys}, p.OfStore())
	assert.Equal(t, 3, p.Count())
	assert.Zero(t, keystore.NewPasswords(keystore.DecodeOptions{}).Count())
}
