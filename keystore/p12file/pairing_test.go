package p12file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// parts makes bags with any attributes.
type parts struct {
	layout
	a, b, root *holder
}

func newParts(t *testing.T) parts {
	root := issue(t, "root", newKey(t), nil, true)
	return parts{newLayout(t, false), issue(t, "a", newKey(t), root, false), issue(t, "b", newKey(t), root, false), root}
}

func (p parts) keyWith(h *holder, attrs attributes) cryptobyte.BuilderContinuation {
	info, err := p.sealer.SealInfo(privateKey(p.t, h.key).PKCS8)
	require.NoError(p.t, err)
	return func(b *cryptobyte.Builder) {
		addBag(b, idShroudedBag, attrs, func(b *cryptobyte.Builder) { b.AddBytes(info) })
	}
}

func (p parts) certWith(h *holder, attrs attributes) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { addPlainCert(b, h, attrs) }
}

// TestOtherReadersPairing: what Java and NSS would pair otherwise than the public keys demand is reported, and nothing else.
// keystore/inspect holds files of these shapes against the programs themselves.
func TestOtherReadersPairing(t *testing.T) {
	type bags = []cryptobyte.BuilderContinuation
	const java, nss, noID, mismatch, duplicate = "java-pairing", "nss-pairing", "key-without-id", "key-leaf-mismatch", "duplicate-alias"
	p := newParts(t)
	marked := func(name, id string) attributes { return attributes{name: name, id: id} }
	none := attributes{}
	root := p.certWith(p.root, none)
	for name, tc := range map[string]struct {
		keys, certs bags
		certsFirst  bool
		want        []string
	}{
		"usual": {bags{p.keyWith(p.a, marked("a", "1")), p.keyWith(p.b, marked("b", "2"))},
			bags{p.certWith(p.a, marked("a", "1")), root, p.certWith(p.b, marked("b", "2"))}, false, nil},
		"usual, without names": {bags{p.keyWith(p.a, marked("", "1")), p.keyWith(p.b, marked("", "2"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("", "2")), root}, true, nil},
		"swapped ids": {bags{p.keyWith(p.a, marked("a", "1")), p.keyWith(p.b, marked("b", "2"))},
			bags{p.certWith(p.a, marked("", "2")), p.certWith(p.b, marked("", "1"))}, false, []string{mismatch, mismatch, java, nss, java, nss}},
		"one id, names tell": {bags{p.keyWith(p.a, marked("a", "1")), p.keyWith(p.b, marked("b", "1"))},
			bags{p.certWith(p.a, marked("a", "1")), p.certWith(p.b, marked("b", "1"))}, false, []string{nss, nss}},
		"one id, no names": {bags{p.keyWith(p.a, marked("a", "1")), p.keyWith(p.b, marked("b", "1"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("", "1"))}, false, []string{java, nss, nss}},
		"the CA has the id, and comes last": {bags{p.keyWith(p.a, marked("a", "1"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.root, marked("", "1"))}, false, []string{java, nss}},
		"the CA has the id, and comes first": {bags{p.keyWith(p.a, marked("a", "1"))},
			bags{p.certWith(p.root, marked("", "1")), p.certWith(p.a, marked("", "1"))}, false, []string{nss}},
		"another id, the name tells": {bags{p.keyWith(p.a, marked("a", "1"))}, bags{p.certWith(p.a, marked("A", "2")), root}, false, []string{mismatch, nss}},
		"another id, no name":        {bags{p.keyWith(p.a, marked("a", "1"))}, bags{p.certWith(p.a, marked("", "2")), root}, false, []string{mismatch, java, nss}},
		"no id, the leaf first":      {bags{p.keyWith(p.a, marked("a", ""))}, bags{p.certWith(p.a, none), root}, false, []string{noID}},
		"no id, the CA first":        {bags{p.keyWith(p.a, marked("a", ""))}, bags{root, p.certWith(p.a, none)}, false, []string{java, noID}},
		"no id, the key last":        {bags{p.keyWith(p.a, none)}, bags{p.certWith(p.a, none), root}, true, []string{java, noID}},
		"no id, the name tells":      {bags{p.keyWith(p.a, marked("a", ""))}, bags{root, p.certWith(p.a, marked("A", ""))}, true, []string{noID}},
		"the second key has no id": {bags{p.keyWith(p.a, marked("a", "1")), p.keyWith(p.b, marked("b", ""))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("b", ""))}, false, []string{java, noID}},
		"the first key has no id": {bags{p.keyWith(p.a, marked("a", "")), p.keyWith(p.b, marked("b", "2"))},
			bags{p.certWith(p.a, marked("a", "")), p.certWith(p.b, marked("", "2"))}, false, []string{noID}},
		"a trusted leaf": {bags{p.keyWith(p.a, marked("a", "1"))}, bags{p.certWith(p.a, attributes{name: "t", id: "1", trusted: true})}, false, nil},
		"a nested leaf":  {bags{p.keyWith(p.a, marked("a", "1"))}, bags{p.nested(p.certWith(p.a, marked("a", "1")))}, false, []string{"nested-safe", java}},
		"a nested key":   {bags{p.nested(p.keyWith(p.a, marked("a", "1")))}, bags{p.certWith(p.a, marked("a", "1"))}, false, []string{"nested-safe"}},
		"a key with the number of another as name": {bags{p.keyWith(p.a, marked("", "1")), p.keyWith(p.b, marked("1", "2"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("", "2"))}, false, []string{duplicate}},
		"the same the other way round": {bags{p.keyWith(p.a, marked("1", "1")), p.keyWith(p.b, marked("", "2"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("", "2"))}, false, []string{duplicate}},
		"a dotted capital I": {bags{p.keyWith(p.a, marked("\u0130", "1")), p.keyWith(p.b, marked("i\u0307", "2"))},
			bags{p.certWith(p.a, marked("", "1")), p.certWith(p.b, marked("", "2"))}, false, []string{duplicate}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, certs := p.open(tc.keys...), p.sealed(tc.certs...)
			file := p.file(keys, certs)
			if tc.certsFirst {
				file = p.file(certs, keys)
			}
			got, err := Codec{}.Decode(file, reading(string(testPassword)))
			require.NoError(t, err)
			assert.Equal(t, tc.want, codes(got))
			got, err = Codec{}.Decode(file, keystore.DecodeOptions{})
			require.NoError(t, err)
			assert.NotContains(t, codes(got), java, "where not all is seen, nothing is certain")
			assert.NotContains(t, codes(got), nss)
		})
	}
}

// TestEmptyNamesAreOneName: a friendlyName may be there and empty, which is a name to Java.
func TestEmptyNamesAreOneName(t *testing.T) {
	p := newParts(t)
	empty := func(h *holder) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(idCertBag)
				b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { addCert(b, h.cert) })
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					addAttribute(b, idFriendlyName, func(b *cryptobyte.Builder) { b.AddASN1(tagBMPString, func(*cryptobyte.Builder) {}) })
					addAttribute(b, idTrustedUsage, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(idAnyUsage) })
				})
			})
		}
	}
	for count, want := range [][]string{nil, nil, {"duplicate-alias"}} {
		all := []cryptobyte.BuilderContinuation{empty(p.a), empty(p.b)}
		got, err := Codec{}.Decode(p.file(p.open(all[:count]...)), reading(string(testPassword)))
		require.NoError(t, err)
		assert.Equal(t, want, codes(got))
	}
}
