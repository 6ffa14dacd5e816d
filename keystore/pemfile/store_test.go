package pemfile

import (
	"bytes"
	crand "crypto/rand"
	"crypto/x509"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// certificate wraps what mint made.
func certificate(m *mint.Identity) keystore.Certificate { return keystore.NewCertificate(m.DER) }

// privateKey wraps what mint made.
func privateKey(t testing.TB, m *mint.Identity) *keystore.PrivateKey {
	t.Helper()
	key, err := keystore.NewPrivateKey(m.PKCS8)
	require.NoError(t, err)
	return key
}

// identity is a key with its leaf and the chain given.
func identity(t testing.TB, alias string, leaf *mint.Identity, issuers ...*mint.Identity) keystore.Identity {
	t.Helper()
	out := keystore.Identity{Alias: alias, Key: privateKey(t, leaf), Chain: []keystore.Certificate{certificate(leaf)}}
	for _, i := range issuers {
		out.Chain = append(out.Chain, certificate(i))
	}
	return out
}

// fixedRandom is the same sequence of bytes each time it is made.
func fixedRandom() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

// fast are options with a password and hardly any iterations.
func fast() keystore.EncodeOptions {
	return keystore.EncodeOptions{Password: keystore.Secret("pässwörd"), Iterations: 1, Random: fixedRandom()}
}

// pki is a root, an issuing CA, and two leaves under it.
type pki struct{ root, issuing, server, client *mint.Identity }

func newPKI(t testing.TB) pki {
	root := mint.CA(t, "root", "ec")
	issuing := mint.New(t, "issuing", mint.Key(t, "ec"), root, true)
	return pki{root, issuing, mint.Leaf(t, "server", "rsa", issuing), mint.Leaf(t, "client", "ed25519", issuing)}
}

// decode reads what must be readable.
func decode(t testing.TB, data []byte, password string) *keystore.Store {
	t.Helper()
	opts := keystore.DecodeOptions{}
	if password != "" {
		opts.Password = keystore.Secret(password)
	}
	store, err := Codec{}.Decode(data, opts)
	require.NoError(t, err, "%s", data)
	return store
}

// signedAgain returns a certificate for the same name and key, signed by another issuer.
func signedAgain(t testing.TB, c keystore.Certificate, issuer *mint.Identity) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(crand.Reader, c.X509, issuer.Cert, c.X509.PublicKey, issuer.Key)
	require.NoError(t, err)
	return der
}

// names returns the common names of certificates, joined.
func names(certificates []keystore.Certificate) string {
	var out []string
	for _, c := range certificates {
		out = append(out, c.X509.Subject.CommonName)
	}
	return strings.Join(out, " ")
}

// anchorNames returns alias and common name of each.
func anchorNames(anchors []keystore.Anchor) string {
	var out []string
	for _, a := range anchors {
		out = append(out, a.Alias+"="+a.Certificate.X509.Subject.CommonName)
	}
	return strings.Join(out, " ")
}

