package keystore_test

import (
	"bytes"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// pool wraps certificates that mint made.
func pool(members ...*mint.Identity) *keystore.Pool {
	var certificates []keystore.Certificate
	for _, m := range members {
		certificates = append(certificates, keystore.NewCertificate(m.DER))
	}
	return keystore.NewPool(certificates)
}

func TestChain(t *testing.T) {
	root := mint.CA(t, "root", "ec")
	issuing := mint.New(t, "issuing", mint.Key(t, "ec"), root, true)
	leaf := mint.Leaf(t, "leaf", "ec", issuing)
	impostor := mint.CA(t, "issuing", "ec") // the name of one, the key of another
	cross := mint.New(t, "issuing", issuing.Key, mint.CA(t, "older root", "ec"), true)
	loopA, loopB := mint.CA(t, "a", "ec"), mint.CA(t, "b", "ec")
	aByB, bByA := mint.New(t, "a", loopA.Key, loopB, true), mint.New(t, "b", loopB.Key, loopA, true)
	for _, tc := range []struct {
		name    string
		members []*mint.Identity
		want    []int // of the first
		limit   int
	}{
		{"in order", []*mint.Identity{leaf, issuing, root}, []int{1, 2}, 100},
		{"in any order", []*mint.Identity{leaf, root, issuing}, []int{2, 1}, 100},
		{"as far as there are issuers", []*mint.Identity{leaf, issuing}, []int{1}, 100},
		{"none", []*mint.Identity{leaf, root}, nil, 100},
		{"a self-signed one", []*mint.Identity{root, issuing, leaf}, nil, 100},
		{"an impostor of the same name", []*mint.Identity{leaf, impostor, issuing, root}, []int{2, 3}, 100},
		{"the nearest of two", []*mint.Identity{leaf, cross, issuing, root}, []int{1}, 100},
		{"two that issued each other", []*mint.Identity{aByB, bByA}, []int{1}, 100},
		{"and twice", []*mint.Identity{aByB, bByA, aByB, bByA}, []int{1}, 100},
		{"no longer than asked", []*mint.Identity{leaf, issuing, root}, []int{1}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, pool(tc.members...).Chain(0, tc.limit))
		})
	}
}

// What was found out about one issuer says nothing about another, whichever was asked about first.
func TestIssuedAsksAboutEachIssuer(t *testing.T) {
	issuing := mint.CA(t, "issuing", "ec")
	mintedLeaf := mint.Leaf(t, "leaf", "ec", issuing)
	right, impostor := keystore.NewCertificate(issuing.DER), keystore.NewCertificate(mint.CA(t, "issuing", "ec").DER)
	right.X509.SubjectKeyId, impostor.X509.SubjectKeyId = nil, nil // so that the signature decides
	for _, first := range []bool{true, false} {
		leaf := keystore.NewCertificate(mintedLeaf.DER)
		for i := range 4 {
			if i%2 == 0 == first {
				assert.True(t, keystore.Issued(right, leaf))
			} else {
				assert.False(t, keystore.Issued(impostor, leaf))
			}
		}
	}
}

// A thousand certificates of one name do not cost a thousand signature checks for each.
func TestChainIsBounded(t *testing.T) {
	impostor := mint.CA(t, "issuing", "ec")
	leaf := mint.Leaf(t, "leaf", "ec", mint.CA(t, "issuing", "ec"))
	members := []*mint.Identity{leaf}
	for range 1000 {
		members = append(members, impostor)
	}
	assert.Empty(t, pool(members...).Chain(0, 100))
}

func TestNewPrivateKey(t *testing.T) {
	for _, kind := range mint.Kinds {
		m := mint.CA(t, "x", kind)
		key, err := keystore.NewPrivateKey(m.PKCS8)
		require.NoError(t, err)
		assert.NotNil(t, key.Signer)
		matches, known := key.Matches(keystore.NewCertificate(m.DER))
		assert.True(t, matches && known, kind)
		matches, known = key.Matches(keystore.NewCertificate(mint.CA(t, "y", kind).DER))
		assert.True(t, !matches && known, kind)
	}
	unknown, err := asn1.Marshal(struct {
		Version   int
		Algorithm struct{ OID asn1.ObjectIdentifier }
		Key       []byte
	}{0, struct{ OID asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 3}}, []byte{1}})
	require.NoError(t, err)
	key, err := keystore.NewPrivateKey(unknown)
	require.NoError(t, err, "an algorithm that Go does not know")
	assert.Nil(t, key.Signer)
	matches, known := key.Matches(keystore.NewCertificate(mint.CA(t, "x", "ec").DER))
	assert.True(t, !matches && known, "but one that is not the certificate's")
	good := mint.CA(t, "x", "ec").PKCS8
	for _, bad := range [][]byte{nil, {0x30, 0}, good[:len(good)-1], append(bytes.Clone(good), 0), {0x30, 3, 2, 1, 0}} {
		_, err := keystore.NewPrivateKey(bad)
		assert.ErrorIs(t, err, keystore.ErrFormat, "%x", bad)
	}
}

func TestParseCertificate(t *testing.T) {
	m := mint.CA(t, "x", "ec")
	good, err := keystore.ParseCertificate(m.DER)
	require.NoError(t, err)
	assert.NotNil(t, good.X509)

	odd := bytes.Clone(m.DER)
	at := bytes.Index(odd, m.Cert.SerialNumber.Bytes())
	odd[at] |= 0x80
	refused, err := keystore.ParseCertificate(odd)
	require.NoError(t, err, "a negative serial number: other programs take it")
	assert.Nil(t, refused.X509)
	subject, issuer := refused.Names()
	assert.Equal(t, m.Cert.RawSubject, subject)
	assert.Equal(t, m.Cert.RawIssuer, issuer)
	assert.Equal(t, m.Key.Public(), refused.PublicKey())

	for _, bad := range [][]byte{nil, {0x30, 0}, m.DER[:len(m.DER)-1], append(bytes.Clone(m.DER), 0), m.PKCS8} {
		_, err := keystore.ParseCertificate(bad)
		assert.ErrorIs(t, err, keystore.ErrFormat)
	}
	subject, issuer = keystore.Certificate{Raw: []byte("none")}.Names()
	assert.Nil(t, subject)
	assert.Nil(t, issuer)
	assert.Nil(t, keystore.Certificate{}.PublicKey())
}
