package p12file

import (
	"encoding/base64"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestRFC9579 opens what the RFC says must open, and nothing else.
func TestRFC9579(t *testing.T) {
	for i := 1; i <= 6; i++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/rfc9579/a%d.b64", i))
		require.NoError(t, err)
		data, err := base64.StdEncoding.DecodeString(string(text))
		require.NoError(t, err)
		got, err := Codec{}.Decode(data, reading("1234"))
		if i == 6 { // no key length
			require.ErrorIs(t, err, keystore.ErrFormat)
			continue
		}
		if i > 3 { // wrong iterations, wrong salt: the MAC might as well have another password
			require.ErrorIs(t, err, keystore.ErrKeyPassword, "A.%d", i)
			require.ErrorContains(t, err, "or the file was changed")
			continue
		}
		require.NoError(t, err, "A.%d", i)
		require.Len(t, got.Identities, 1)
		assert.NoError(t, got.Identities[0].Locked)
		assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
		_, err = Codec{}.Decode(data, reading("12345"))
		assert.ErrorIs(t, err, keystore.ErrPassword)
	}
}

// der runs a builder.
func der(f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

// unprotected returns a PFX without a MAC, with one unencrypted safe of the bags that f adds.
func unprotected(f cryptobyte.BuilderContinuation) []byte {
	bags := der(func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, f) })
	return unprotectedSafes(func(b *cryptobyte.Builder) { addData(b, bags) })
}

// unprotectedSafes returns a PFX without a MAC, with the safes that f adds.
func unprotectedSafes(f cryptobyte.BuilderContinuation) []byte {
	safes := der(func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, f) })
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			addData(b, safes)
		})
	})
}

// addPlainKey adds a keyBag.
func addPlainKey(t testing.TB, b *cryptobyte.Builder, h *holder, a attributes) {
	addBag(b, parseID(oidKeyBag), a, func(b *cryptobyte.Builder) { b.AddBytes(privateKey(t, h.key).PKCS8) })
}

// addPlainCert adds a certBag.
func addPlainCert(b *cryptobyte.Builder, h *holder, a attributes) {
	addBag(b, idCertBag, a, func(b *cryptobyte.Builder) { addCert(b, h.cert) })
}

// parseID turns dotted text into an identifier.
func parseID(dotted string) (id []int) {
	arc := 0
	for _, c := range dotted + "." {
		if c == '.' {
			id, arc = append(id, arc), 0
			continue
		}
		arc = arc*10 + int(c-'0')
	}
	return id
}

// mustRead decodes without a password.
func mustRead(t testing.TB, data []byte) *keystore.Store {
	t.Helper()
	s, err := Codec{}.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	return s
}

// TestPairing pairs keys and certificates as their public keys demand, whatever the file says.
func TestPairing(t *testing.T) {
	root := issue(t, "root", newKey(t), nil, true)
	a, b := issue(t, "a", newKey(t), root, false), issue(t, "b", newKey(t), root, false)
	for _, tc := range []struct {
		name  string
		bags  func(*cryptobyte.Builder)
		want  string
		codes []string
	}{
		{"swapped ids", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "a", id: "1"})
			addPlainKey(t, x, b, attributes{name: "b", id: "2"})
			addPlainCert(x, a, attributes{name: "a", id: "2"})
			addPlainCert(x, b, attributes{name: "b", id: "1"})
			addPlainCert(x, root, attributes{})
		}, "key a CN=a CN=root; key b CN=b CN=root; ", []string{"key-leaf-mismatch", "key-leaf-mismatch", "nss-pairing", "nss-pairing"}},
		{"several keys without any mark", func(x *cryptobyte.Builder) {
			addPlainCert(x, root, attributes{})
			addPlainCert(x, b, attributes{})
			addPlainCert(x, a, attributes{})
			addPlainKey(t, x, a, attributes{})
			addPlainKey(t, x, b, attributes{})
		}, "key  CN=a CN=root; key  CN=b CN=root; ", []string{"key-without-id"}},
		{"the name of the certificate only", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{})
			addPlainCert(x, a, attributes{name: "cert's"})
		}, "key cert's CN=a; ", []string{"key-without-id"}},
		{"the id of a stranger", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "a", id: "1"})
			addPlainCert(x, b, attributes{name: "a", id: "1"})
		}, "key a; loose a CN=b; ", []string{"key-leaf-mismatch"}},
		{"two names", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "key", id: "1"})
			addPlainCert(x, a, attributes{name: "cert", id: "1"})
		}, "key key CN=a; ", []string{"certificate-name"}},
		{"one key twice, with one certificate", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "x", id: "1"})
			addPlainKey(t, x, a, attributes{name: "y", id: "1"})
			addPlainCert(x, a, attributes{id: "1"})
		}, "key x CN=a; key y CN=a; ", nil},
		{"one key twice", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "x", id: "1"})
			addPlainKey(t, x, a, attributes{name: "y", id: "2"})
			addPlainCert(x, a, attributes{name: "y", id: "2"})
			addPlainCert(x, a, attributes{name: "x", id: "1"})
		}, "key x CN=a; key y CN=a; ", nil},
		{"a trusted certificate of a key", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "k"})
			addPlainCert(x, a, attributes{name: "t", trusted: true})
		}, "key k; trusted t CN=a; ", []string{"key-without-id"}},
		{"aliases that differ in case", func(x *cryptobyte.Builder) {
			addPlainKey(t, x, a, attributes{name: "Dup"})
			addPlainCert(x, b, attributes{name: "dup", trusted: true})
		}, "key Dup; trusted dup CN=b; ", []string{"duplicate-alias"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := mustRead(t, unprotected(tc.bags))
			assert.Equal(t, tc.want, outline(got))
			var others []string
			for _, c := range codes(got) {
				if c != "no-mac" && c != "key-unencrypted" {
					others = append(others, c)
				}
			}
			assert.Equal(t, tc.codes, others)
		})
	}
}

