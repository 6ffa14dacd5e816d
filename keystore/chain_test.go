package keystore_test

import (
	"bytes"
	"encoding/asn1"
	"slices"
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

// Of a thousand certificates of one name 64 are tried as the issuer of another, and of a pool full of them hardly more than
// it has certificates in all.
func TestChainIsBounded(t *testing.T) {
	right := mint.CA(t, "issuing", "ec")
	leaf := mint.Leaf(t, "leaf", "ec", right)
	among := func(impostors int) []*mint.Identity {
		impostor := mint.CA(t, "issuing", "ec")
		return append(slices.Repeat([]*mint.Identity{impostor}, impostors), right)
	}
	assert.Len(t, pool(append([]*mint.Identity{leaf}, among(63)...)...).Chain(0, 100), 1, "the last that is tried")
	assert.Empty(t, pool(append([]*mint.Identity{leaf}, among(64)...)...).Chain(0, 100), "one too many")

	const leaves = 60
	members := append(slices.Repeat([]*mint.Identity{leaf}, leaves), among(60)...)
	p, found := pool(members...), 0
	for i := range leaves {
		found += len(p.Chain(i, 100))
	}
	assert.Equal(t, (256+2*len(members))/60, found, "each takes 60 candidates that are none")
}

// Whatever chains have in common, all together take no more than some times the bytes of the pool: a file of many keys
// under a hundred CAs, under one large CA, or with one large certificate for all of them.
func TestChainsTogetherAreBounded(t *testing.T) {
	issuer := mint.CA(t, "root", "ed25519")
	var long []*mint.Identity
	for i := range 100 {
		issuer = mint.New(t, "CA "+string(rune('A'+i)), issuer.Key, issuer, true)
		long = append(long, issuer)
	}
	large := mint.Large(t, "large", mint.Key(t, "ed25519"), nil, true, 5_000)
	const leaves = 1000
	for _, tc := range []struct {
		name   string
		above  []*mint.Identity
		leaves int // 1: all chains begin with it
	}{
		{"a hundred CAs", long, leaves},
		{"one large CA", []*mint.Identity{large}, leaves},
		{"one large leaf", nil, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var certificates []keystore.Certificate
			size := 0
			add := func(m *mint.Identity) {
				certificates = append(certificates, keystore.NewCertificate(m.DER))
				size += len(m.DER)
			}
			for _, m := range tc.above {
				add(m)
			}
			for range tc.leaves {
				if tc.leaves == 1 {
					add(large)
					continue
				}
				issuer := tc.above[len(tc.above)-1]
				add(mint.New(t, "leaf", issuer.Key, issuer, false))
			}
			leaf := func(i int) int { return len(tc.above) + i%tc.leaves }
			p, total, cut := keystore.NewPool(certificates), 0, 0
			for i := range leaves {
				if !p.Begin(leaf(i)) {
					cut++
					continue
				}
				total += len(certificates[leaf(i)].Raw)
				for _, j := range p.Chain(leaf(i), 100) {
					total += len(certificates[j].Raw)
				}
			}
			assert.Less(t, total, 4<<20+11*size)
			assert.Greater(t, total, 4<<20, "which is free")
			assert.True(t, p.Exhausted())
			assert.Equal(t, tc.leaves == 1, cut > 0, "no key loses a certificate that is its own")

			p = keystore.NewPool(certificates)
			p.Allow(int64(leaves * size))
			for i := range leaves {
				require.True(t, p.Begin(leaf(i)), "somebody stated these chains")
				require.Len(t, p.Chain(leaf(i), 100), len(tc.above))
			}
			assert.False(t, p.Exhausted())
		})
	}
}

// What is in a chain is told by content, and the first time it is there costs nothing, however large it is.
func TestChained(t *testing.T) {
	root := mint.CA(t, "root", "ec")
	leaf := mint.Leaf(t, "leaf", "ec", root)
	p := pool(leaf, root, root, mint.CA(t, "other", "ec"))
	assert.False(t, p.Chained(1))
	assert.Equal(t, []int{1}, p.Chain(0, 100))
	assert.True(t, p.Chained(1))
	assert.True(t, p.Chained(2), "the same bytes")
	assert.False(t, p.Chained(3))
	assert.True(t, p.HasIssuer(0))
	assert.False(t, p.HasIssuer(1))
}

func TestDistinct(t *testing.T) {
	one, other := keystore.NewCertificate(mint.CA(t, "one", "ec").DER), keystore.NewCertificate(mint.CA(t, "other", "ec").DER)
	copied := keystore.NewCertificate(bytes.Clone(one.Raw))
	var d keystore.Distinct
	for i, tc := range []struct {
		certificate keystore.Certificate
		number      int
		first       bool
	}{{one, 0, true}, {one, 0, false}, {other, 1, true}, {copied, 0, false}, {keystore.Certificate{}, 2, true}, {keystore.Certificate{Raw: []byte{}}, 2, false}, {other, 1, false}} {
		number, first := d.Number(tc.certificate)
		assert.Equal(t, tc.number, number, i)
		assert.Equal(t, tc.first, first, i)
	}
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
