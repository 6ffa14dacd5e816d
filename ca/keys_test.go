package ca_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
)

// weakRSA has 1024 bits: no product of primes, which nobody looks at before the length.
var weakRSA = &rsa.PublicKey{N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(1)), E: 65537}

func TestCheckKey(t *testing.T) {
	rsaKey := keyOf(t, ca.RSA2048).Signer.Public().(*rsa.PublicKey)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	smooth := new(big.Int).Mul(big.NewInt(751), new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 2038), big.NewInt(1)))
	for _, tc := range []struct {
		name   string
		key    crypto.PublicKey
		notice string
		fails  bool
	}{
		{name: "P-256", key: keyOf(t, ca.ECDSAP256).Signer.Public()},
		{name: "P-384", key: keyOf(t, ca.ECDSAP384).Signer.Public()},
		{name: "P-521", key: p521.Public(), notice: "p521-readers"},
		{name: "P-224", key: p224.Public(), fails: true},
		{name: "Ed25519", key: ed, notice: "ed25519-readers"},
		{name: "RSA 2048", key: rsaKey},
		{name: "RSA 1024", key: weakRSA, fails: true},
		{name: "RSA 16384", key: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 16383), E: 65537}, fails: true},
		{name: "RSA with exponent 3", key: &rsa.PublicKey{N: rsaKey.N, E: 3}, fails: true},
		{name: "RSA with an even exponent", key: &rsa.PublicKey{N: rsaKey.N, E: 65538}, fails: true},
		{name: "RSA with a small factor", key: &rsa.PublicKey{N: smooth, E: 65537}, fails: true},
		{name: "an even modulus", key: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, fails: true},
		{name: "nothing", fails: true},
		{name: "something else", key: "key", fails: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			notices, err := ca.CheckKey(tc.key)
			if tc.fails {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			if tc.notice == "" {
				assert.Empty(t, notices)
			} else {
				require.Len(t, notices, 1)
				assert.Equal(t, tc.notice, notices[0].Code)
			}
		})
	}
}

func TestParseKeyType(t *testing.T) {
	for name, want := range map[string]ca.KeyType{
		"": ca.ECDSAP256, "RSA": ca.RSA2048, "EC": ca.ECDSAP256, "rsa-4096": ca.RSA4096, "Ed25519": ca.Ed25519,
	} {
		kind, err := ca.ParseKeyType(name)
		require.NoError(t, err)
		assert.Equal(t, want, kind)
	}
	_, err := ca.ParseKeyType("dsa")
	require.ErrorIs(t, err, ca.ErrPolicy)
}