// What belongs together is found whatever order the file has.
func TestAssembly(t *testing.T) {
	p := newPKI(t)
	stranger := mint.CA(t, "stranger", "ec")
	renewed := mint.New(t, "renewed", p.server.Key, p.issuing, false)
	key := func(m *mint.Identity) string { return string(appendBlock(nil, "PRIVATE KEY", m.PKCS8)) }
	cert := func(m *mint.Identity) string { return string(EncodeCertificates(certificate(m))) }
	for _, tc := range []struct {
		name           string
		file           []string
		chains         []string // of each identity
		anchors, loose string
	}{
		{"in the usual order", []string{key(p.server), cert(p.server), cert(p.issuing), cert(p.root)}, []string{"server issuing root"}, "", ""},
		{"backwards", []string{cert(p.root), cert(p.issuing), cert(p.server), key(p.server)}, []string{"server issuing root"}, "", ""},
		{"the CA before the leaf, as keytool's export has it", []string{cert(p.root), key(p.server), cert(p.server), cert(p.issuing)}, []string{"server issuing root"}, "", ""},
		{"certificates alone are trusted", []string{cert(p.root), cert(stranger)}, nil, "=root =stranger", ""},
		{"even a leaf", []string{cert(p.server)}, nil, "=server", ""},
		{"a stranger beside a key is not", []string{key(p.server), cert(p.server), cert(stranger)}, []string{"server"}, "", "=stranger"},
		{"unless it says so", []string{"# trusted: other\n", cert(stranger), key(p.server), cert(p.server)}, []string{"server"}, "other=stranger", ""},
		{"a trusted one is in no chain", []string{key(p.server), cert(p.server), "# trusted\n", cert(p.issuing)}, []string{"server"}, "=issuing", ""},
		{"two keys share their issuers", []string{key(p.server), key(p.client), cert(p.client), cert(p.server), cert(p.issuing)}, []string{"server issuing", "client issuing"}, "", ""},
		{"a key alone", []string{key(p.server)}, []string{""}, "", ""},
		{"a key and a certificate for another", []string{key(p.server), cert(p.client)}, []string{""}, "", "=client"},
		{"the first of two certificates for one key", []string{cert(renewed), cert(p.server), key(p.server)}, []string{"renewed"}, "", "=server"},
		{"the one behind the key, where there is one", []string{cert(renewed), key(p.server), cert(p.server), key(p.server), cert(renewed)}, []string{"server", "renewed"}, "", ""},
		{"one certificate twice", []string{key(p.server), cert(p.server), cert(p.server)}, []string{"server"}, "", ""},
		{"an untrusted one among trusted ones", []string{cert(p.root), "# certificate: mine\n", cert(p.server)}, nil, "=root", "mine=server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := decode(t, []byte(strings.Join(tc.file, "")), "")
			var chains []string
			for _, i := range store.Identities {
				chains = append(chains, names(i.Chain))
			}
			assert.Equal(t, tc.chains, chains)
			assert.Equal(t, tc.anchors, anchorNames(store.Anchors), "trusted")
			assert.Equal(t, tc.loose, anchorNames(store.Loose), "loose")
			assert.Equal(t, keystore.IntegrityAbsent, store.Integrity)
		})
	}
}

// What others make of a file whose entries were found together is reported: they take the first certificate for the key's,
// and the rest as it stands.
func TestOrderIsReported(t *testing.T) {
	p := newPKI(t)
	text := func(m *mint.Identity) string { return string(EncodeCertificates(certificate(m))) }
	pem := func(m *mint.Identity) string { return string(appendBlock(nil, "PRIVATE KEY", m.PKCS8)) }
	key, server, issuing, root, stranger := pem(p.server), text(p.server), text(p.issuing), text(p.root), text(mint.CA(t, "stranger", "ec"))
	bundle, err := EncodePKCS7Text(certificate(p.issuing), certificate(p.root))
	require.NoError(t, err)
	own, err := EncodePKCS7Text(certificate(p.server))
	require.NoError(t, err)
	locked, err := EncodeKey(privateKey(t, p.server), keystore.Secret("pw"), 1, fixedRandom())
	require.NoError(t, err)
	const none, order, first, mismatch, without = "", "chain-order", "leaf-not-first", "key-leaf-mismatch", "key-without-certificate"
	for _, tc := range []struct{ name, file, code string }{
		{"key first", key + server + issuing + root, none},
		{"key last", server + issuing + key, none},
		{"the root before the issuer", key + server + root + issuing, order},
		{"the leaf twice", key + server + server + issuing + root, none},
		{"the root in front", key + root + server + issuing, first},
		{"backwards", key + root + issuing + server, first},
		{"backwards, locked", root + issuing + server + string(locked), first},
		{"a stranger behind", key + server + stranger, none},
		{"a stranger between", key + server + stranger + issuing + root, none},
		{"a stranger in front", key + stranger + server, first},
		{"one for the same key in front", text(mint.New(t, "renewed", p.server.Key, p.issuing, false)) + key + server + issuing + root, none},
		{"a bundle in front", string(bundle) + key + server, none},
		{"the leaf in a bundle", key + string(own), "leaf-in-bundle"},
		{"two keys", key + pem(p.client) + server + text(p.client) + issuing + root, none},
		{"two keys, the second one's certificate first", key + pem(p.client) + text(p.client) + server, first},
		{"another's certificate", key + text(p.client) + issuing + root, mismatch},
		{"authorities alone", key + issuing + root, mismatch},
		{"another's certificate, locked", string(locked) + text(p.client), none},
		{"two keys, one certificate", key + pem(p.client) + server, without},
		{"two keys, one certificate of another", key + pem(p.client) + server + text(mint.Leaf(t, "other", "ec", p.issuing)), mismatch},
		{"two keys, one of them twice", key + key + server, none},
		{"a key alone", key, none},
		{"a key beside what is trusted", key + "# trusted\n" + root, none},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var codes []string
			for _, problem := range decode(t, []byte(tc.file), "").Problems {
				codes = append(codes, problem.Code)
			}
			assert.Equal(t, tc.code, strings.Join(codes, " "))
		})
	}
}

