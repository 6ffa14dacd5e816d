package jksfile

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"encoding/asn1"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// JCEKS as keytool writes it: keys under both passwords, secret keys of every way to serialize one, trusted ones.
func TestJCEKS(t *testing.T) {
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		in := func(args ...string) []string {
			return append(args, "-keystore", "k.jceks", "-storetype", "JCEKS", "-storepass", "storepw")
		}
		jdk.Keytool(t, dir, [][]string{
			in("-genkeypair", "-alias", "one", "-keyalg", "EC", "-dname", "CN=one", "-keypass", "storepw"),
			in("-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "256", "-keypass", "storepw"),
			in("-genseckey", "-alias", "des", "-keyalg", "DESede", "-keypass", "storepw"),
			in("-genseckey", "-alias", "hmac", "-keyalg", "HmacSHA256", "-keysize", "256", "-keypass", "keypw2"),
			append([]string{"<a password", "<a password"}, in("-importpass", "-alias", "pbe", "-keypass", "storepw")...),
			in("-genkeypair", "-alias", "two", "-keyalg", "EC", "-dname", "CN=two", "-keypass", "keypw2"),
			in("-exportcert", "-alias", "one", "-file", "one.crt"),
			in("-importcert", "-noprompt", "-alias", "trusted", "-file", "one.crt"),
			{"-importkeystore", "-noprompt", "-srckeystore", "k.jceks", "-srcstoretype", "JCEKS", "-srcstorepass", "storepw", "-srcalias", "two",
				"-srckeypass", "keypw2", "-destkeystore", "two.jks", "-deststoretype", "JKS", "-deststorepass", "storepw", "-destkeypass", "storepw"},
			{"-importkeystore", "-noprompt", "-srckeystore", "k.jceks", "-srcstoretype", "JCEKS", "-srcstorepass", "storepw", "-srcalias", "one",
				"-destkeystore", "one.jks", "-deststoretype", "JKS", "-deststorepass", "storepw", "-destkeypass", "storepw"},
		}...)

		got := readFile(t, dir, "k.jceks", keystore.DecodeOptions{Password: keystore.Secret("storepw"), KeyPassword: keystore.Secret("keypw2")})
		require.Len(t, got.Identities, 2)
		require.Len(t, got.Anchors, 1)
		assert.Equal(t, map[string]string{"aes": "AES 256", "des": "DESede 192", "hmac": "HmacSHA256 256", "pbe": "PBEWithMD5AndDES 80"}, secretsOf(t, got))
		assert.Equal(t, keystore.IntegrityVerified, got.Integrity)

		// The same keys through keytool itself, which proves that ours are the right bytes.
		through := append(readFile(t, dir, "one.jks", keystore.DecodeOptions{Password: keystore.Secret("storepw")}).Identities,
			readFile(t, dir, "two.jks", keystore.DecodeOptions{Password: keystore.Secret("storepw")}).Identities...)
		assert.ElementsMatch(t, entries(&keystore.Store{Identities: through}, false), entries(&keystore.Store{Identities: got.Identities}, false))
		for _, p := range got.Protection {
			if p.Part == "key" {
				assert.Contains(t, p.Algorithm, "PBEWithMD5AndTripleDES")
				assert.Positive(t, p.Iterations)
				assert.NotEmpty(t, p.Weak)
			}
		}

		// The way out of a secret key in the way, as errors name it.
		jdk.Keytool(t, dir, in("-delete", "-alias", "aes"))
		assert.NotContains(t, secretsOf(t, readFile(t, dir, "k.jceks", keystore.DecodeOptions{Password: keystore.Secret("storepw")})), "aes")

		unopened := readFile(t, dir, "k.jceks", keystore.DecodeOptions{})
		assert.Len(t, unopened.Others, 3, "secret keys are listed without a password too")
		assert.Equal(t, keystore.IntegrityUnchecked, unopened.Integrity)
	})
}

// secretsOf returns what was told of each secret key, by alias.
func secretsOf(t *testing.T, s *keystore.Store) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	for _, o := range s.Others {
		assert.Equal(t, keystore.KindSecret, o.Kind)
		assert.Nil(t, o.Raw, "the bytes of a secret key are not kept")
		secrets[o.Alias] = o.Algorithm + " " + strconv.Itoa(o.Bits)
	}
	return secrets
}

// sealJCEKS encrypts a PrivateKeyInfo as the JDK does in a JCEKS file, and returns an EncryptedPrivateKeyInfo.
func sealJCEKS(t *testing.T, pkcs8 []byte, salt [8]byte, iterations int, password keystore.Secret) []byte {
	t.Helper()
	params := jceksParams{Salt: salt[:], Iterations: int64(iterations)}
	derived := jceksKey(params, password)
	block, err := des.NewTripleDESCipher(derived[:24])
	require.NoError(t, err)
	pad := des.BlockSize - len(pkcs8)%des.BlockSize
	data := append(bytes.Clone(pkcs8), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, derived[24:]).CryptBlocks(data, data)
	encoded, err := asn1.Marshal(params)
	require.NoError(t, err)
	der, err := wrapKey(protectors[1].der, encoded, data)
	require.NoError(t, err)
	return der
}

