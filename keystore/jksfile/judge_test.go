package jksfile

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// The checksum cannot tell a wrong password from a change, but the entries can: a password that opens a key is that key's
// unless something shows that the file was changed.
func TestWhatAWrongChecksumMeans(t *testing.T) {
	authority := mint.CA(t, "Test CA", "ec")
	_, ca := member(t, authority)
	key, leaf := member(t, mint.Leaf(t, "mqtt", "ec", authority))
	store := func(keys ...keystore.Identity) *keystore.Store {
		return &keystore.Store{Identities: keys, Anchors: []keystore.Anchor{{Alias: "root", Certificate: ca}}}
	}
	whole := keystore.Identity{Alias: "mqtt", Key: key, Chain: []keystore.Certificate{leaf, ca}}
	alone := keystore.Identity{Alias: "mqtt", Key: key, Chain: []keystore.Certificate{leaf}}
	written := encodeStore(t, store(whole), keystore.Secret("keypass1"))
	one := encodeStore(t, store(whole), nil)
	changed := func(data []byte, what []byte, offset int) []byte {
		at := bytes.Index(data, what)
		require.Positive(t, at)
		out := bytes.Clone(data)
		out[at+offset] ^= 1
		return out
	}
	jceks := jceksOf(t, written)
	sealed := encodeStore(t, store(whole), nil)
	info := sunInfo(t, sealed)
	for _, tc := range []struct {
		name     string
		data     []byte
		password string
		want     error
		text     string
	}{
		{"the key's password", written, "keypass1", keystore.ErrKeyPassword, `the password opens the key "mqtt", but is the wrong password for the store as a whole, or the file was changed`},
		{"the same in a JCEKS", jceks, "keypass1", keystore.ErrKeyPassword, `the key "mqtt"`},
		{"neither", written, "another", keystore.ErrPassword, "wrong password, or the file was changed"},
		{"the last bit of a leaf is another, and its issuer is there", changed(one, leaf.Raw, len(leaf.Raw)-1), "changeit", keystore.ErrFormat, "the file was changed"},
		{"a root's last bit", changed(encodeStore(t, store(alone), nil), ca.Raw, len(ca.Raw)-1), "changeit", keystore.ErrFormat, "the file was changed"},
		{"a bit of the key in the middle", changed(one, info, len(info)/2), "changeit", keystore.ErrFormat, "the password is right, but the key was changed"},
		{"a bit of the key's check", changed(one, info, len(info)-1), "changeit", keystore.ErrFormat, "the password is right, but the key was changed"},
		{"the certificate is for another key", encodeStore(t, store(swapped(t, whole, authority)), keystore.Secret("keypass1")), "keypass1", keystore.ErrFormat, "the file was changed"},
		{"nothing but the checksum", changed(one, one[len(one)-20:], 0), "changeit", keystore.ErrKeyPassword, "or the file was changed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Codec{}.Decode(tc.data, keystore.DecodeOptions{Password: keystore.Secret(tc.password)})
			require.ErrorIs(t, err, tc.want)
			assert.ErrorContains(t, err, tc.text)
			if tc.want != keystore.ErrKeyPassword {
				assert.NotErrorIs(t, err, keystore.ErrKeyPassword)
			}
		})
	}
	got, err := Codec{}.Decode(written, keystore.DecodeOptions{Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("keypass1")})
	require.NoError(t, err)
	assert.NotNil(t, got.Identities[0].Key, "as the hint has it")
}

// In a trust store nothing but the checksum knows the password, and nothing but the certificates knows better: where the own
// signature of a root does not fit, the file was changed, whichever bit of it was turned.
func TestAChangedRootIsNoWrongPassword(t *testing.T) {
	_, ca := member(t, mint.CA(t, "root", "ec"))
	data := encodeStore(t, &keystore.Store{Anchors: []keystore.Anchor{{Alias: "root", Certificate: ca}}}, nil)
	const signature = 64 // bytes of ECDSA's two numbers, at the least
	for i := len(data) - digestSize - signature; i < len(data)-digestSize; i++ {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		_, err := Codec{}.Decode(changed, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
		require.ErrorIs(t, err, keystore.ErrFormat, "byte %d of %d", i, len(data))
	}
}

// jceksOf is a JKS file as a JCEKS, which has the same entries.
func jceksOf(t *testing.T, jks []byte) []byte {
	t.Helper()
	body := bytes.Clone(jks[:len(jks)-digestSize])
	copy(body, []byte{0xCE, 0xCE, 0xCE, 0xCE})
	return withDigest(t, body)
}

// sunInfo is the encrypted key of a file with one.
func sunInfo(t *testing.T, data []byte) []byte {
	t.Helper()
	at := bytes.Index(data, protectors[0].der)
	require.Positive(t, at)
	rest := data[at+len(protectors[0].der)+2:] // NULL
	require.Equal(t, byte(0x04), rest[0])
	size, head := int(rest[1]), 2
	if size > 0x80 {
		head += size & 0x7F
		size = 0
		for _, b := range rest[2:head] {
			size = size<<8 | int(b)
		}
	}
	return rest[head : head+size]
}

// swapped is an identity with the certificate of another one.
func swapped(t *testing.T, id keystore.Identity, authority *mint.Identity) keystore.Identity {
	t.Helper()
	_, other := member(t, mint.Leaf(t, "other", "ec", authority))
	id.Chain = []keystore.Certificate{other}
	return id
}
