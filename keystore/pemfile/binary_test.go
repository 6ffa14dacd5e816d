package pemfile

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// everything is a store with one of each: a key with its chain, a trusted and a loose certificate, a request, a CRL, a
// public key and a secret key.
func everything(t testing.TB, p pki) *keystore.Store {
	t.Helper()
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: p.client.Cert.Subject}, p.client.Key)
	require.NoError(t, err)
	signer := *p.issuing.Cert
	signer.KeyUsage, signer.SubjectKeyId = x509.KeyUsageCRLSign, []byte{1}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: mint.Day, NextUpdate: mint.Day.AddDate(20, 0, 0)}
	crl, err := x509.CreateRevocationList(rand.Reader, list, &signer, p.issuing.Key)
	require.NoError(t, err)
	return &keystore.Store{
		Identities: []keystore.Identity{identity(t, "server", p.server, p.issuing, p.root)},
		Anchors:    []keystore.Anchor{{Alias: "plant", Certificate: certificate(mint.CA(t, "plant", "ec"))}},
		Loose:      []keystore.Anchor{{Certificate: certificate(p.client)}},
		Others: []keystore.Other{
			{Kind: keystore.KindRequest, Raw: request}, {Alias: "list", Kind: keystore.KindCRL, Raw: crl},
			{Kind: keystore.KindPublicKey, Raw: p.client.Cert.RawSubjectPublicKeyInfo}, {Alias: "aes", Kind: keystore.KindSecret},
		},
	}
}

// What is a certificate by its label alone has no form without one: it is lost, where it would not be read back.
func TestUntold(t *testing.T) {
	content := append([]byte{0x30, 102, 4, 100}, make([]byte, 100)...)
	odd := keystore.NewCertificate(slices.Concat([]byte{0x30, 111}, content, []byte{0x30, 0, 3, 3, 0, 1, 1}))
	store := decode(t, EncodeCertificates(odd), "")
	fitted, changes, err := DER{}.Fit(store, keystore.EncodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, fitted.Anchors)
	require.Len(t, changes, 1)
	assert.Equal(t, keystore.ChangeLost, changes[0].Kind)
	_, got, said := rewrite(t, PKCS7{}, store, keystore.EncodeOptions{})
	assert.Empty(t, said)
	assert.Len(t, got.Anchors, 1)
}

// rewrite fits, writes and reads a store, and says what was lost or noted.
func rewrite(t testing.TB, codec keystore.Codec, s *keystore.Store, opts keystore.EncodeOptions) (data []byte, got *keystore.Store, said []string) {
	t.Helper()
	fitted, changes, err := codec.Fit(s, opts)
	require.NoError(t, err)
	for _, c := range changes {
		said = append(said, string(c.Kind)+" "+c.Entry)
	}
	data, err = keystore.Build(codec, fitted, opts)
	require.NoError(t, err)
	got, err = codec.Decode(data, keystore.DecodeOptions{Password: opts.Password})
	require.NoError(t, err)
	return data, got, said
}

// A bundle keeps certificates and CRLs, once each and in order, and loses the rest by name; sorted where DER is asked for.
func TestBundle(t *testing.T) {
	p := newPKI(t)
	store := everything(t, p)
	store.Identities = append(store.Identities, identity(t, "again", p.server, p.issuing))
	want := []string{"lost server", "lost again", "noted CN=client", "noted plant", "lost request", "noted list", "lost public-key", "lost aes"}
	order := "=server =issuing =root =client =plant"
	for _, profile := range append(PKCS7{}.Profiles(), "") {
		t.Run("profile "+profile, func(t *testing.T) {
			data, got, said := rewrite(t, PKCS7{}, store, keystore.EncodeOptions{Profile: profile})
			assert.Len(t, got.Others, 1)
			assert.Empty(t, got.Problems)
			assert.Equal(t, profile == "" || profile == ProfilePEM, strings.HasPrefix(string(data), "-----BEGIN PKCS7-----"))
			assert.Equal(t, profile == ProfileBER, bytes.HasPrefix(data, []byte{0x30, 0x80}))
			if profile != ProfileDER {
				assert.Equal(t, want, said)
				assert.Equal(t, order, anchorNames(got.Anchors))
				return
			}
			assert.Equal(t, append(want, "noted CN=server"), said, "the order is another")
			assert.ElementsMatch(t, strings.Fields(order), strings.Fields(anchorNames(got.Anchors)))
			assert.True(t, slices.IsSortedFunc(got.Anchors, func(a, b keystore.Anchor) int {
				return bytes.Compare(a.Certificate.Raw, b.Certificate.Raw)
			}))
		})
	}
	_, err := PKCS7{}.Encode(&keystore.Store{}, keystore.EncodeOptions{Profile: "cms"})
	assert.ErrorIs(t, err, keystore.ErrUnsupported)
	_, err = PKCS7{}.Encode(store, keystore.EncodeOptions{})
	assert.ErrorContains(t, err, "not fitted")
}

