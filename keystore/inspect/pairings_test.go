package inspect_test

import (
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// bags is what lies in one safe.
type bags = []cryptobyte.BuilderContinuation

// pairings makes PKCS12 files whose ids, names and order say little of what belongs together, or something wrong, and files
// with entries that some programs do not know.
func (w *workshop) pairings() {
	w.t.Helper()
	id := func(id string) marks { return marks{id: id} }
	name := func(name string) marks { return marks{name: name} }
	both := func(name, id string) marks { return marks{name: name, id: id} }
	rsa, ec := w.key("rsa", both("a", "1")), w.key("ec", both("b", "2"))
	root, rsaLeaf := w.cert("root", marks{}), w.cert("rsa", both("a", "1"))
	for file, safes := range map[string][]bags{
		"pair-usual":                   {{rsa, ec}, {rsaLeaf, w.cert("ec", both("b", "2")), root}},
		"pair-swapped":                 {{rsa, ec}, {w.cert("rsa", id("2")), w.cert("ec", id("1")), root}},
		"pair-one-id":                  {{rsa, w.key("ec", both("b", "1"))}, {rsaLeaf, w.cert("ec", both("b", "1")), root}},
		"pair-one-id-no-names":         {{rsa, w.key("ec", both("b", "1"))}, {w.cert("rsa", id("1")), w.cert("ec", id("1")), root}},
		"pair-ca-last":                 {{rsa}, {w.cert("rsa", id("1")), w.cert("root", id("1"))}},
		"pair-ca-first":                {{rsa}, {w.cert("root", id("1")), w.cert("rsa", id("1"))}},
		"pair-other-id":                {{rsa}, {w.cert("rsa", both("a", "2")), root}},
		"pair-other-id-no-name":        {{rsa}, {w.cert("rsa", id("2")), root}},
		"pair-no-id":                   {{w.key("rsa", name("a"))}, {w.cert("rsa", name("a")), root}},
		"pair-no-id-ca-first":          {{w.key("rsa", name("a"))}, {root, w.cert("rsa", marks{})}},
		"pair-no-id-key-last":          {{w.cert("rsa", marks{}), root}, {w.key("rsa", marks{})}},
		"pair-no-id-ca-first-key-last": {{root, w.cert("rsa", marks{})}, {w.key("rsa", marks{})}},
		"pair-second-no-id":            {{rsa, w.key("ec", name("b"))}, {w.cert("rsa", id("1")), w.cert("ec", name("b")), root}},
		"pair-first-no-id":             {{w.key("rsa", name("a")), ec}, {w.cert("rsa", name("a")), w.cert("ec", id("2")), root}},
		"pair-wrong":                   {{rsa}, {w.cert("ec", both("a", "1")), root}},
		"pair-same-key":                {{rsa, w.key("rsa", both("b", "2"))}, {rsaLeaf, w.cert("rsa", id("2")), root}},
		"pair-trusted":                 {{rsa, ec}, {w.cert("rsa", marks{id: "1", trusted: true}), w.cert("ec", id("2")), root}},
		"nested":                       {{nested(rsa, rsaLeaf), root}},
		"nested-certificate":           {{rsa, nested(rsaLeaf), root}},
		"alias-counted":                {{w.key("rsa", id("1")), w.key("ec", both("1", "2"))}, {w.cert("rsa", id("1")), w.cert("ec", id("2")), root}},
		"alias-counted-late":           {{w.cert("root", marks{name: "1", trusted: true}), w.cert("ec", marks{trusted: true})}},
		"alias-empty":                  {{w.key("rsa", marks{id: "1", unnamed: true}), w.key("ec", marks{id: "2", unnamed: true})}, {w.cert("rsa", id("1")), w.cert("ec", id("2")), root}},
		"alias-one-empty":              {{w.key("rsa", marks{id: "1", unnamed: true}), ec}, {w.cert("rsa", id("1")), w.cert("ec", id("2")), root}},
		"alias-dotted":                 {{w.key("rsa", both("\u0130", "1")), w.key("ec", both("i\u0307", "2"))}, {w.cert("rsa", id("1")), w.cert("ec", id("2")), root}},
		"alias-none":                   {{w.key("rsa", id("1")), w.key("ec", id("2"))}, {w.cert("rsa", id("1")), w.cert("ec", id("2")), root}},
		"crl":                          {{rsa}, {rsaLeaf, bag(idCRLBag, marks{}, typed(idX509CRL, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte("\x30\x00")) }))}},
		"unknown-bag":                  {{rsa}, {rsaLeaf, bag([]int{1, 2, 840, 113549, 1, 12, 10, 1, 77}, marks{}, func(b *cryptobyte.Builder) { sequence(b, func(*cryptobyte.Builder) {}) })}},
		"sdsi": {{rsa}, {rsaLeaf, bag(idCertBag, marks{}, typed(idSDSICert, func(b *cryptobyte.Builder) {
			b.AddASN1(0x16, func(b *cryptobyte.Builder) { b.AddBytes([]byte("AAAA")) })
		}))}},
	} {
		w.pack(file+".p12", safes...)
	}
}

// strangers are ways to encrypt a key that are not read here, but by OpenSSL.
var strangers = map[string]string{
	"aria": "-v2 aria-256-cbc", "sm4": "-v2 sm4-cbc", "cfb": "-v2 aes-256-cfb", "ofb": "-v2 aes-128-ofb", "des-ede": "-v2 des-ede", "prf-md5": "-v2 aes-256-cbc -v2prf hmacWithMD5",
	"blowfish": "-provider legacy -provider default -v2 bf-cbc", "cast5": "-provider legacy -provider default -v2 cast5-cbc", "seed": "-provider legacy -provider default -v2 seed-cbc",
}

// oddKinds are kinds of keys beyond those of [mint.Kinds], with the arguments of `openssl genpkey`.
var oddKinds = map[string]string{
	"ed448": "-algorithm ED448", "rsa-pss": "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
	"p192": "-algorithm EC -pkeyopt ec_paramgen_curve:P-192", "p224": "-algorithm EC -pkeyopt ec_paramgen_curve:P-224",
	"p384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "p521": "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
	"secp256k1": "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "brainpool": "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1",
	"explicit": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
	"x25519":   "-algorithm X25519", "x448": "-algorithm X448", "dh": "-algorithm DH -pkeyopt group:ffdhe2048",
	"dsa": "-paramfile dsa.par",
}

// oddStores makes keys of these kinds, each with a certificate, and a PKCS12 of each.
func (w *workshop) oddStores() {
	w.t.Helper()
	interop.Run(w.t, w.dir, w.openssl, "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "dsa.par")
	interop.Run(w.t, w.dir, w.openssl, "req", "-new", "-key", "ec.key", "-subj", "/CN=odd", "-out", "odd.csr")
	for kind, args := range oddKinds {
		interop.Run(w.t, w.dir, w.openssl, append([]string{"genpkey", "-out", kind + ".key"}, strings.Fields(args)...)...)
		interop.Run(w.t, w.dir, w.openssl, "pkey", "-in", kind+".key", "-pubout", "-out", kind+".pub")
		interop.Run(w.t, w.dir, w.openssl, "x509", "-req", "-in", "odd.csr", "-force_pubkey", kind+".pub", "-CA", "ec.crt", "-CAkey", "ec.key", "-days", "30", "-out", kind+".crt")
		w.pack("kind-"+kind+".p12", bags{w.key(kind, marks{id: "1"}), w.cert(kind, marks{id: "1"})})
	}
}
