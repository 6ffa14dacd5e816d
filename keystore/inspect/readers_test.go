package inspect_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// TestReaders: the rules of all programs on typical files. The test with real programs has far more files; this one has
// the programs that cannot be run, and the formats that are not PKCS12.
func TestReaders(t *testing.T) {
	pbes2 := "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"
	leaf := issue(t, "Leaf", ecKey(t), nil, nil)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ed := issue(t, "Ed", edKey, nil, nil)
	p12 := func(mac, cipher string) *keystore.Store {
		s := &keystore.Store{Identities: []keystore.Identity{{Alias: "a", Key: private(t, leaf.key), Chain: []keystore.Certificate{leaf.cert}}}}
		if mac != "" {
			s.Protection = append(s.Protection, keystore.Protection{Part: "mac", Algorithm: mac})
		}
		if cipher != "" {
			s.Protection = append(s.Protection, keystore.Protection{Part: "key", Alias: "a", Algorithm: cipher})
		}
		return s
	}
	const sha1, sha256, pbmac1 = "PKCS12 HMAC-SHA1", "PKCS12 HMAC-SHA256", "PBMAC1 PBKDF2-HMAC-SHA256 HMAC-SHA256"
	edStore := p12(sha256, pbes2)
	edStore.Identities[0] = keystore.Identity{Alias: "a", Key: private(t, edKey), Chain: []keystore.Certificate{ed.cert}}
	loose := &keystore.Store{Loose: []keystore.Anchor{{Certificate: leaf.cert}}, Protection: []keystore.Protection{{Part: "mac", Algorithm: sha256}}}
	trusted := &keystore.Store{Anchors: []keystore.Anchor{{Certificate: leaf.cert}}}
	twice := p12("SHA-1", "Sun")
	twice.Problems = []keystore.Problem{{Code: "duplicate-alias"}}
	plainUTF8 := p12("SHA-1", "Sun")
	plainUTF8.Problems = []keystore.Problem{{Code: "alias-encoding"}}
	armoured := p12(sha256, pbes2)
	armoured.Problems = []keystore.Problem{{Code: "armoured"}}
	// The columns: Java 8, 11, 17, 25; OpenSSL 1.1, 3.0, 3.4; NSS, GnuTLS; Windows Server 2016, 2022; Android, Apple;
	// Mosquitto, MQXR, HiveMQ.
	for _, tc := range []struct {
		name   string
		store  *keystore.Store
		file   string
		format string
		pass   string
		want   string
	}{
		{"modern PKCS12", p12(sha256, pbes2), "a.p12", "p12", "x", "ffyy yyy yy ny ff nfy"},
		{"PKCS12 called pfx", p12(sha256, pbes2), "a.pfx", "p12", "x", "ffyy yyy yy ny ff nny"},
		{"PKCS12 as text", armoured, "a.p12", "p12", "x", "nnnn nnn ny nn nn nnn"},
		{"3DES", p12(sha1, "PBE-SHA1-3DES"), "a.p12", "p12", "x", "yyyy yyy yy yy yy nyy"},
		{"PBMAC1", p12(pbmac1, pbes2), "a.p12", "p12", "x", "nnnn nny nn nn nn nnn"},
		{"no MAC", p12("", pbes2), "a.p12", "p12", "x", "ffyy nyy nn ny fn nfy"},
		{"RC2", p12(sha1, "PBE-SHA1-RC2-40"), "a.p12", "p12", "x", "yyyy yff yy yy yy nyy"},
		{"scrypt", p12(sha256, "PBES2 scrypt AES-256-CBC"), "a.p12", "p12", "x", "nnnn yyy nn nn nn nnn"},
		{"a cipher without a name", p12(sha256, "1.2.3"), "a.p12", "p12", "x", "nnnn nnn nn nn nn nnn"},
		{"bare key", p12(sha256, ""), "a.p12", "p12", "x", "nnnn yyy yy ny ff nnn"},
		{"Ed25519", edStore, "a.p12", "p12", "x", "nnyy yyy ny nn nn nny"},
		{"password with umlauts", p12(sha256, pbes2), "a.p12", "p12", "pässwört", "nnny yyy yy ny ff nnn"},
		{"unmarked certificates", loose, "a.p12", "p12", "x", "nnnn yyy yy ny nf nnn"},
		{"trust store without MAC", trusted, "a.p12", "p12", "x", "yyyy nyy nn yy nn nyy"},
		{"JKS", p12("SHA-1", "Sun"), "a.jks", "jks", "x", "yyyy nnn nn nn nn nyy"},
		{"JKS called p12", p12("SHA-1", "Sun"), "a.p12", "jks", "x", "yyyy nnn nn nn nn nny"},
		{"JKS with a name twice", twice, "a.jks", "jks", "x", "nnnn nnn nn nn nn nnn"},
		{"JKS with a name in plain UTF-8", plainUTF8, "a.jks", "jks", "x", "nnnn nnn nn nn nn nnn"},
		{"JKS with an Ed25519 key", edStore, "a.jks", "jks", "x", "nnyy nnn nn nn nn nny"},
		{"JCEKS", p12("SHA-1", "JCEKS"), "a.jceks", "jceks", "x", "ffff nnn nn nn nn nyn"},
		{"PEM, key open", p12("", ""), "a.pem", "pem", "", "nnnn yyy ny nn nf ynn"},
		{"PEM, key encrypted", p12("", pbes2), "a.pem", "pem", "x", "nnnn yyy ny nn nn fnn"},
		{"PEM, AES-GCM, which nobody reads", p12("", "PBES2 PBKDF2-HMAC-SHA256 AES-256-GCM"), "a.pem", "pem", "x", "nnnn nnn nn nn nn nnn"},
		{"PEM, RC2", p12("", "PBE-SHA1-RC2-128"), "a.pem", "pem", "x", "nnnn yff nn nn nn fnn"},
		{"PEM, traditional DES", p12("", "traditional PEM MD5 DES-CBC"), "a.pem", "pem", "x", "nnnn yff ny nn nn fnn"},
		{"PEM certificates", trusted, "ca.pem", "pem", "", "ffff yyy fy ff fy ynn"},
		{"DER certificate", trusted, "ca.der", "der", "", "ffff fyy ff ff fy nnn"},
		{"PKCS#7", trusted, "ca.p7b", "pkcs7", "", "ffff fff ff ff ny nnn"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := describe(tc.store, func(o *inspect.Options) {
				o.File, o.Format, o.Text = tc.file, tc.format, tc.format == "pem"
				if tc.pass != "" {
					o.PasswordText = keystore.Secret(tc.pass)
				}
			})
			got, groups := "", []int{4, 7, 9, 11, 13, 16}
			for i, r := range f.Readers {
				got += string(r.Reads[0])
				if len(groups) > 1 && i+1 == groups[0] {
					got, groups = got+" ", groups[1:]
				}
				assert.NotEmpty(t, r.Source, r.Program)
				assert.Equal(t, r.Reads == inspect.Yes, r.Why == "", "%s: a reason for what is not a plain yes", r.Program)
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

// TestSealedIsNotCertain: of a PKCS12 that nobody gave the password of, what is seen is enough to say that a program refuses
// it, and never that it reads it.
func TestSealedIsNotCertain(t *testing.T) {
	s := &keystore.Store{
		Identities: []keystore.Identity{{Locked: keystore.ErrPassword}},
		Protection: []keystore.Protection{
			{Part: "mac", Algorithm: "PKCS12 HMAC-SHA256"},
			{Part: "key", Algorithm: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"},
		},
		Problems: []keystore.Problem{{Code: "sealed", Severity: "notice"}},
	}
	const unseen = "as far as can be told without the password"
	answers := map[inspect.Answer]int{}
	for _, r := range describe(s, func(o *inspect.Options) { o.Password = "needed" }).Readers {
		answers[r.Reads]++
		switch r.Reads {
		case inspect.Yes:
			assert.Equal(t, unseen, r.Why, r.Program)
		case inspect.Flag:
			assert.Contains(t, r.Why, "; "+unseen, r.Program)
		default:
			assert.NotContains(t, r.Why, unseen, r.Program)
		}
	}
	assert.Len(t, answers, 3, "the sample does not show all three")
}