// Rare files, which Java reads as we do: a key in JCEKS that is protected the way of JKS, and a salt of two equal halves,
// the first of which is turned round.
func TestRareJCEKS(t *testing.T) {
	store := mixedStore(t)
	key, certificate := store.Identities[1].Key.PKCS8, store.Identities[1].Chain[0].Raw
	password := keystore.Secret("changeit")
	password16, err := utf16Password(password)
	require.NoError(t, err)
	sun, err := sealSun(key, password16, fixedRandom())
	require.NoError(t, err)
	equal := sealJCEKS(t, key, [8]byte{1, 2, 3, 4, 1, 2, 3, 4}, 1000, password)
	usual := sealJCEKS(t, key, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, 1000, password)
	turned := jceksKey(jceksParams{Salt: []byte{4, 3, 2, 1, 1, 2, 3, 4}, Iterations: 1000}, password)
	assert.Equal(t, turned, jceksKey(jceksParams{Salt: []byte{1, 2, 3, 4, 1, 2, 3, 4}, Iterations: 1000}, password))
	file := raw(magicJCEKS, 2, 3)
	for i, sealed := range [][]byte{sun, equal, usual} {
		file = append(file, raw(tagKey, strconv.Itoa(i), int64(1), len(sealed), sealed, 1, "X.509", len(certificate), certificate)...)
	}
	file = withDigest(t, file)
	want, err := Codec{}.Decode(file, keystore.DecodeOptions{Password: password})
	require.NoError(t, err)
	require.Len(t, want.Identities, 3)
	for _, i := range want.Identities {
		require.NoError(t, i.Locked)
		assert.Equal(t, key, i.Key.PKCS8)
	}
	_, err = Codec{}.Decode(file, keystore.DecodeOptions{Password: password, Limits: keystore.Limits{Iterations: 1000}})
	assert.NoError(t, err)
	_, err = Codec{}.Decode(file, keystore.DecodeOptions{Password: password, Limits: keystore.Limits{Iterations: 999}})
	assert.ErrorIs(t, err, keystore.ErrTooLarge)
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		putFile(t, dir, "k.jceks", file)
		jdk.Keytool(t, dir, []string{"-importkeystore", "-noprompt", "-srckeystore", "k.jceks", "-srcstoretype", "JCEKS", "-srcstorepass", "changeit",
			"-destkeystore", "k.jks", "-deststoretype", "JKS", "-deststorepass", "changeit"})
		assert.ElementsMatch(t, entries(want, false), entries(readFile(t, dir, "k.jks", keystore.DecodeOptions{Password: password}), false))
	})
}

// What opened one key is tried first on the next: a derivation in vain for each takes as long as the one that fits.
func TestWhatOpenedAKeyIsTriedFirst(t *testing.T) {
	other := keystore.Secret("other")
	key, certificate := mixedStore(t).Identities[1].Key.PKCS8, mixedStore(t).Identities[1].Chain[0].Raw
	file := raw(magicJCEKS, 2, 2)
	for i := range 2 {
		sealed := sealJCEKS(t, key, [8]byte{1, 2, 3, 4, 5, 6, 7, byte(i)}, 10, other)
		file = append(file, raw(tagKey, strconv.Itoa(i), int64(1), len(sealed), sealed, 1, "X.509", len(certificate), certificate)...)
	}
	d := newDecoder(withDigest(t, file), keystore.DecodeOptions{Password: keystore.Secret("changeit"), KeyPassword: other})
	require.NoError(t, d.run())
	assert.Equal(t, other, d.passwords.OfKey("x")[0])
}

// A file whose keys together ask for more than it may is refused before the first of them is opened, and so costs nothing.
// Under two passwords, each of which may have to be tried, it may ask for twice as much.
func TestJCEKSIsForeseen(t *testing.T) {
	file := raw(magicJCEKS, 2, 10)
	for i := range 10 {
		iterations, size := 1, 8
		if i > 0 {
			iterations, size = 5_000_000, 60 // no whole blocks, which is seen when it is looked at
		}
		params, err := asn1.Marshal(jceksParams{Salt: make([]byte, 8), Iterations: int64(iterations)})
		require.NoError(t, err)
		sealed, err := wrapKey(protectors[1].der, params, make([]byte, size))
		require.NoError(t, err)
		file = append(file, raw(tagKey, strconv.Itoa(i), int64(1), len(sealed), sealed, 0)...)
	}
	d := newDecoder(withDigest(t, file), keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	require.ErrorIs(t, d.run(), keystore.ErrTooLarge)
	assert.Len(t, d.store.Protection, 1, "no key was looked at")
	_, err := Codec{}.Decode(withDigest(t, file), keystore.DecodeOptions{})
	assert.NoError(t, err, "without a password there is no work")

	two := keystore.DecodeOptions{Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("x")}
	size := int64(len(file))
	assert.NoError(t, newDecoder(file, two).budget.Covers(8*5_000_000+2*1000*size))
	assert.Error(t, newDecoder(file, two).budget.Covers(8*5_000_000+2*1000*size+1))
	two.KeyPassword = two.Password
	assert.Error(t, newDecoder(file, two).budget.Covers(8*5_000_000+1000*size+1))
}
