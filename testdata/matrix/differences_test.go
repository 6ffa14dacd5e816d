package matrix

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDifferences: what a reader gets wrong is found, and what it cannot show is not held against it.
func TestDifferences(t *testing.T) {
	leaf, ca, other := []byte("leaf"), []byte("ca"), []byte("other")
	key := func(alias, public string, chain ...[]byte) entry {
		return entry{kind: kindKey, alias: alias, spki: []byte(public), chain: chain}
	}
	cert := func(kind, alias string, der []byte) entry {
		return entry{kind: kind, alias: alias, chain: [][]byte{der}}
	}
	want := []entry{key("k", "public", leaf, ca), cert(kindTrusted, "t", other)}
	loose := []entry{cert(kindCert, "", leaf), cert(kindCert, "", ca), cert(kindCert, "", other)}
	for _, tc := range []struct {
		name  string
		got   []entry
		shows shows
		want  []string
	}{
		{"the same", want, everything, nil},
		{"no key", want[1:], everything, []string{"key k is missing", "2 certificates are missing"}},
		{"another key", []entry{key("k", "other", leaf, ca), want[1]}, everything, []string{"key k is missing"}},
		{"a key too many", append([]entry{key("x", "other")}, want...), everything, []string{"1 keys too many"}},
		{"another name", []entry{key("K", "public", leaf, ca), want[1]}, everything, []string{`key k is called "K"`}},
		{"a shorter chain", []entry{key("k", "public", leaf), want[1]}, everything,
			[]string{"key k has a chain of 1, not 2, or another", "1 certificates are missing"}},
		{"a chain in another order", []entry{key("k", "public", ca, leaf), want[1]}, everything,
			[]string{"key k has a chain of 2, not 2, or another"}},
		{"the certificate of another key", append([]entry{key("k", "public", other)}, loose...), flat, []string{"key k has another certificate"}},
		{"trust that is not shown", []entry{want[0], cert(kindCert, "t", other)}, everything,
			[]string{"0 trusted entries, not 1", "1 cert entries, not 0", "t is not shown as trusted"}},
		{"another name of a trusted one", []entry{want[0], cert(kindTrusted, "T", other)}, everything, []string{`t is called "T"`}},
		{"a row of certificates", append([]entry{key("", "public")}, loose...), flat, nil},
		{"one certificate too few in it", append([]entry{key("", "public")}, loose[1:]...), flat, []string{"1 certificates are missing"}},
		{"nothing but the key and its own", []entry{key("", "public", leaf)}, shows{}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.ElementsMatch(t, tc.want, differences(want, tc.got, tc.shows))
		})
	}
}

// TestPublicOf: a key is the same in each encoding that programs print, and what is none is an error.
func TestPublicOf(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	for _, der := range [][]byte{pkcs8, sec1, spki} {
		got, err := publicOf(der)
		require.NoError(t, err)
		assert.Equal(t, spki, got)
	}
	_, err = publicOf([]byte("no key"))
	assert.Error(t, err)
}
