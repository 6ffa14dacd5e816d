package formats

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// namedStore is one of the stores that every codec must carry, or say what of it it cannot.
type namedStore struct {
	name  string
	store *keystore.Store
}

// conformanceStores makes the stores once for all tests.
func conformanceStores(t testing.TB) []namedStore {
	t.Helper()
	once.Do(func() { made = makeStores(t) })
	return made
}

var (
	once sync.Once
	made []namedStore
)

func makeStores(t testing.TB) []namedStore {
	root := mint.CA(t, "root", "ec")
	issuing := mint.New(t, "issuing", mint.Key(t, "ec"), root, true)
	server, client := mint.Leaf(t, "server", "rsa", issuing), mint.Leaf(t, "client", "ed25519", issuing)
	lone, other := mint.CA(t, "self-signed", "ec"), mint.CA(t, "other", "ec")
	renewed := mint.New(t, "server", server.Key, issuing, false)
	ids := func(list ...keystore.Identity) []keystore.Identity { return list }
	mixed := &keystore.Store{
		Identities: ids(identity(t, "server", server, issuing, root), identity(t, "client", client, issuing, root), identity(t, "lone", lone)),
		Anchors:    []keystore.Anchor{anchor("plant ca", root), anchor("other ca", other)},
	}
	stores := []namedStore{
		{"one key", &keystore.Store{Identities: ids(identity(t, "server", server, issuing))}},
		{"one key, self-signed", &keystore.Store{Identities: ids(identity(t, "lone", lone))}},
		{"one key, whole chain", &keystore.Store{Identities: ids(identity(t, "server", server, issuing, root))}},
		{"mixed", mixed},
		{"trusted only", &keystore.Store{Anchors: []keystore.Anchor{anchor("plant ca", root), anchor("other ca", other)}}},
		{"empty", &keystore.Store{}},
		{"unicode names", &keystore.Store{
			Identities: ids(identity(t, "kä😀x", client, issuing), identity(t, "двери", lone)),
			Anchors:    []keystore.Anchor{anchor("根 \u202e ca", root)},
		}},
		{"names that clash", &keystore.Store{
			Identities: ids(identity(t, "Dup", lone), identity(t, "dup", client), identity(t, "dup-2", server)),
			Anchors:    []keystore.Anchor{anchor("DUP", root), anchor("dup", other)},
		}},
		{"no names", &keystore.Store{
			Identities: ids(identity(t, "", lone), identity(t, "", client, issuing)),
			Anchors:    []keystore.Anchor{anchor("", root), anchor("1", other), anchor("", issuing)},
		}},
		{"odd names", &keystore.Store{
			Identities: ids(identity(t, strings.Repeat("ä", 5000), lone), identity(t, "a\nb: \"c\"", client)),
			Anchors:    []keystore.Anchor{anchor("-----BEGIN CERTIFICATE-----", root), anchor("\xff", other), anchor("nul\x00", issuing)},
		}},
		{"a key without a certificate", &keystore.Store{Identities: ids(bare(t, "bare", client))}},
		{"one key under two names", &keystore.Store{Identities: ids(identity(t, "old", server, issuing), identity(t, "new", renewed, issuing))}},
		{"a chain that is none", &keystore.Store{Identities: ids(identity(t, "x", lone, other), identity(t, "y", server, root))}},
		{"a certificate of another key", &keystore.Store{Identities: ids(mismatched(t, server, client))}},
		{"a CA with its key and a leaf", &keystore.Store{Identities: ids(identity(t, "ca", root), identity(t, "sub", issuing, root))}},
		{"trusted and in a chain", &keystore.Store{
			Identities: ids(identity(t, "server", server, issuing, root)), Anchors: []keystore.Anchor{anchor("root", root), anchor("issuing", issuing)},
		}},
		{"loose certificates", &keystore.Store{
			Identities: ids(identity(t, "server", server)), Loose: []keystore.Anchor{anchor("loose", other), anchor("", lone)},
		}},
		{"loose certificates alone", &keystore.Store{Loose: []keystore.Anchor{anchor("loose", other)}}},
		{"a locked key", &keystore.Store{Identities: ids(
			keystore.Identity{Alias: "locked", Locked: keystore.ErrPassword, Chain: []keystore.Certificate{keystore.NewCertificate(server.DER)}},
			identity(t, "open", client))}},
		{"everything else", everythingElse(t, issuing)},
	}
	return stores
}

