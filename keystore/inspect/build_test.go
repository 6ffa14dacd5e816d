package inspect_test

import (
	"encoding/asn1"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// Object identifiers of RFC 7292.
var (
	idData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	idShroudedBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	idCertBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	idCRLBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 4}
	idSafeBag     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}
	idX509Cert    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	idSDSICert    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 2}
	idX509CRL     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 23, 1}
	idName        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	idLocalKeyID  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
	idTrusted     = asn1.ObjectIdentifier{2, 16, 840, 1, 113894, 746875, 1, 1}
	idAnyUsage    = asn1.ObjectIdentifier{2, 5, 29, 37, 0}
)

// sequence, octets and explicit add one element each.
func sequence(b *cryptobyte.Builder, fill func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, fill)
}

func octets(b *cryptobyte.Builder, fill func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.OCTET_STRING, fill)
}

func explicit(b *cryptobyte.Builder, fill func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), fill)
}

// content adds a ContentInfo of type data.
func content(b *cryptobyte.Builder, fill func(*cryptobyte.Builder)) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idData)
		explicit(b, func(b *cryptobyte.Builder) { octets(b, fill) })
	})
}

// marks are the attributes of a bag.
type marks struct {
	id, name string // localKeyID, friendlyName; "" for none
	unnamed  bool   // there is a friendlyName, and it is empty
	trusted  bool   // Java's mark
}

// add adds them, in any order.
func (m marks) add(b *cryptobyte.Builder) {
	attribute := func(id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id)
			b.AddASN1(cbasn1.SET, value)
		})
	}
	if m.id != "" {
		attribute(idLocalKeyID, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(m.id)) })
	}
	if m.name != "" || m.unnamed {
		attribute(idName, func(b *cryptobyte.Builder) {
			const bmpString = cbasn1.Tag(30)
			b.AddASN1(bmpString, func(b *cryptobyte.Builder) {
				for _, unit := range utf16.Encode([]rune(m.name)) {
					b.AddUint16(unit)
				}
			})
		})
	}
	if m.trusted {
		attribute(idTrusted, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(idAnyUsage) })
	}
}

// bag is a SafeBag.
func bag(id asn1.ObjectIdentifier, m marks, fill cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id)
			explicit(b, fill)
			if m != (marks{}) {
				b.AddASN1(cbasn1.SET, m.add)
			}
		})
	}
}

// typed is what a CertBag or CRLBag holds.
func typed(id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id)
			explicit(b, value)
		})
	}
}

// nested is a safe as a bag.
func nested(bags ...cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return bag(idSafeBag, marks{}, func(b *cryptobyte.Builder) { sequence(b, together(bags)) })
}

// together adds one after the other.
func together(all []cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		for _, add := range all {
			add(b)
		}
	}
}

// cert is the bag of the certificate of that name.
func (w *workshop) cert(name string, m marks) cryptobyte.BuilderContinuation {
	der := w.der(name + ".crt")
	return bag(idCertBag, m, typed(idX509Cert, func(b *cryptobyte.Builder) { b.AddASN1OctetString(der) }))
}

// key is the bag of the key of that name, as strong as OpenSSL's are.
func (w *workshop) key(name string, m marks) cryptobyte.BuilderContinuation {
	return w.keyBag(heldKey{kind: name}, m)
}

// keyBag is the bag of a key.
func (w *workshop) keyBag(k heldKey, m marks) cryptobyte.BuilderContinuation {
	info := w.encrypted(k)
	return bag(idShroudedBag, m, func(b *cryptobyte.Builder) { b.AddBytes(info) })
}

// heldKey is an encrypted key for a store that build makes.
type heldKey struct {
	kind  string // of the key, whose certificate is used
	keyID string // "" for none
	args  string // of openssl pkcs8: how it is encrypted
	pass  string // "" for the store's
}

// build makes a PKCS12 of keys that are encrypted in any way that `openssl pkcs8` knows, and their certificates.
func (w *workshop) build(name string, keys ...heldKey) {
	w.t.Helper()
	var bags []cryptobyte.BuilderContinuation
	for _, k := range keys {
		bags = append(bags, w.keyBag(k, marks{id: k.keyID}), w.cert(k.kind, marks{id: k.keyID}))
	}
	w.pack(name, bags)
}

// pack makes a PKCS12 with a MAC of SHA-256, whose safes are open.
func (w *workshop) pack(name string, safes ...[]cryptobyte.BuilderContinuation) {
	w.t.Helper()
	var all cryptobyte.Builder
	sequence(&all, func(b *cryptobyte.Builder) {
		for _, bags := range safes {
			content(b, func(b *cryptobyte.Builder) { sequence(b, together(bags)) })
		}
	})
	sealer, err := pbe.NewSealer(keystore.Secret(storePass), pbe.Params{Iterations: 500}, rand.NewChaCha8([32]byte{}))
	require.NoError(w.t, err)
	mac, err := sealer.MAC(all.BytesOrPanic())
	require.NoError(w.t, err)
	var pfx cryptobyte.Builder
	sequence(&pfx, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		content(b, func(b *cryptobyte.Builder) { b.AddBytes(all.BytesOrPanic()) })
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				b.AddBytes(mac.Algorithm)
				b.AddASN1OctetString(mac.Digest)
			})
			b.AddASN1OctetString(mac.Salt)
			b.AddASN1Int64(mac.Iterations)
		})
	})
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), pfx.BytesOrPanic(), 0o600))
	w.add(name, storePass)
}

// encrypted returns a key as EncryptedPrivateKeyInfo.
func (w *workshop) encrypted(k heldKey) []byte {
	w.t.Helper()
	if done := w.held[k]; done != nil {
		return done
	}
	pass := k.pass
	if pass == "" {
		pass = storePass
	}
	args := []string{"pkcs8", "-topk8", "-iter", "500", "-in", k.kind + ".key", "-out", "encrypted.key", "-passout", "pass:" + pass}
	interop.Run(w.t, w.dir, w.openssl, append(args, strings.Fields(k.args)...)...)
	w.held[k] = w.der("encrypted.key")
	return w.held[k]
}

// der returns the content of a PEM file's first block.
func (w *workshop) der(name string) []byte {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	require.NoError(w.t, err)
	block, _ := pem.Decode(text)
	require.NotNil(w.t, block, name)
	return block.Bytes
}