// Of a locked key the leaf can only be guessed, but in the files that there are the guess is right.
func TestLockedKey(t *testing.T) {
	p := newPKI(t)
	sealed, err := EncodeKey(privateKey(t, p.server), keystore.Secret("pw"), 1, fixedRandom())
	require.NoError(t, err)
	chain := EncodeCertificates(certificate(p.server), certificate(p.issuing))
	backwards := EncodeCertificates(certificate(p.issuing), certificate(p.server))
	for name, file := range map[string][]byte{
		"key first": bytes.Join([][]byte{sealed, chain}, nil),
		"key last":  bytes.Join([][]byte{chain, sealed}, nil),
		"backwards": bytes.Join([][]byte{backwards, sealed}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			store := decode(t, file, "")
			require.Len(t, store.Identities, 1)
			assert.ErrorIs(t, store.Identities[0].Locked, keystore.ErrPassword)
			assert.Nil(t, store.Identities[0].Key)
			assert.Equal(t, "server issuing", names(store.Identities[0].Chain))
			require.Len(t, store.Protection, 1)
			assert.Contains(t, store.Protection[0].Algorithm, "PBKDF2-HMAC-SHA256 AES-256-CBC")

			opened := decode(t, file, "pw")
			assert.NoError(t, opened.Identities[0].Locked)
			_, err := Codec{}.Decode(file, keystore.DecodeOptions{Password: keystore.Secret("wrong")})
			assert.ErrorIs(t, err, keystore.ErrPassword)
		})
	}
}

// Two keys under two passwords: one that opens is enough for the file, the other stays locked.
func TestKeysUnderSeveralPasswords(t *testing.T) {
	p := newPKI(t)
	var file []byte
	for alias, m := range map[string]*mint.Identity{"a": p.server, "b": p.client} {
		sealed, err := EncodeKey(privateKey(t, m), keystore.Secret("pw "+alias), 1, fixedRandom())
		require.NoError(t, err)
		file = append(appendNote(file, wordKey, alias), sealed...)
	}
	locked := func(opts keystore.DecodeOptions) map[string]bool {
		store, err := Codec{}.Decode(file, opts)
		require.NoError(t, err)
		out := map[string]bool{}
		for _, i := range store.Identities {
			out[i.Alias] = i.Locked != nil
		}
		return out
	}
	a, b := keystore.Secret("pw a"), keystore.Secret("pw b")
	assert.Equal(t, map[string]bool{"a": false, "b": true}, locked(keystore.DecodeOptions{Password: a}))
	assert.Equal(t, map[string]bool{"a": false, "b": false}, locked(keystore.DecodeOptions{Password: a, KeyPassword: b}))
	assert.Equal(t, map[string]bool{"a": true, "b": false}, locked(keystore.DecodeOptions{KeyPasswords: map[string]keystore.Secret{"b": b}}))

	nameless := regexp.MustCompile("(?m)^# key: .*\n").ReplaceAll(file, nil)
	store, err := Codec{}.Decode(nameless, keystore.DecodeOptions{KeyPasswords: map[string]keystore.Secret{"x": a, "y": b}})
	require.NoError(t, err)
	for i := range store.Identities {
		assert.NoError(t, store.Identities[i].Locked, "a key without a name may have any of the passwords of single keys")
	}
}