// identity is a key with its leaf and chain, with a date in the first instance of every name.
func identity(t testing.TB, alias string, leaf *mint.Identity, issuers ...*mint.Identity) keystore.Identity {
	t.Helper()
	out := bare(t, alias, leaf)
	out.Chain = append(out.Chain, keystore.NewCertificate(leaf.DER))
	for _, i := range issuers {
		out.Chain = append(out.Chain, keystore.NewCertificate(i.DER))
	}
	if alias != "client" { // one entry has no date
		out.Created = mint.Day.Add(time.Duration(len(alias))*time.Millisecond + 17*time.Microsecond)
	}
	return out
}

// bare is a key alone.
func bare(t testing.TB, alias string, m *mint.Identity) keystore.Identity {
	t.Helper()
	key, err := keystore.NewPrivateKey(m.PKCS8)
	require.NoError(t, err)
	return keystore.Identity{Alias: alias, Key: key}
}

// mismatched is the key of one with the certificate of another.
func mismatched(t testing.TB, key, certificate *mint.Identity) keystore.Identity {
	t.Helper()
	out := bare(t, "mismatched", key)
	out.Chain = []keystore.Certificate{keystore.NewCertificate(certificate.DER)}
	return out
}

// anchor is a certificate under a name.
func anchor(alias string, m *mint.Identity) keystore.Anchor {
	return keystore.Anchor{Alias: alias, Created: mint.Day, Certificate: keystore.NewCertificate(m.DER)}
}

// everythingElse has a request, a CRL, a public key and a secret key.
func everythingElse(t testing.TB, ca *mint.Identity) *keystore.Store {
	t.Helper()
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: ca.Cert.Subject}, ca.Key)
	require.NoError(t, err)
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: mint.Day, NextUpdate: mint.Day.AddDate(0, 1, 0)}
	signer := *ca.Cert
	signer.KeyUsage, signer.SubjectKeyId = x509.KeyUsageCRLSign, []byte{1}
	crl, err := x509.CreateRevocationList(rand.Reader, list, &signer, ca.Key)
	require.NoError(t, err)
	return &keystore.Store{
		Identities: []keystore.Identity{identity(t, "ca", ca)},
		Others: []keystore.Other{
			{Alias: "req", Kind: keystore.KindRequest, Raw: request},
			{Kind: keystore.KindCRL, Raw: crl},
			{Alias: "pub", Kind: keystore.KindPublicKey, Raw: ca.Cert.RawSubjectPublicKeyInfo},
			{Alias: "aes", Kind: keystore.KindSecret, Algorithm: "AES", Bits: 256},
		},
	}
}

// digest is short for bytes.
func digest(b []byte) string {
	if b == nil {
		return "-"
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4])
}

func keysOf(s *keystore.Store) map[string]int {
	out := map[string]int{}
	for _, i := range s.Identities {
		if i.Key != nil {
			out[digest(i.Key.PKCS8)]++
		}
	}
	return out
}

func anchorsOf(anchors []keystore.Anchor) map[string]int {
	out := map[string]int{}
	for _, a := range anchors {
		out[digest(a.Certificate.Raw)]++
	}
	return out
}

// certificatesOf are all certificates of a store, wherever they are in it.
func certificatesOf(s *keystore.Store) map[string]int {
	out := anchorsOf(append(append([]keystore.Anchor(nil), s.Anchors...), s.Loose...))
	for _, i := range s.Identities {
		for _, c := range i.Chain {
			out[digest(c.Raw)]++
		}
	}
	return out
}

func othersOf(s *keystore.Store) map[string]int {
	out := map[string]int{}
	for _, o := range s.Others {
		out[string(o.Kind)+digest(o.Raw)]++
	}
	return out
}
