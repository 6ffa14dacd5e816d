package p12file

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// Encode writes a store that [Codec.Fit] returned; see [keystore.Codec]. The result is DER, and the same for the same
// random bytes. Certificates lie in one safe and keys in another, as OpenSSL has them. The password is the keys' as
// well.
func (Codec) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := encode(s, opts)
	if err != nil {
		return nil, fmt.Errorf("writing PKCS12: %w", err)
	}
	return data, nil
}

// errUnfitted means that Encode was given what Fit did not return.
var errUnfitted = errors.New("the store was not fitted for these options")

func encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	p, err := planFor(opts)
	if err != nil {
		return nil, err
	}
	if len(s.Others) > 0 || p.open && len(s.Identities) > 0 {
		return nil, errUnfitted
	}
	for _, id := range s.Identities {
		if id.Key == nil {
			return nil, errUnfitted
		}
	}
	if !equalStores(s, arrange(s)) {
		return nil, errUnfitted
	}
	w := &writer{plan: p}
	if !p.open {
		if w.sealer, err = pbe.NewSealer(p.password, p.params(), opts.Random); err != nil {
			return nil, err
		}
	}
	return w.write(s)
}

// writer builds one file.
type writer struct {
	plan   plan
	sealer *pbe.Sealer // nil for an open file
}

// write returns the PFX.
func (w *writer) write(s *keystore.Store) ([]byte, error) {
	keys, certs := entriesOf(s)
	safes := cryptobyte.NewBuilder(make([]byte, 0, sizeOf(certs)+1024*len(keys)+512))
	var failure error
	safes.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if len(certs) > 0 {
			failure = w.addCertSafe(b, certs)
		}
		if failure == nil && len(keys) > 0 {
			failure = w.addKeySafe(b, keys)
		}
	})
	if failure != nil {
		return nil, failure
	}
	safe, err := safes.Bytes()
	if err != nil {
		return nil, err
	}
	pfx := cryptobyte.NewBuilder(make([]byte, 0, len(safe)+512))
	pfx.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addData(b, safe)
		if !w.plan.open {
			failure = w.addMAC(b, safe)
		}
	})
	if failure != nil {
		return nil, failure
	}
	return pfx.Bytes()
}

// addData writes a ContentInfo of type data.
func addData(b *cryptobyte.Builder, content []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idData)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
	})
}

// addCertSafe writes the safe of certificates, encrypted unless the file is open.
func (w *writer) addCertSafe(b *cryptobyte.Builder, certs []certEntry) error {
	safe := cryptobyte.NewBuilder(make([]byte, 0, sizeOf(certs)))
	safe.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, c := range certs {
			addBag(b, idCertBag, c.attributes, func(b *cryptobyte.Builder) { addCert(b, c.cert) })
		}
	})
	plain, err := safe.Bytes()
	if err != nil {
		return err
	}
	if w.plan.open {
		addData(b, plain)
		return nil
	}
	alg, ciphertext, err := w.sealer.Seal(plain)
	if err != nil {
		return err
	}
	addEncrypted(b, alg, ciphertext)
	return nil
}

// addEncrypted writes a ContentInfo of type encryptedData.
func addEncrypted(b *cryptobyte.Builder, alg, ciphertext []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idEncrypted)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(idData)
					b.AddBytes(alg)
					b.AddASN1(tagImplicit0, func(b *cryptobyte.Builder) { b.AddBytes(ciphertext) })
				})
			})
		})
	})
}

// sizeOf is about as many bytes as a safe of certificates takes, so that what it is built in need not grow.
func sizeOf(certs []certEntry) int {
	size := 0
	for _, c := range certs {
		size += len(c.cert.Raw) + 2*len(c.name) + len(c.id) + 128
	}
	return size
}

// addCert writes the value of a certBag.
func addCert(b *cryptobyte.Builder, c keystore.Certificate) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(idX509Cert)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.Raw) })
	})
}

// addKeySafe writes the safe of keys, each encrypted by itself.
func (w *writer) addKeySafe(b *cryptobyte.Builder, keys []keyEntry) error {
	var safe cryptobyte.Builder
	var failure error
	safe.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, k := range keys {
			info, err := w.sealer.SealInfo(k.key.PKCS8)
			if err != nil {
				failure = err
				return
			}
			addBag(b, idShroudedBag, k.attributes, func(b *cryptobyte.Builder) { b.AddBytes(info) })
		}
	})
	if failure != nil {
		return failure
	}
	content, err := safe.Bytes()
	if err != nil {
		return err
	}
	addData(b, content)
	return nil
}

// addBag writes a SafeBag.
func addBag(b *cryptobyte.Builder, kind asn1.ObjectIdentifier, a attributes, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(tagExplicit0, value)
		if a.name == "" && a.id == "" && !a.trusted {
			return
		}
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAttributes(b, a) })
	})
}

// addAttributes writes the attributes in the order that DER wants of a SET OF: by their encoding.
func addAttributes(b *cryptobyte.Builder, a attributes) {
	var encoded [][]byte
	add := func(id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
		one := cryptobyte.NewBuilder(make([]byte, 0, 64))
		addAttribute(one, id, value)
		encoded = append(encoded, one.BytesOrPanic()) // it fails for identifiers only, and those are constants
	}
	if a.name != "" {
		add(idFriendlyName, func(b *cryptobyte.Builder) {
			b.AddASN1(tagBMPString, func(b *cryptobyte.Builder) {
				for _, unit := range utf16.Encode([]rune(a.name)) {
					b.AddUint16(unit)
				}
			})
		})
	}
	if a.id != "" {
		add(idLocalKeyID, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte(a.id)) })
	}
	if a.trusted {
		add(idTrustedUsage, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(idAnyUsage) })
	}
	slices.SortFunc(encoded, bytes.Compare)
	for _, one := range encoded {
		b.AddBytes(one)
	}
}

// addAttribute writes one attribute with one value.
func addAttribute(b *cryptobyte.Builder, id asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.SET, value)
	})
}