// Names that could be mistaken for something else come back as they were, and never look like a block.
func TestNames(t *testing.T) {
	p := newPKI(t)
	for _, alias := range []string{
		"sensor-17", "plant: line 1", "kä😀x", ` "quoted"`, "two\nlines", "-----BEGIN CERTIFICATE-----", "trailing ", "0",
		"tab\there", "\x00", "\xff\xfe", "# key: x", `\x41`, "friendlyName: y", "\u2028",
	} {
		store := &keystore.Store{
			Identities: []keystore.Identity{identity(t, alias, p.client)},
			Loose:      []keystore.Anchor{{Alias: alias, Certificate: certificate(p.issuing)}},
			Anchors:    []keystore.Anchor{{Alias: alias, Certificate: certificate(p.root)}},
			Others:     []keystore.Other{{Alias: alias, Kind: keystore.KindPublicKey, Raw: p.client.Cert.RawSubjectPublicKeyInfo}},
		}
		data, err := Codec{}.Encode(store, fast())
		require.NoError(t, err)
		got := decode(t, data, "pässwörd")
		require.Len(t, got.Identities, 1, alias)
		assert.Equal(t, alias, got.Identities[0].Alias)
		assert.Equal(t, alias+"=issuing", anchorNames(got.Loose))
		assert.Equal(t, alias+"=root", anchorNames(got.Anchors))
		require.Len(t, got.Others, 1)
		assert.Equal(t, alias, got.Others[0].Alias)
		for line := range strings.Lines(string(data)) {
			assert.Equal(t, strings.HasPrefix(line, "-----BEGIN"), strings.Contains(line, "-----BEGIN"), "a name that looks like a block: %s", line)
		}
	}
}

// Fit says what a reader will find, and what of it is new.
func TestFit(t *testing.T) {
	p := newPKI(t)
	locked := keystore.Identity{Alias: "locked", Locked: keystore.ErrPassword}
	dated := identity(t, "dated", p.server, p.issuing)
	dated.Created = mint.Day
	short := identity(t, "short", p.client)                           // the store has its issuer, for another key
	odd := identity(t, "odd", mint.CA(t, "self", "ec"), p.root)       // root did not issue it
	secret := keystore.Other{Alias: "aes", Kind: keystore.KindSecret} // has no text form
	long := keystore.Anchor{Alias: strings.Repeat("ä", 3000), Certificate: certificate(p.root)}
	store := &keystore.Store{
		Identities: []keystore.Identity{locked, dated, short, odd}, Others: []keystore.Other{secret}, Anchors: []keystore.Anchor{long},
	}
	fitted, changes, err := Codec{}.Fit(store, keystore.EncodeOptions{})
	require.NoError(t, err)
	var said []string
	for _, c := range changes {
		said = append(said, string(c.Kind)+" "+c.Entry[:min(len(c.Entry), 6)])
	}
	assert.ElementsMatch(t, []string{"lost locked", "noted dated", "lost aes", "noted short", "noted odd", "noted dated", "renamed äää"}, said)
	require.Len(t, fitted.Identities, 3)
	assert.Equal(t, "server issuing root", names(fitted.Identities[0].Chain))
	assert.Equal(t, "client issuing root", names(fitted.Identities[1].Chain))
	assert.Equal(t, "self", names(fitted.Identities[2].Chain))
	again, changes, err := Codec{}.Fit(fitted, keystore.EncodeOptions{})
	require.NoError(t, err)
	assert.Empty(t, changes)
	assert.Equal(t, len(fitted.Loose), len(again.Loose))
	assert.Len(t, store.Identities, 4, "the given store stays as it is")
}