// TestPairingOfOddCertificates goes by the id where a certificate's public key can't be seen.
func TestPairingOfOddCertificates(t *testing.T) {
	a := issue(t, "a", newKey(t), nil, false)
	odd := keystore.Certificate{Raw: oddCertificate}
	keys := []keyEntry{{attributes{name: "a", id: "1"}, privateKey(t, a.key), nil}}
	r := &report{}
	got := assemble(keys, []certEntry{{attributes{id: "1"}, odd}}, keystore.DefaultLimits, r)
	assert.Equal(t, []keystore.Certificate{odd}, got.Identities[0].Chain)
	assert.Empty(t, r.problems)
}

// TestPairingOfLockedKeys goes by id and name where the public key can't be seen.
func TestPairingOfLockedKeys(t *testing.T) {
	keys := []keyEntry{
		{attributes: attributes{name: "a", id: "1"}, locked: keystore.ErrPassword},
		{attributes: attributes{name: "B"}, locked: keystore.ErrPassword},
	}
	a, b := issue(t, "a", newKey(t), nil, false), issue(t, "b", newKey(t), nil, false)
	certs := []certEntry{{attributes{name: "b"}, b.cert}, {attributes{name: "x", id: "1"}, a.cert}}
	got := assemble(keys, certs, keystore.DefaultLimits, &report{})
	assert.Equal(t, "key a locked CN=a; key B locked CN=b; ", outline(got))
}

// TestChains finds issuers by key id or signature, stops at loops and at the limit.
func TestChains(t *testing.T) {
	rootKey, interKey := newKey(t), newKey(t)
	oldRoot, root := issue(t, "root", newKey(t), nil, true), issue(t, "root", rootKey, nil, true)
	inter := issue(t, "inter", interKey, root, true)
	leaf := issue(t, "leaf", newKey(t), inter, false)
	certs := func(list ...*holder) (all []certEntry) {
		for _, h := range list {
			all = append(all, certEntry{cert: h.cert})
		}
		return all
	}
	key := []keyEntry{{attributes{name: "k"}, privateKey(t, leaf.key), nil}}
	got := assemble(key, certs(oldRoot, root, inter, leaf), keystore.DefaultLimits, &report{})
	assert.Equal(t, []keystore.Certificate{leaf.cert, inter.cert, root.cert}, got.Identities[0].Chain, "the root that signed")
	assert.Len(t, got.Loose, 1)

	loop := issue(t, "root", rootKey, inter, true) // root and inter issued each other
	got = assemble(key, certs(loop, inter, leaf), keystore.DefaultLimits, &report{})
	assert.Len(t, got.Identities[0].Chain, 3)

	r := &report{}
	got = assemble(key, certs(root, inter, leaf), keystore.Limits{Chain: 2}, r)
	assert.Len(t, got.Identities[0].Chain, 2)
	assert.Equal(t, "long-chain", r.problems[0].Code)
}

// oddCertificate has the outline of a certificate and nothing in it.
var oddCertificate = append([]byte{0x30, 100, 0x30, 0, 0x30, 0, 3, 94}, make([]byte, 94)...)

