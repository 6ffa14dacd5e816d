package pemfile

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// Keys of algorithms that Go does not know are carried as they are: through PEM, and through DER.
func TestKeysThatGoDoesNotKnow(t *testing.T) {
	for _, name := range []string{
		"ec-explicit.pem", "ec-secp256k1.pem", "ed448-pkcs8.pem", "x25519-pkcs8.pem", "rsapss-pkcs8.pem", "dsa-pkcs8.pem",
		"dsa-traditional.pem", "dsa-traditional.der", "dsa-traditional-aes256.pem",
	} {
		store := decode(t, sample(t, name), samplePassword)
		require.Len(t, store.Identities, 1, name)
		key := store.Identities[0].Key
		assert.Nil(t, key.Signer, name)
		if block, _ := pem.Decode(sample(t, name)); block != nil && block.Type == labelKey {
			assert.Equal(t, block.Bytes, []byte(key.PKCS8), name)
		}
		for _, codec := range []keystore.Codec{Codec{}, DER{}} {
			_, got, _ := rewrite(t, codec, store, fast())
			assert.Equal(t, key.PKCS8, got.Identities[0].Key.PKCS8, "%s through %s", name, codec.Name())
		}
	}
}

// A key whose encryption is not supported is locked, and says by what; what else is in the file can be seen. The right
// password is no wrong one for it.
func TestEncryptionThatIsNotSupported(t *testing.T) {
	cert := sample(t, "cert.pem")
	for _, tc := range [][3]string{
		{"refused-pbes2-camellia.pem", "1.2.392.200011.61.1.1.1.4", "PBKDF2-HMAC-SHA256 CAMELLIA-256-CBC"},
		{"refused-pbes2-cfb.pem", "2.16.840.1.101.3.4.1.44", "PBKDF2-HMAC-SHA256 AES-256-CFB"},
		{"refused-traditional-camellia.pem", "CAMELLIA-256-CBC", "CAMELLIA-256-CBC"},
	} {
		name, names, cipher := tc[0], tc[1], tc[2]
		for _, password := range []string{"", samplePassword} {
			store := decode(t, append(bytes.Clone(sample(t, name)), cert...), password)
			require.Len(t, store.Identities, 1, name)
			require.ErrorIs(t, store.Identities[0].Locked, keystore.ErrUnsupported, name)
			assert.ErrorContains(t, store.Identities[0].Locked, names)
			require.Len(t, store.Protection, 1)
			assert.Contains(t, strings.ToUpper(store.Protection[0].Algorithm), cipher, name)
			assert.Len(t, store.Identities[0].Chain, 1)
		}
		_, err := parseKey(sample(t, name), samplePassword)
		assert.ErrorIs(t, err, keystore.ErrUnsupported, name)
		assert.ErrorContains(t, err, names)
	}
}

// AES-GCM, which nobody reads and one Go library claims to write, is named as what is not supported.
func TestGCMIsNotSupported(t *testing.T) {
	p := newPKI(t)
	sealed, err := EncodeKey(privateKey(t, p.client), keystore.Secret("pw"), 1, fixedRandom())
	require.NoError(t, err)
	block, _ := pem.Decode(sealed)
	aes256 := []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A}
	require.Equal(t, 1, bytes.Count(block.Bytes, aes256))
	gcm := append(bytes.Clone(aes256[:len(aes256)-1]), 0x2E)
	_, err = parseKey(bytes.ReplaceAll(block.Bytes, aes256, gcm), "pw")
	assert.ErrorIs(t, err, keystore.ErrUnsupported)
	assert.NotErrorIs(t, err, keystore.ErrPassword)
	assert.ErrorContains(t, err, "2.16.840.1.101.3.4.1.46")
}

// What a DSA key was before PKCS#8, in text and in DER, encrypted or not, is what OpenSSL makes of it.
func TestDSA(t *testing.T) {
	want := decode(t, sample(t, "dsa-pkcs8.pem"), "").Identities[0].Key.PKCS8
	for _, name := range []string{"dsa-traditional.pem", "dsa-traditional.der", "dsa-traditional-aes256.pem"} {
		assert.Equal(t, want, decode(t, sample(t, name), samplePassword).Identities[0].Key.PKCS8, name)
	}
}

// Such keys find their certificates all the same, whatever order they are in, where they carry their public half.
func TestPairsThatGoDoesNotKnow(t *testing.T) {
	store := decode(t, sample(t, "unknown-pairs.pem"), "")
	require.Len(t, store.Identities, 3)
	var leaves []string
	for i := range store.Identities {
		leaf := ""
		if c := store.Identities[i].Leaf(); c != nil {
			leaf = subjectOf(t, *c)
		}
		leaves = append(leaves, leaf)
	}
	assert.Equal(t, []string{"", "CN=rsapss-pkcs8", "CN=ec-secp256k1"}, leaves, "Ed448 keys do not carry their public half")
	require.Len(t, store.Loose, 1)
	assert.Equal(t, "CN=ed448-pkcs8", subjectOf(t, store.Loose[0].Certificate))
}

// subjectOf is the subject of a certificate that Go may refuse.
func subjectOf(t *testing.T, c keystore.Certificate) string {
	t.Helper()
	subject, _ := c.Names()
	require.NotNil(t, subject)
	return keystore.DistinguishedName(subject)
}

// The example of RFC 8410 section 10.3: PKCS#8 version 2 with attributes and a public key, all of which stays.
func TestOneAsymmetricKey(t *testing.T) {
	der, err := base64.StdEncoding.DecodeString("MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJ" +
		"FDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
	require.NoError(t, err)
	for _, file := range [][]byte{der, appendBlock(nil, labelKey, der)} {
		store := decode(t, file, "")
		require.Len(t, store.Identities, 1)
		key := store.Identities[0].Key
		assert.Equal(t, der, []byte(key.PKCS8))
		assert.NotEmpty(t, key.PublicID())
		_, got, _ := rewrite(t, Codec{}, store, fast())
		assert.Equal(t, der, []byte(got.Identities[0].Key.PKCS8))
	}
}
