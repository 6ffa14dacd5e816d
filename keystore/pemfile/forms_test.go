package pemfile

import (
	"crypto/rsa"
	"crypto/x509"
	"embed"
	"encoding/asn1"
	"fmt"
	"io/fs"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

//go:embed testdata/samples
var samples embed.FS

// codecs are the formats of this package.
var codecs = []keystore.Codec{Codec{}, DER{}, PKCS7{}}

// samplePassword is that of every encrypted sample.
const samplePassword = "sample pässwörd"

// sample returns a file of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(samples, "testdata/samples/"+name)
	require.NoError(t, err)
	return data
}

// sampleNames lists the files of testdata that are samples.
func sampleNames(t testing.TB) []string {
	t.Helper()
	entries, err := samples.ReadDir("testdata/samples")
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".md") && !strings.HasSuffix(e.Name(), ".sh") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	require.Greater(t, len(names), 40)
	return names
}

// parseKey reads the one private key of a file, or says why it cannot be read.
func parseKey(data []byte, password string) (*keystore.PrivateKey, error) {
	store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(password)})
	if err != nil {
		return nil, err
	}
	if len(store.Identities) != 1 {
		return nil, fmt.Errorf("%d keys", len(store.Identities))
	}
	return store.Identities[0].Key, store.Identities[0].Locked
}

// Every form of a key is the same PKCS#8, byte for byte what OpenSSL makes of it.
func TestKeyForms(t *testing.T) {
	read := func(name string) *keystore.PrivateKey {
		key, err := parseKey(sample(t, name), samplePassword)
		require.NoError(t, err, name)
		return key
	}
	wanted := map[string]*keystore.PrivateKey{"ec": read("ec-pkcs8.pem"), "rsa": read("rsa-pkcs8.pem")}
	count := 0
	for _, name := range sampleNames(t) {
		kind, form, _ := strings.Cut(name, "-")
		want := wanted[kind]
		if want == nil || form == "explicit.pem" || form == "secp256k1.pem" || form == "public.pem" || strings.HasPrefix(form, "spki") {
			continue
		}
		count++
		t.Run(name, func(t *testing.T) {
			got := read(name)
			require.NotNil(t, got.Signer)
			if form == "nopublic.pem" { // the bytes differ, the key does not
				assert.Equal(t, want.Signer.Public(), got.Signer.Public())
				return
			}
			assert.Equal(t, []byte(want.PKCS8), []byte(got.PKCS8))
		})
	}
	assert.Equal(t, 41, count)
}

// Curves that Go does not know are no reason to refuse a key that can be converted all the same.
func TestUnknownCurves(t *testing.T) {
	for _, name := range []string{"ec-explicit.pem", "ec-secp256k1.pem"} {
		store := decode(t, sample(t, name), "")
		require.Len(t, store.Identities, 1)
		assert.Nil(t, store.Identities[0].Key.Signer)
		data, err := Codec{}.Encode(store, fast())
		require.NoError(t, err)
		assert.Equal(t, store.Identities[0].Key.PKCS8, decode(t, data, "pässwörd").Identities[0].Key.PKCS8)
	}
}

func TestEncryptionIsDescribed(t *testing.T) {
	for name, want := range map[string]string{
		"ec-traditional-aes256.pem":   "traditional PEM MD5 AES-256-CBC",
		"rsa-traditional-des3.pem":    "traditional PEM MD5 3DES-CBC",
		"ec-pbes2-hmacWithSHA384.pem": "PBES2 PBKDF2-HMAC-SHA384 AES-256-CBC",
		"ec-scrypt.pem":               "PBES2 scrypt AES-256-CBC",
	} {
		store := decode(t, sample(t, name), "")
		require.Len(t, store.Protection, 1, name)
		assert.Equal(t, want, store.Protection[0].Algorithm)
		assert.Equal(t, "key", store.Protection[0].Part)
		assert.Error(t, store.Identities[0].Locked)
		_, err := Codec{}.Decode(sample(t, name), keystore.DecodeOptions{Password: keystore.Secret("wrong")})
		assert.ErrorIs(t, err, keystore.ErrPassword, name)
	}
}

// Every form of a certificate, in text or not, is the same certificate; without a key beside it, a trusted one.
func TestCertificateForms(t *testing.T) {
	want, err := keystore.ParseCertificate(sample(t, "cert.der"))
	require.NoError(t, err)
	for name, alias := range map[string]string{
		"cert.pem": "", "cert.der": "", "cert-x509.pem": "", "cert-crlf.pem": "", "cert-bom.pem": "", "cert-text.pem": "",
		"cert-trusted.pem": "näme", "bundle.p7b": "", "bundle.der": "", "bundle-ber.der": "",
	} {
		t.Run(name, func(t *testing.T) {
			store := decode(t, sample(t, name), "")
			require.Len(t, store.Anchors, 1)
			assert.Equal(t, alias, store.Anchors[0].Alias)
			assert.True(t, want.Equal(store.Anchors[0].Certificate))
			all, err := ParseCertificates(sample(t, name))
			require.NoError(t, err)
			assert.Len(t, all, 1)
		})
	}
	refused := decode(t, sample(t, "cert-rejected.pem"), "")
	assert.Empty(t, refused.Anchors, "a certificate that OpenSSL was told not to trust")
	assert.Len(t, refused.Loose, 1)
	assert.Equal(t, "trust-settings", refused.Problems[0].Code)
}

