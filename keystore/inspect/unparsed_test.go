package inspect_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// What Go's parser refuses for its curve is described all the same, and judged by its dates.
func TestCurveThatGoDoesNotKnow(t *testing.T) {
	known, unknown := []byte("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), []byte("\x2A\x86\x48\xCE\x3D\x03\x01\x01")
	ca := mint.CA(t, "strange", "ec")
	certificate := keystore.NewCertificate(bytes.ReplaceAll(ca.DER, known, unknown))
	require.Nil(t, certificate.X509)
	key, err := keystore.NewPrivateKey(bytes.ReplaceAll(ca.PKCS8, known, unknown))
	require.NoError(t, err)
	require.Nil(t, key.Signer)
	s := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: key, Chain: []keystore.Certificate{certificate}}}}

	f := inspect.Describe(s, inspect.Options{Format: "p12", Now: mint.Day})
	assert.Equal(t, &inspect.Key{Algorithm: "EC", Bits: 192, Curve: "P-192"}, f.Entries[0].Key)
	got := f.Entries[0].Certificates[0]
	assert.Equal(t, "CN=strange", got.Subject)
	assert.Equal(t, "CN=strange", got.Issuer)
	assert.True(t, got.SelfSigned)
	assert.Equal(t, ca.Cert.SerialNumber.Text(16), got.Serial)
	assert.Equal(t, ca.Cert.NotBefore, got.NotBefore)
	assert.Equal(t, ca.Cert.NotAfter, got.NotAfter)
	assert.Equal(t, "EC", got.Key.Algorithm)
	assert.Equal(t, "P-192", got.Key.Curve)
	assert.Equal(t, "ECDSA-SHA256", got.SignatureAlgorithm)
	assert.NotContains(t, codes(f), "expired")

	f = inspect.Describe(s, inspect.Options{Format: "p12", Now: ca.Cert.NotAfter.AddDate(0, 0, 1)})
	assert.Contains(t, codes(f), "expired")
	assert.Empty(t, inspect.Describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: keystore.NewCertificate([]byte{0x30, 0})}}},
		inspect.Options{Format: "p12"}).Entries[0].Certificates[0].Subject)
}

// An algorithm that Go knows no name for is named, not numbered.
func TestSignatureThatGoDoesNotKnow(t *testing.T) {
	ca := mint.CA(t, "CA", "ed25519")
	ed448 := keystore.NewCertificate(bytes.ReplaceAll(ca.DER, []byte{0x06, 3, 0x2B, 0x65, 0x70}, []byte{0x06, 3, 0x2B, 0x65, 0x71}))
	f := inspect.Describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: ed448}}}, inspect.Options{Format: "p12", Now: mint.Day})
	assert.Equal(t, "Ed448", f.Entries[0].Certificates[0].SignatureAlgorithm)
	assert.Equal(t, "Ed448", f.Entries[0].Certificates[0].Key.Algorithm)
}

// Of a certificate that Go refuses for its key or serial number all else is told and judged, as of any other.
func TestStandIns(t *testing.T) {
	leaf := mint.Large(t, "broker", mint.Key(t, "ec"), mint.CA(t, "root", "ec"), false, 1)
	known, unknown := []byte("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), []byte("\x2B\x81\x04\x00\x0A\x00\x00\x00")
	negative := bytes.Clone(leaf.DER)
	negative[bytes.Index(negative, leaf.Cert.SerialNumber.Bytes())] |= 0x80
	want := describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: keystore.NewCertificate(leaf.DER)}}}, nil).Entries[0].Certificates[0]
	require.NotEmpty(t, want.SANs)
	for name, der := range map[string][]byte{"curve": bytes.ReplaceAll(leaf.DER, known, unknown), "serial": negative} {
		t.Run(name, func(t *testing.T) {
			c := keystore.NewCertificate(der)
			require.Nil(t, c.X509)
			s := &keystore.Store{Anchors: []keystore.Anchor{{Certificate: c}}}
			got := describe(s, nil).Entries[0].Certificates[0]
			assert.Equal(t, "EC", got.Key.Algorithm)
			if name == "serial" {
				assert.Equal(t, byte('-'), got.Serial[0])
				assert.Equal(t, want.Key, got.Key)
			} else {
				assert.Equal(t, want.Serial, got.Serial)
			}
			got.Serial, got.Key, got.SHA1, got.SHA256 = want.Serial, want.Key, want.SHA1, want.SHA256
			assert.Equal(t, want, got)
			early := describe(s, func(o *inspect.Options) { o.Now = leaf.Cert.NotBefore.AddDate(0, 0, -1) })
			assert.Contains(t, codes(early), "not-yet-valid")
			late := describe(s, func(o *inspect.Options) { o.Now = leaf.Cert.NotAfter.AddDate(0, 0, -1) })
			assert.Contains(t, codes(late), "expires-soon")
			assert.Contains(t, codes(late), "trusted-not-ca")
		})
	}
}