// A bundle of nothing is one, as OpenSSL writes it too.
func TestEmptyBundle(t *testing.T) {
	data, err := PKCS7{}.Encode(&keystore.Store{}, keystore.EncodeOptions{})
	require.NoError(t, err)
	store, err := PKCS7{}.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, store.Anchors)
	store, err = PKCS7{}.Decode(sample(t, "empty.p7b"), keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, contents(store))
}

// A member of another kind, as an attribute certificate is, is left out and said to be; one of no kind fails the file.
func TestBundleWithOtherMembers(t *testing.T) {
	p := newPKI(t)
	attribute := append([]byte{0xA2, 3}, 2, 1, 1)
	data, err := buildPKCS7([][]byte{attribute, p.root.DER}, [][]byte{{0xA1, 0}})
	require.NoError(t, err)
	store, err := PKCS7{}.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "trusted 1", contents(store))
	require.Len(t, store.Problems, 1)
	assert.Equal(t, "unknown-certificate", store.Problems[0].Code)
	data, err = buildPKCS7([][]byte{{2, 1, 1}, p.root.DER}, nil)
	require.NoError(t, err)
	_, err = PKCS7{}.Decode(data, keystore.DecodeOptions{})
	assert.ErrorIs(t, err, keystore.ErrFormat)
}

// The samples that OpenSSL made of a chain and a CRL are, written again in the same form, the same bytes.
func TestBundlesAsOpenSSLWritesThem(t *testing.T) {
	for name, profile := range map[string]string{"chain-crl.p7b": ProfilePEM, "bundle.p7b": ProfilePEM, "bundle.der": ProfileDER} {
		store, err := PKCS7{}.Decode(sample(t, name), keystore.DecodeOptions{})
		require.NoError(t, err)
		data, _, _ := rewrite(t, PKCS7{}, store, keystore.EncodeOptions{Profile: profile})
		assert.Equal(t, string(sample(t, name)), string(data), name)
	}
}

// Of a bundle that carries a signed message, as openssl cms and signtool write, the certificates are read.
func TestBundleWithSignature(t *testing.T) {
	for name, want := range map[string]string{"chain-ber.pem": "=leaf =sample", "bundle-ber.der": "=sample"} {
		store, err := PKCS7{}.Decode(sample(t, name), keystore.DecodeOptions{})
		require.NoError(t, err)
		assert.ElementsMatch(t, strings.Fields(want), strings.Fields(anchorNames(store.Anchors)), name)
	}
}

// A DER file takes the first object that has a form there, and says of every other that it is lost.
func TestOneObject(t *testing.T) {
	p := newPKI(t)
	whole := everything(t, p)
	locked := keystore.Identity{Alias: "locked", Locked: keystore.ErrPassword, Chain: []keystore.Certificate{certificate(p.client)}}
	for _, tc := range []struct {
		name  string
		store *keystore.Store
		want  string
		said  []string
	}{
		{"a key before its chain", &keystore.Store{Identities: whole.Identities}, "key 0",
			[]string{"noted server", "lost CN=server", "lost CN=issuing", "lost CN=root"}},
		{"a key and everything else", whole, "key 0", []string{"noted server", "lost CN=server", "lost CN=issuing",
			"lost CN=root", "lost CN=client", "lost plant", "lost request", "lost list", "lost public-key", "lost aes"}},
		{"a certificate", &keystore.Store{Anchors: whole.Anchors}, "trusted 1", []string{"noted plant"}},
		{"one that is not trusted", &keystore.Store{Loose: whole.Loose}, "trusted 1", []string{"noted CN=client"}},
		{"that of a locked key", &keystore.Store{Identities: []keystore.Identity{locked}}, "trusted 1", []string{"lost locked"}},
		{"a request", &keystore.Store{Others: whole.Others[:1]}, "request", nil},
		{"a CRL", &keystore.Store{Others: whole.Others[1:2]}, "crl", []string{"noted list"}},
		{"a public key", &keystore.Store{Others: whole.Others[2:]}, "public-key", []string{"lost aes"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, opts := range []keystore.EncodeOptions{{}, fast()} {
				data, got, said := rewrite(t, DER{}, tc.store, opts)
				assert.Equal(t, tc.want, contents(got))
				assert.Equal(t, tc.said, said)
				var element asn1.RawValue
				rest, err := asn1.Unmarshal(data, &element)
				require.NoError(t, err)
				assert.Empty(t, rest)
				assert.Equal(t, opts.Password.Given() && tc.want == "key 0", derKind(data) == labelEncrypted)
			}
		})
	}
	fitted, changes, err := DER{}.Fit(&keystore.Store{Others: whole.Others[3:]}, keystore.EncodeOptions{})
	require.NoError(t, err)
	assert.Len(t, changes, 1)
	_, err = DER{}.Encode(fitted, keystore.EncodeOptions{})
	assert.ErrorContains(t, err, "nothing to write")
	_, err = DER{}.Encode(whole, keystore.EncodeOptions{})
	assert.ErrorContains(t, err, "not fitted")
}