// The names in what openssl pkcs12 prints are the aliases, and its order does not matter.
func TestBagAttributes(t *testing.T) {
	store := decode(t, sample(t, "bag-attributes.pem"), "")
	require.Len(t, store.Identities, 1)
	assert.Equal(t, "näme", store.Identities[0].Alias)
	assert.Len(t, store.Identities[0].Chain, 1)
	assert.Empty(t, store.Loose)
}

func TestOtherForms(t *testing.T) {
	for name, want := range map[string]struct {
		kind keystore.OtherKind
		raw  string
	}{
		"request.pem": {keystore.KindRequest, "request.der"}, "request-new.pem": {keystore.KindRequest, "request.der"},
		"request.der": {keystore.KindRequest, "request.der"},
		"crl.pem":     {keystore.KindCRL, "crl.der"}, "crl.der": {keystore.KindCRL, "crl.der"},
		"rsa-public.pem": {keystore.KindPublicKey, "rsa-spki.der"}, "rsa-spki.pem": {keystore.KindPublicKey, "rsa-spki.der"},
		"rsa-spki.der": {keystore.KindPublicKey, "rsa-spki.der"},
	} {
		store := decode(t, sample(t, name), "")
		require.Len(t, store.Others, 1, name)
		assert.Equal(t, want.kind, store.Others[0].Kind, name)
		assert.Equal(t, sample(t, want.raw), store.Others[0].Raw, name)
	}
	for _, name := range []string{"request.pem", "request-new.pem", "request.der"} {
		request, err := ParseRequest(sample(t, name))
		require.NoError(t, err, name)
		assert.Equal(t, "sample", request.Subject.CommonName)
		assert.NoError(t, request.CheckSignature())
	}
	lists, err := ParseCRLs(append(sample(t, "crl.pem"), sample(t, "crl.pem")...))
	require.NoError(t, err)
	assert.Len(t, lists, 2)
}

// Every sample is recognised by its content, as one format alone, and nothing that only looks like PEM is.
func TestSniff(t *testing.T) {
	for _, name := range sampleNames(t) {
		want := "pem"
		switch {
		case strings.HasSuffix(name, ".p7b"), strings.HasPrefix(name, "bundle"), strings.HasPrefix(name, "chain"):
			want = "p7b"
		case strings.HasSuffix(name, ".der"):
			want = "der"
		}
		for _, c := range codecs {
			assert.Equal(t, c.Name() == want, c.Sniff(sample(t, name)), "%s as %s", name, c.Name())
			store, err := c.Decode(sample(t, name), keystore.DecodeOptions{Password: keystore.Secret(samplePassword)})
			requireKind(t, store, err)
			if c.Name() != want && c.Name() != "pem" {
				assert.ErrorIs(t, err, keystore.ErrFormat, "%s as %s", name, c.Name())
			}
		}
	}
	for _, no := range []string{"", "text", "-----BEGIN PGP MESSAGE-----\n", "-----BEGIN CERTIFICATE", "0text", "\x30\x03\x02\x01\x03", "\xFE\xED\xFE\xED"} {
		assert.False(t, Codec{}.Sniff([]byte(no)), "%q", no)
	}
}

// What we bundle, we read; and it is what OpenSSL makes of the same certificate.
func TestPKCS7(t *testing.T) {
	certificate, err := keystore.ParseCertificate(sample(t, "cert.der"))
	require.NoError(t, err)
	der, err := EncodePKCS7(certificate)
	require.NoError(t, err)
	assert.Equal(t, sample(t, "bundle.der"), der)
	text, err := EncodePKCS7Text(certificate)
	require.NoError(t, err)
	assert.Equal(t, string(sample(t, "bundle.p7b")), string(text))
}

// A public key of PKCS#1 in DER, which has nothing but its two numbers, is told from other pairs of numbers.
func TestPublicNumbers(t *testing.T) {
	public := &mint.CA(t, "x", "rsa").Key.(*rsa.PrivateKey).PublicKey
	want, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	store, err := DER{}.Decode(x509.MarshalPKCS1PublicKey(public), keystore.DecodeOptions{})
	require.NoError(t, err)
	require.Len(t, store.Others, 1)
	assert.Equal(t, keystore.KindPublicKey, store.Others[0].Kind)
	assert.Equal(t, want, store.Others[0].Raw)
	pair := func(a, b *big.Int) []byte {
		der, err := asn1.Marshal(struct{ A, B *big.Int }{a, b})
		require.NoError(t, err)
		return der
	}
	for name, der := range map[string][]byte{
		"parameters of Diffie-Hellman":    pair(public.N, big.NewInt(2)),
		"others":                          pair(public.N, big.NewInt(5)),
		"a signature":                     pair(new(big.Int).Rsh(public.N, 1024), new(big.Int).Rsh(public.N, 1025)),
		"a signature, on the large curve": pair(new(big.Int).Rsh(public.N, 1500), new(big.Int).Rsh(public.N, 1501)),
		"a negative modulus":              pair(new(big.Int).Neg(public.N), big.NewInt(65537)),
	} {
		assert.False(t, DER{}.Sniff(der), name)
	}
}
