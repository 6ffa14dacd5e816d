package pbe

import (
	"crypto/ecdsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// opensslKinds are the options of `openssl pkcs8` for every encryption it knows, and what we call that.
var opensslKinds = []struct{ args, want string }{
	{"-v2 aes-256-cbc", "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"},
	{"-v2 aes-192-cbc -v2prf hmacWithSHA1", "PBES2 PBKDF2-HMAC-SHA1 AES-192-CBC"},
	{"-v2 aes-128-cbc -v2prf hmacWithSHA224", "PBES2 PBKDF2-HMAC-SHA224 AES-128-CBC"},
	{"-v2 des3 -v2prf hmacWithSHA384", "PBES2 PBKDF2-HMAC-SHA384 3DES-CBC"},
	{"-v2 aes-256-cbc -v2prf hmacWithSHA512", "PBES2 PBKDF2-HMAC-SHA512 AES-256-CBC"},
	{"-v2 aes-256-cbc -v2prf hmacWithSHA512-224", "PBES2 PBKDF2-HMAC-SHA512/224 AES-256-CBC"},
	{"-v2 aes-256-cbc -v2prf hmacWithSHA512-256", "PBES2 PBKDF2-HMAC-SHA512/256 AES-256-CBC"},
	{"-v2 aes-256-cbc -v2prf hmacWithMD5", "PBES2 PBKDF2-HMAC-MD5 AES-256-CBC"},
	{"-v2 des-cbc -provider legacy -provider default", "PBES2 PBKDF2-HMAC-SHA256 DES-CBC"},
	{"-v2 rc2-cbc -provider legacy -provider default", "PBES2 PBKDF2-HMAC-SHA256 RC2-128-CBC"},
	{"-v2 rc2-64-cbc -provider legacy -provider default", "PBES2 PBKDF2-HMAC-SHA256 RC2-64-CBC"},
	{"-v2 rc2-40-cbc -provider legacy -provider default", "PBES2 PBKDF2-HMAC-SHA256 RC2-40-CBC"},
	{"-scrypt", "PBES2 scrypt AES-256-CBC"},
	{"-v1 PBE-SHA1-3DES", "PBE-SHA1-3DES"},
	{"-v1 PBE-SHA1-2DES", "PBE-SHA1-2DES"},
	{"-v1 PBE-SHA1-RC4-128 -provider legacy -provider default", "PBE-SHA1-RC4-128"},
	{"-v1 PBE-SHA1-RC4-40 -provider legacy -provider default", "PBE-SHA1-RC4-40"},
	{"-v1 PBE-SHA1-RC2-128 -provider legacy -provider default", "PBE-SHA1-RC2-128"},
	{"-v1 PBE-SHA1-RC2-40 -provider legacy -provider default", "PBE-SHA1-RC2-40"},
	{"-v1 PBE-SHA1-RC2-64 -provider legacy -provider default", "PBE-SHA1-RC2-64"},
	{"-v1 PBE-SHA1-DES -provider legacy -provider default", "PBE-SHA1-DES"},
	{"-v1 PBE-MD5-DES -provider legacy -provider default", "PBE-MD5-DES"},
	{"-v1 PBE-MD5-RC2-64 -provider legacy -provider default", "PBE-MD5-RC2-64"},
}

// TestReadsOpenSSL decrypts keys that `openssl pkcs8` encrypted in every way it knows.
func TestReadsOpenSSL(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	plain := testKey(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.der"), plain, 0o600))
	for _, tc := range opensslKinds {
		t.Run(tc.args, func(t *testing.T) {
			for _, pw := range []string{"pw", "pässwörd€😀", ""} {
				args := append([]string{"pkcs8", "-topk8", "-inform", "DER", "-in", "key.der", "-outform", "DER", "-out", "enc.der", "-passout", "pass:" + pw}, strings.Fields(tc.args)...)
				interop.Run(t, dir, openssl, args...)
				info, err := os.ReadFile(filepath.Join(dir, "enc.der"))
				require.NoError(t, err)
				got, p, err := Decrypt(info, keystore.Secret(pw), keystore.Limits{})
				require.NoError(t, err, "password %q", pw)
				assert.Equal(t, plain, got)
				assert.Equal(t, tc.want, p.Algorithm)
				_, _, err = Decrypt(info, keystore.Secret("wrong"), keystore.Limits{})
				assert.ErrorIs(t, err, keystore.ErrPassword)
			}
		})
	}
}

// TestEveryOpenSSLCipher tries all that openssl lists: what it writes we open, or name with its OID. Nothing is taken for a
// wrong password or damage.
func TestEveryOpenSSLCipher(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	dir := t.TempDir()
	plain := testKey(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.der"), plain, 0o600))
	providers := []string{"-provider", "legacy", "-provider", "default"}
	list := interop.Run(t, dir, openssl, append([]string{"list", "-cipher-algorithms"}, providers...)...)
	opened, named := 0, 0
	tried := map[string]bool{}
	for _, cipher := range regexp.MustCompile(`[A-Za-z0-9]+-[A-Za-z0-9-]+`).FindAllString(list, -1) {
		name := strings.ToLower(cipher)
		if tried[name] {
			continue
		}
		tried[name] = true
		if _, err := interop.Try(t, dir, openssl, append([]string{"pkcs8", "-topk8", "-inform", "DER", "-in", "key.der", "-outform", "DER",
			"-out", name, "-passout", "pass:pw", "-iter", "2", "-v2", name}, providers...)...); err != nil {
			continue // it has no OID, or no place for its parameters
		}
		info, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got, _, err := Decrypt(info, keystore.Secret("pw"), keystore.Limits{})
		if err == nil {
			assert.Equal(t, plain, got, cipher)
			opened++
			continue
		}
		assert.ErrorIs(t, err, keystore.ErrUnsupported, cipher)
		assert.Regexp(t, `\d+\.\d+\.\d+`, err.Error(), "the OID is told")
		named++
	}
	assert.GreaterOrEqual(t, opened, 5, "AES, DES, RC2")
	assert.GreaterOrEqual(t, named, 10)
}

// TestOpenSSLReads has openssl decrypt what we encrypt.
func TestOpenSSLReads(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	plain := testKey(t)
	want, err := x509.ParsePKCS8PrivateKey(plain)
	require.NoError(t, err)
	dir := t.TempDir()
	for _, scheme := range []Scheme{AES256, TripleDES} {
		for _, pw := range []string{"pw", "pässwörd€😀", ""} {
			info, err := Encrypt(plain, keystore.Secret(pw), Params{scheme, 2000}, seeded())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "enc.der"), info, 0o600))
			interop.Run(t, dir, openssl, "pkcs8", "-inform", "DER", "-in", "enc.der", "-outform", "DER", "-out", "dec.der", "-passin", "pass:"+pw)
			out, err := os.ReadFile(filepath.Join(dir, "dec.der"))
			require.NoError(t, err)
			got, err := x509.ParseECPrivateKey(out)
			require.NoError(t, err)
			assert.True(t, want.(*ecdsa.PrivateKey).Equal(got), "%s, password %q", scheme, pw)
		}
	}
}