// What is not known of a certificate is not in the JSON: nobody is told that it has no names.
func TestUnknownIsAbsent(t *testing.T) {
	leaf := mint.Large(t, "broker", mint.Key(t, "ec"), mint.CA(t, "root", "ec"), false, 1)
	names := bytes.Index(leaf.DER, []byte("\x82\x12host000000.example"))
	require.Positive(t, names)
	damaged := bytes.Clone(leaf.DER)
	damaged[names+2] = 0xFF // no letter of a host name
	for _, der := range [][]byte{damaged, {0x30, 0}} {
		c := keystore.NewCertificate(der)
		require.Nil(t, c.X509)
		text, err := json.Marshal(describe(&keystore.Store{Anchors: []keystore.Anchor{{Certificate: c}}}, nil).Entries)
		require.NoError(t, err)
		for _, field := range []string{"sans", "key_usage", "eku", "is_ca", "crl_urls", "ocsp_urls", "role"} {
			assert.NotContains(t, string(text), field)
		}
		assert.Equal(t, len(der) > 2, bytes.Contains(text, []byte(`"not_after":"`)))
		assert.Equal(t, len(der) > 2, bytes.Contains(text, []byte(`"days_left":`)))
	}
}

// Keys that Go does not know have the size that openssl prints.
func TestSizesOfKeys(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	dir := t.TempDir()
	interop.Run(t, dir, "sh", "-c", openssl+" dsaparam -out dsa 1024 && "+openssl+" ecparam -name brainpoolP384r1 -param_enc explicit -out explicit")
	for _, tc := range []struct {
		args string
		want inspect.Key
		weak bool
	}{
		{"-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024", inspect.Key{Algorithm: "RSA-PSS", Bits: 1024}, true},
		{"-paramfile dsa", inspect.Key{Algorithm: "DSA", Bits: 1024}, true},
		{"-paramfile explicit", inspect.Key{Algorithm: "EC", Bits: 384, Curve: "with parameters of its own"}, false},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP320r1", inspect.Key{Algorithm: "EC", Bits: 320, Curve: "brainpoolP320r1"}, false},
		{"-algorithm EC -pkeyopt ec_paramgen_curve:prime192v1", inspect.Key{Algorithm: "EC", Bits: 192, Curve: "P-192"}, true},
		{"-algorithm ED448", inspect.Key{Algorithm: "Ed448", Bits: 456}, false},
		{"-algorithm X448", inspect.Key{Algorithm: "X448", Bits: 448}, false},
	} {
		t.Run(tc.args, func(t *testing.T) {
			interop.Run(t, dir, openssl, append(strings.Fields("genpkey -quiet -outform DER -out key"), strings.Fields(tc.args)...)...)
			interop.Run(t, dir, openssl, strings.Fields("pkey -in key -pubout -outform DER -out public")...)
			for _, file := range []string{"key", "public"} {
				data, err := os.ReadFile(filepath.Join(dir, file))
				require.NoError(t, err)
				s, _, err := formats.Decode(data, keystore.DecodeOptions{})
				require.NoError(t, err)
				f := describe(s, func(o *inspect.Options) { o.Format = "der" })
				got := *f.Entries[0].Key
				got.PublicSHA256 = ""
				assert.Equal(t, tc.want, got, file)
				assert.Equal(t, tc.weak, slices.Contains(codes(f), "weak-key"), file)
			}
		})
	}
}
