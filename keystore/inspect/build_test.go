package inspect_test

import (
	"encoding/asn1"
	"encoding/pem"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

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
	idX509Cert    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	idLocalKeyID  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 21}
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

// bag adds a SafeBag, with a localKeyID unless that is empty.
func bag(b *cryptobyte.Builder, id asn1.ObjectIdentifier, keyID string, fill func(*cryptobyte.Builder)) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		explicit(b, fill)
		if keyID == "" {
			return
		}
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(idLocalKeyID)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(keyID)) })
			})
		})
	})
}

// heldKey is an encrypted key for a store that build makes.
type heldKey struct {
	kind  string // of the key, whose certificate is used
	keyID string // "" for none
	args  string // of openssl pkcs8: how it is encrypted
	pass  string // "" for the store's
}

// build makes a PKCS12 with a MAC of SHA-256, whose certificates are open, and whose keys are encrypted in any way that
// `openssl pkcs8` knows.
func (w *workshop) build(name string, keys ...heldKey) {
	w.t.Helper()
	var safe cryptobyte.Builder
	sequence(&safe, func(b *cryptobyte.Builder) {
		content(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				for _, k := range keys {
					bag(b, idShroudedBag, k.keyID, func(b *cryptobyte.Builder) { b.AddBytes(w.encrypted(k)) })
					bag(b, idCertBag, k.keyID, func(b *cryptobyte.Builder) {
						sequence(b, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(idX509Cert)
							explicit(b, func(b *cryptobyte.Builder) { b.AddASN1OctetString(w.der(k.kind + ".crt")) })
						})
					})
				}
			})
		})
	})
	sealer, err := pbe.NewSealer(keystore.Secret(storePass), pbe.Params{Iterations: 500}, rand.NewChaCha8([32]byte{}))
	require.NoError(w.t, err)
	mac, err := sealer.MAC(safe.BytesOrPanic())
	require.NoError(w.t, err)
	var pfx cryptobyte.Builder
	sequence(&pfx, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		content(b, func(b *cryptobyte.Builder) { b.AddBytes(safe.BytesOrPanic()) })
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
	pass := k.pass
	if pass == "" {
		pass = storePass
	}
	args := []string{"pkcs8", "-topk8", "-iter", "500", "-in", k.kind + ".key", "-out", "encrypted.key", "-passout", "pass:" + pass}
	interop.Run(w.t, w.dir, w.openssl, append(args, strings.Fields(k.args)...)...)
	return w.der("encrypted.key")
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
