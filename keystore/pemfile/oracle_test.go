package pemfile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

// Go's crypto/x509 is the second opinion on single objects.

// FuzzAgainstX509: an object that crypto/x509 reads, we read, as the same key or with the same bytes.
func FuzzAgainstX509(f *testing.F) {
	addObjects(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, der []byte) {
		if isDER(der) && keystore.Signed(der) { // x509 takes more, inside and behind it
			requireSameSigned(t, der)
		}
		if key, err := x509.ParsePKIXPublicKey(der); err == nil {
			if same, err := x509.MarshalPKIXPublicKey(key); err == nil && bytes.Equal(same, der) {
				require.Equal(t, der, read(t, labelPublic, der).Others[0].Raw)
			}
		}
		requireSameKey(t, der)
	})
}

// requireSameSigned fails when crypto/x509 reads der as a certificate, request or CRL, and we do not.
func requireSameSigned(t *testing.T, der []byte) {
	t.Helper()
	if _, err := x509.ParseCertificate(der); err == nil {
		require.Equal(t, der, read(t, labelCertificate, der).Anchors[0].Certificate.Raw)
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		require.Equal(t, der, read(t, labelRequest, der).Others[0].Raw)
	}
	if _, err := x509.ParseRevocationList(der); err == nil {
		require.Equal(t, der, read(t, labelCRL, der).Others[0].Raw)
	}
}

// isDER reports whether an object is DER in all its parts, which crypto/x509 does not ask of those that it skips.
func isDER(data []byte) bool {
	der, rest, err := ber.Normalize(data, 32)
	return err == nil && len(rest) == 0 && bytes.Equal(der, data)
}

// requireSameKey fails when crypto/x509 reads der as a key, as it would write it itself, and we as none or another.
func requireSameKey(t *testing.T, der []byte) {
	t.Helper()
	check := func(label string, canonical []byte, key crypto.Signer) {
		t.Helper()
		if !bytes.Equal(canonical, der) {
			return // one that only a lenient reader takes
		}
		got := read(t, label, der).Identities[0].Key
		require.NotNil(t, got.Signer, label)
		require.Equal(t, key.Public(), got.Signer.Public(), label)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		check(labelRSA, x509.MarshalPKCS1PrivateKey(key), key)
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		canonical, err := x509.MarshalECPrivateKey(key)
		require.NoError(t, err)
		check(labelEC, canonical, key)
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if key, ok := parsed.(crypto.Signer); ok {
			canonical, err := x509.MarshalPKCS8PrivateKey(key)
			require.NoError(t, err)
			check(labelKey, canonical, key)
		}
	}
}

// read reads one object as text, which must go well.
func read(t *testing.T, label string, der []byte) *keystore.Store {
	t.Helper()
	store, err := Codec{}.Decode(appendBlock(nil, label, der), keystore.DecodeOptions{})
	require.NoError(t, err, "a %s that crypto/x509 reads: %x", label, der)
	return store
}

// traditionalKeys are unencrypted keys in the forms before PKCS#8, by the label of their block.
func traditionalKeys(t testing.TB) []*pem.Block {
	t.Helper()
	var keys []*pem.Block
	for _, name := range []string{"ec-parameters.pem", "rsa-pkcs1.pem", "dsa-traditional.pem", "ec-nopublic.pem"} {
		for block, rest := pem.Decode(sample(t, name)); block != nil; block, rest = pem.Decode(rest) {
			if strings.HasSuffix(block.Type, "PRIVATE KEY") {
				keys = append(keys, block)
			}
		}
	}
	require.Len(t, keys, 4)
	return keys
}

// traditionalCipherList is every cipher that crypto/x509 encrypts with.
var traditionalCipherList = []x509.PEMCipher{
	x509.PEMCipherDES, x509.PEMCipher3DES, x509.PEMCipherAES128, x509.PEMCipherAES192, x509.PEMCipherAES256,
}

// FuzzAgainstDecryptPEMBlock: a key encrypted by crypto/x509 opens with its password, whatever that is, and with no other;
// and where the block is damaged, we never hand out what crypto/x509 does not.
func FuzzAgainstDecryptPEMBlock(f *testing.F) {
	keys := traditionalKeys(f)
	for i := range keys {
		f.Add(byte(i), byte(i), []byte("0123456789abcdef"), "pässwörd", "wrong", uint16(0), byte(0))
		f.Add(byte(i), byte(i+1), []byte("iv"), "", "\x00", uint16(17), byte(1))
	}
	f.Fuzz(func(t *testing.T, key, cipher byte, iv []byte, password, wrong string, at uint16, flip byte) {
		plain := keys[int(key)%len(keys)]
		random := bytes.NewReader(append(iv, make([]byte, 16)...))
		chosen := traditionalCipherList[int(cipher)%len(traditionalCipherList)]
		//lint:ignore SA1019 deprecated for what it is, which is just what is tried here
		sealed, err := x509.EncryptPEMBlock(random, plain.Type, plain.Bytes, []byte(password), chosen)
		require.NoError(t, err)
		got, _, err := openTraditional(asBlock(sealed), keystore.Secret(password))
		require.NoError(t, err, "the right password")
		require.Equal(t, plain.Bytes, got)

		if wrong != password {
			_, _, err = openTraditional(asBlock(sealed), keystore.Secret(wrong))
			require.ErrorIs(t, err, keystore.ErrPassword, "the wrong password")
		}
		sealed.Bytes[int(at)%len(sealed.Bytes)] ^= flip
		//lint:ignore SA1019 as above
		theirs, theirErr := x509.DecryptPEMBlock(sealed, []byte(password))
		if got, _, err = openTraditional(asBlock(sealed), keystore.Secret(password)); err == nil {
			require.NoError(t, theirErr)
			require.Equal(t, theirs, got)
		}
	})
}

// asBlock is what the scanner would make of the block.
func asBlock(b *pem.Block) *block {
	return &block{label: b.Type, headers: []byte("Proc-Type: 4,ENCRYPTED\nDEK-Info: " + b.Headers["DEK-Info"]), der: b.Bytes}
}

// The samples are what they are to crypto/x509 as well, where it knows their kind.
func TestSamplesAgainstX509(t *testing.T) {
	agreed := 0
	for _, name := range sampleNames(t) {
		for block, rest := pem.Decode(sample(t, name)); block != nil; block, rest = pem.Decode(rest) {
			if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil && block.Type == labelKey {
				if signer, ok := key.(crypto.Signer); ok {
					assert.Equal(t, signer.Public(), read(t, labelKey, block.Bytes).Identities[0].Key.Signer.Public(), name)
					agreed++
				}
			}
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				assert.Equal(t, c.Raw, read(t, labelCertificate, block.Bytes).Anchors[0].Certificate.Raw, name)
				agreed++
			}
		}
	}
	assert.Greater(t, agreed, 10)
}
