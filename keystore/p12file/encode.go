package p12file

import (
	"errors"
	"fmt"
	"slices"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
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
	if keystore.Compare(s, arrange(s)) != nil {
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

// write returns the PFX. What needs random bytes is made in the order of the file, certificates, keys, MAC; all else is
// written from its end to its beginning, see [ber.Writer].
func (w *writer) write(s *keystore.Store) ([]byte, error) {
	safes, err := w.safes(s)
	if err != nil {
		return nil, err
	}
	size := 64
	for _, one := range safes {
		size += len(one.content) + 256
	}
	list := ber.NewWriter(size)
	for _, one := range slices.Backward(safes) {
		one.put(list)
	}
	list.Wrap(tagSequence, 0)
	safe := list.Bytes()
	var mac []byte
	if !w.plan.open {
		if mac, err = w.mac(safe); err != nil {
			return nil, err
		}
	}
	pfx := ber.NewWriter(len(safe) + len(mac) + 64)
	pfx.Put(mac...)
	contentInfo{content: safe}.put(pfx)
	pfx.Element(byte(cbasn1.INTEGER), []byte{3})
	pfx.Wrap(tagSequence, 0)
	return pfx.Bytes(), nil
}

// safes returns the safe of certificates, encrypted unless the file is open, and that of keys, as far as there are any.
func (w *writer) safes(s *keystore.Store) ([]contentInfo, error) {
	keys, certs := entriesOf(s)
	var safes []contentInfo
	if len(certs) > 0 {
		safe, err := w.certSafe(certs)
		if err != nil {
			return nil, err
		}
		safes = append(safes, safe)
	}
	if len(keys) > 0 {
		safe, err := w.keySafe(keys)
		if err != nil {
			return nil, err
		}
		safes = append(safes, safe)
	}
	return safes, nil
}

// certSafe makes the safe of certificates.
func (w *writer) certSafe(certs []certEntry) (contentInfo, error) {
	plain := ber.NewWriter(sizeOf(certs))
	for _, c := range slices.Backward(certs) {
		putCertBag(plain, c)
	}
	plain.Wrap(tagSequence, 0)
	if w.plan.open {
		return contentInfo{content: plain.Bytes()}, nil
	}
	alg, ciphertext, err := w.sealer.Seal(plain.Bytes())
	return contentInfo{alg, ciphertext}, err
}

// sizeOf is about as many bytes as a safe of certificates takes, so that what it is built in need not grow.
func sizeOf(certs []certEntry) int {
	size := 64
	for _, c := range certs {
		size += len(c.cert.Raw) + 2*len(c.name) + len(c.id) + 128
	}
	return size
}

// keySafe makes the safe of keys, each encrypted by itself.
func (w *writer) keySafe(keys []keyEntry) (contentInfo, error) {
	sealed := make([][]byte, len(keys))
	for i, k := range keys {
		var err error
		if sealed[i], err = w.sealer.SealInfo(k.key.PKCS8); err != nil {
			return contentInfo{}, err
		}
	}
	safe := ber.NewWriter(1024 * len(keys))
	for i, k := range slices.Backward(keys) {
		putBag(safe, derShroudedBag, k.attributes, func() { safe.Put(sealed[i]...) })
	}
	safe.Wrap(tagSequence, 0)
	return contentInfo{content: safe.Bytes()}, nil
}

// contentInfo is a ContentInfo of type encryptedData, or of type data where it has no algorithm.
type contentInfo struct {
	alg     []byte // AlgorithmIdentifier
	content []byte // the ciphertext, or what is not encrypted
}

// put writes it.
func (c contentInfo) put(w *ber.Writer) {
	end := w.Len()
	w.Put(c.content...)
	kind := derData
	if c.alg == nil {
		w.Wrap(byte(cbasn1.OCTET_STRING), end)
	} else {
		kind = derEncrypted
		w.Wrap(byte(tagImplicit0), end)
		w.Put(c.alg...)
		w.Put(derData...)
		w.Wrap(tagSequence, end)
		w.Element(byte(cbasn1.INTEGER), []byte{0})
		w.Wrap(tagSequence, end)
	}
	w.Wrap(byte(tagExplicit0), end)
	w.Put(kind...)
	w.Wrap(tagSequence, end)
}
