package formats

import (
	"bytes"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/p12file"
)

// Law: what was decoded does not change with the buffer it came from, nor what was encoded with the store.
func TestNoAliasing(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		for _, profile := range profilesOf(codec, store) {
			opts := encodeOptions()
			opts.Profile = profile
			data, fitted := write(t, codec, store, opts)
			buffer := bytes.Clone(data)
			got, err := codec.Decode(buffer, keystore.DecodeOptions{Password: password})
			require.NoError(t, err)
			assert.Equal(t, data, buffer, "reading changes nothing")
			clear(buffer)
			assert.Equal(t, summary(fitted), summary(got), "profile %q", profile)

			opts = encodeOptions()
			opts.Profile = profile
			written, err := codec.Encode(got, opts)
			require.NoError(t, err)
			before := bytes.Clone(written)
			wipe(got)
			assert.Equal(t, before, written, "profile %q: what was encoded changes with the store", profile)
		}
	})
}

// profilesOf are the profiles that a store can be written under: one that lies open among them where it has no keys.
func profilesOf(codec keystore.Codec, store *keystore.Store) []string {
	if codec.Name() == "p12" && len(store.Identities) == 0 {
		return []string{"", p12file.ProfilePasswordlessTrust}
	}
	return []string{""}
}

// wipe overwrites every byte of a store.
func wipe(s *keystore.Store) {
	for i := range s.Identities {
		clear(s.Identities[i].Key.PKCS8)
		for _, c := range s.Identities[i].Chain {
			clear(c.Raw)
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			clear(a.Certificate.Raw)
		}
	}
	for _, o := range s.Others {
		clear(o.Raw)
	}
}

// Law: a certificate that was parsed is not parsed again. [keystore.Build] reads what it has just written.
func TestNothingIsParsedTwice(t *testing.T) {
	forEach(t, func(t *testing.T, codec keystore.Codec, store *keystore.Store) {
		data, fitted := write(t, codec, store, encodeOptions())
		got, err := codec.Decode(data, keystore.DecodeOptions{Password: password, Parsed: keystore.ParsedOf(fitted)})
		require.NoError(t, err)
		known := map[*x509.Certificate]bool{}
		for _, c := range membersOf(fitted) {
			known[c.X509] = true
		}
		for _, c := range membersOf(got) {
			assert.True(t, known[c.X509], "%s", c.Label())
		}
	})
}

// membersOf lists all certificates of a store.
func membersOf(s *keystore.Store) []keystore.Certificate {
	var all []keystore.Certificate
	for i := range s.Identities {
		all = append(all, s.Identities[i].Chain...)
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for i := range list {
			all = append(all, list[i].Certificate)
		}
	}
	return all
}
