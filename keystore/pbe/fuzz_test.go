package pbe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// FuzzDecrypt holds decryption to its errors on any bytes, to what the standard library finds in them, and to
// opening again what it encrypts of what it opened.
func FuzzDecrypt(f *testing.F) {
	if interop.Seeds() != interop.SeedsNone {
		addSeeds(f)
	}
	small := keystore.Limits{Iterations: 1000, ScryptMem: 1 << 20}
	f.Fuzz(func(t *testing.T, info []byte, pw string) {
		plain, p, err := Decrypt(info, keystore.Secret(pw), small)
		checkOracle(t, info, pw, plain, err, small.Iterations)
		if err != nil {
			if plain != nil || keystore.KindOf(err) == nil {
				t.Fatalf("got %d bytes with error %v; want none, and one of the kinds", len(plain), err)
			}
			return
		}
		if p.Algorithm == "" || p.OID == "" {
			t.Fatalf("opened without saying how: %+v", p)
		}
		alg, _, err := SplitInfo(info)
		require.NoError(t, err)
		described, err := Describe(alg, small)
		require.NoError(t, err)
		require.Equal(t, described, p, "described as opened")
		checkSealing(t, plain, keystore.Secret(pw))
	})
}

// checkSealing encrypts what was opened in both ways and opens it again.
func checkSealing(t *testing.T, plain []byte, pw keystore.Secret) {
	t.Helper()
	for _, scheme := range []Scheme{AES256, TripleDES} {
		info, err := Encrypt(plain, pw, Params{scheme, 2}, seeded())
		require.NoError(t, err)
		got, _, err := Decrypt(info, pw, keystore.Limits{})
		require.NoError(t, err)
		require.Equal(t, plain, got)
	}
}

// addSeeds adds keys that we encrypt, that openssl encrypts in every way it knows, and hostile ones.
func addSeeds(f *testing.F) {
	plain := testKey(f)
	for _, scheme := range []Scheme{AES256, TripleDES} {
		info, err := Encrypt(plain, keystore.Secret("pw"), Params{scheme, 2}, seeded())
		require.NoError(f, err)
		f.Add(info, "pw")
	}
	hostile := [][]byte{
		pbes2(oidScrypt, scryptParams(16, 8, 1)),
		pbes2(oidPBKDF2, pbkdf2Params(8, 2_000_000_000, 0, "")),
		pbes2(oidPBKDF2, pbkdf2Params(8, 2, 32, "1.2.840.113549.2.12")),
	}
	for oid := range oldKinds {
		hostile = append(hostile, oldParams(oid))
	}
	for _, alg := range hostile {
		info, err := joinInfo(alg, make([]byte, 32))
		require.NoError(f, err)
		f.Add(info, "pw")
	}
	openssl := interop.Optional(f, "openssl")
	if openssl == "" {
		return
	}
	dir := f.TempDir()
	require.NoError(f, os.WriteFile(filepath.Join(dir, "key.der"), plain, 0o600))
	for _, tc := range opensslKinds {
		args := append([]string{"pkcs8", "-topk8", "-inform", "DER", "-in", "key.der", "-outform", "DER", "-out", "enc.der", "-passout", "pass:pw", "-iter", "2"},
			strings.Fields(strings.Replace(tc.args, "-scrypt", "-scrypt -scrypt_N 16", 1))...)
		interop.Run(f, dir, openssl, args...)
		info, err := os.ReadFile(filepath.Join(dir, "enc.der"))
		require.NoError(f, err)
		f.Add(info, "pw")
	}
}