// TestOddBags reads past what it does not know, and says so.
func TestOddBags(t *testing.T) {
	a := issue(t, "a", newKey(t), nil, false)
	typed := func(oid string, content []byte) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID(oid))
				b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
			})
		}
	}
	got := mustRead(t, unprotected(func(b *cryptobyte.Builder) {
		addBag(b, parseID(oidCRLBag), attributes{name: "c"}, typed(oidX509CRL, []byte("crl")))
		addBag(b, parseID(oidSecretBag), attributes{name: "s"}, typed("1.2.3", []byte("?")))
		addBag(b, parseID(oidCertBag), attributes{name: "sdsi"}, typed("1.2.840.113549.1.9.22.2", []byte("?")))
		addBag(b, parseID("1.2.3.4"), attributes{name: "u"}, typed("1.2.3", []byte("?")))
		addBag(b, parseID(oidSafeBag), attributes{}, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addPlainCert(b, a, attributes{name: "nested"}) })
		})
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // a certificate with an unknown attribute that has no value
			b.AddASN1ObjectIdentifier(idCertBag)
			b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) {
				addCert(b, keystore.Certificate{Raw: oddCertificate})
			})
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				addAttribute(b, parseID("1.3.6.1.4.1.311.17.2"), func(*cryptobyte.Builder) {})
				addAttribute(b, idFriendlyName, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte("utf8")) })
				})
			})
		})
	}))
	assert.Equal(t, "loose nested CN=a; loose utf8 ; crl c; secret s; ", outline(got))
	assert.Equal(t, []string{"no-mac", "unknown-certificate", "unknown-bag", "nested-safe", "unparsed-certificate", "unknown-attribute"}, codes(got))
}

func TestTrailingBytes(t *testing.T) {
	data, fitted := write(t, bigStore(t, false), fast(""))
	got, err := Codec{}.Decode(append(data, "\r\n"...), reading("changeit"))
	require.NoError(t, err)
	requireSame(t, fitted, got)
	assert.Equal(t, []string{"trailing-bytes"}, codes(got))
}

// TestKeyPasswords opens keys that have passwords of their own.
func TestKeyPasswords(t *testing.T) {
	a := issue(t, "a", newKey(t), nil, false)
	sealed := seal(t, privateKey(t, a.key).PKCS8, "own")
	data := unprotected(func(b *cryptobyte.Builder) {
		addBag(b, idShroudedBag, attributes{name: "Key"}, func(b *cryptobyte.Builder) { b.AddBytes(sealed) })
	})
	own := keystore.Secret("own")
	for name, opts := range map[string]keystore.DecodeOptions{
		"as the store's":              {Password: own},
		"as the keys'":                {Password: testPassword, KeyPassword: own},
		"by alias":                    {KeyPasswords: map[string]keystore.Secret{"Key": own}},
		"by alias in any case":        {KeyPasswords: map[string]keystore.Secret{"KEY": own}},
		"by alias as Java writes it":  {Password: testPassword, KeyPasswords: map[string]keystore.Secret{"key": own}},
		"by alias before all others":  {Password: testPassword, KeyPassword: keystore.Secret("x"), KeyPasswords: map[string]keystore.Secret{"Key": own}},
		"the empty one is not absent": {Password: keystore.Secret{}, KeyPassword: own},
	} {
		got, err := Codec{}.Decode(data, opts)
		require.NoError(t, err)
		assert.NoError(t, got.Identities[0].Locked, name)
	}
	got, err := Codec{}.Decode(data, reading("changeit"))
	require.NoError(t, err)
	assert.ErrorIs(t, got.Identities[0].Locked, keystore.ErrPassword)
	assert.Contains(t, got.Identities[0].Locked.Error(), `"Key"`)
}

// TestKeyNamedByItsCertificate opens a key without a friendlyName, which gets its certificate's, with the password that is
// given for that name, or for its name in another case.
func TestKeyNamedByItsCertificate(t *testing.T) {
	h := issue(t, "x", newKey(t), nil, false)
	info := seal(t, privateKey(t, h.key).PKCS8, "own")
	data := unprotected(func(b *cryptobyte.Builder) {
		addBag(b, idShroudedBag, attributes{id: "i"}, func(b *cryptobyte.Builder) { b.AddBytes(info) })
		addBag(b, parseID(oidCertBag), attributes{id: "i", name: "srv"}, func(b *cryptobyte.Builder) { addCert(b, h.cert) })
	})
	for _, alias := range []string{"srv", "SRV"} {
		got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: testPassword, KeyPasswords: map[string]keystore.Secret{alias: keystore.Secret("own")}})
		require.NoError(t, err)
		require.Len(t, got.Identities, 1)
		assert.Equal(t, "srv", got.Identities[0].Alias)
		assert.NoError(t, got.Identities[0].Locked)
	}
}

// TestAbsentIsNotEmpty opens with an empty password what has one, and shows without any that it is closed.
func TestAbsentIsNotEmpty(t *testing.T) {
	opts := fast("")
	opts.Password = keystore.Secret{}
	s := bigStore(t, false)
	s.Identities, s.Loose = s.Identities[1:2], nil
	data, fitted := write(t, s, opts)
	got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret{}})
	require.NoError(t, err)
	requireSame(t, fitted, got)
	got, err = Codec{}.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, "key sensor-17 locked; ", outline(got))
	assert.Equal(t, keystore.IntegrityUnchecked, got.Integrity)
	assert.Contains(t, codes(got), "sealed")
	_, err = Codec{}.Decode(data, keystore.DecodeOptions{KeyPassword: keystore.Secret("x")})
	require.ErrorIs(t, err, keystore.ErrPassword)
}
