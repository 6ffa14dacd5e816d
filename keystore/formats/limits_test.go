package formats

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// manyCertificates returns a store of n trusted certificates, all different: one, with another serial number each time,
// which spares the signatures.
func manyCertificates(t testing.TB, n int) *keystore.Store {
	t.Helper()
	model := mint.CA(t, "many", "ec")
	serial := model.Cert.SerialNumber.Bytes()
	at := bytes.Index(model.DER, serial)
	require.Positive(t, at)
	store := &keystore.Store{Anchors: make([]keystore.Anchor, n)}
	for i := range store.Anchors {
		der := bytes.Clone(model.DER)
		binary.BigEndian.PutUint64(der[at:], 1<<62+uint64(i))
		store.Anchors[i] = keystore.Anchor{Alias: fmt.Sprintf("certificate %d", i), Created: mint.Day, Certificate: keystore.NewCertificate(der)}
	}
	return store
}

// allocated returns what f allocates in all, which is more than it ever holds at a time.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// noCertificate has the outer form of a certificate, hardly more than the least size of one, and nothing in it.
var noCertificate = append([]byte{0x30, 100, 0x30, 0, 0x30, 0, 3, 94}, make([]byte, 94)...)

// hostileFiles are made to cost far more than they weigh.
func hostileFiles(t *testing.T) map[string][]byte {
	t.Helper()
	jks := func(count uint32, entries []byte) []byte {
		head := []byte{0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2}
		return sealed(append(binary.BigEndian.AppendUint32(head, count), entries...))
	}
	const tiny = 100_000 // entries
	emptyKey := []byte{0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0x30, 8, 0x30, 3, 6, 1, 0x2A, 4, 1, 0, 0, 0, 0, 0}
	emptySecret := []byte{0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0xAC, 0xED, 0, 5, 0x73, 0x72, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0x78, 0x70}
	keyHead := []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0}
	files := map[string][]byte{
		"JKS, 4 billion entries":      jks(0xFFFFFFFF, make([]byte, 100)),
		"JKS, 4 billion certificates": jks(1, append(append([]byte{}, keyHead...), 0, 0, 0, 2, 0x30, 0, 0xFF, 0xFF, 0xFF, 0xFF)),
		"JKS, a key of 1 GiB":         jks(1, append(append([]byte{}, keyHead...), 0x40, 0, 0, 0)),
		"JKS, tiny keys of one name":  jks(tiny, bytes.Repeat(emptyKey, tiny)),
		"JCEKS, tiny secrets":         jceksFile(jks(tiny, bytes.Repeat(emptySecret, tiny))),
		"DER, 2 GiB":                  {0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xF0},
		"PEM, beginnings":             bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), tiny),
		"PEM, empty blocks":           bytes.Repeat([]byte("-----BEGIN DH PARAMETERS-----\n-----END DH PARAMETERS-----\n"), tiny),
		"PEM, empty lines":            append([]byte("-----BEGIN X509 CRL-----\n"), bytes.Repeat([]byte("\n"), 80*tiny)...),
		"PEM, lines of text":          append(bytes.Repeat([]byte("x\n"), 40*tiny), "-----BEGIN X509 CRL-----\n"...),
		"JKS, tiny certificates":      jks(tiny, bytes.Repeat(append([]byte{0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5, 'X', '.', '5', '0', '9', 0, 0, 0, 102}, noCertificate...), tiny)),
		"PEM, tiny certificates":      bytes.Repeat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: noCertificate}), tiny),
		"PEM, headers":                append([]byte("-----BEGIN X509 CRL-----\n"), bytes.Repeat([]byte(":\n"), 40*tiny)...),
	}
	bag := func(oid []byte, value ...byte) []byte {
		return element(0x30, append(append([]byte{6, byte(len(oid))}, oid...), element(0xA0, value)...))
	}
	safeBag := func(kind byte, value ...byte) []byte {
		return bag([]byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 10, 1, kind}, value...)
	}
	for name, one := range map[string][]byte{
		"numbers": {2, 1, 0}, "sequences": {0x30, 0}, "certificates": noCertificate, "unknown bags": bag([]byte{0x2A}), "secret bags": safeBag(5), "CRL bags": safeBag(4),
		"safes": safeBag(6, 0x30, 0), "keys": safeBag(1, 0x30, 0),
	} {
		files["PFX of "+name] = pfx(bytes.Repeat(one, tiny))
		files["PKCS#7 of "+name] = bundle(bytes.Repeat(one, tiny))
	}
	return files
}

// element is a DER or BER element.
func element(tag byte, content []byte) []byte {
	out := append([]byte{tag, 0x84}, binary.BigEndian.AppendUint32(nil, uint32(len(content)))...)
	return append(out, content...)
}

// pfx is a PKCS12 file whose one safe, in plain, has the content.
func pfx(content []byte) []byte {
	data := []byte{6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1}
	wrap := func(content []byte) []byte {
		return element(0x30, append(bytes.Clone(data), element(0xA0, element(4, element(0x30, content)))...))
	}
	return element(0x30, append([]byte{2, 1, 3}, wrap(wrap(content))...))
}

// bundle is a PKCS#7 bundle whose certificates are the content.
func bundle(content []byte) []byte {
	data := []byte{6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7}
	signed := append([]byte{2, 1, 1, 0x31, 0}, element(0x30, append(bytes.Clone(data), 1))...)
	signed = append(append(signed, element(0xA0, content)...), 0x31, 0)
	return element(0x30, append(append(bytes.Clone(data), 2), element(0xA0, element(0x30, signed))...))
}

// Memory stays below 20 times the size of the file and 64 MiB, whatever the file.
func TestMemory(t *testing.T) {
	files := hostileFiles(t)
	for _, s := range conformanceStores(t) {
		for _, codec := range All() {
			if holds(t, codec, s.store) {
				files[codec.Name()+" of "+s.name], _ = write(t, codec, s.store, encodeOptions())
			}
		}
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			for _, opts := range []keystore.DecodeOptions{{Password: password}, {}} {
				var err error
				used := allocated(func() { _, _, err = Decode(data, opts) })
				assert.LessOrEqual(t, used, uint64(20*len(data)+64<<20), "of %d bytes", len(data))
				if err != nil {
					assert.NotNil(t, keystore.KindOf(err), "%v", err)
				}
			}
		})
	}
}

// An honest store of 100,000 certificates is within the default limits of every format that has several.
func TestLargeStores(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 certificates in each format")
	}
	store := manyCertificates(t, 100_000)
	for _, codec := range All() {
		if !traitsOf[codec.Name()].several {
			continue
		}
		t.Run(codec.Name(), func(t *testing.T) {
			data, fitted := write(t, codec, store, encodeOptions())
			var got *keystore.Store
			var err error
			used := allocated(func() { got, err = codec.Decode(data, keystore.DecodeOptions{Password: password}) })
			require.NoError(t, err)
			require.NoError(t, keystore.Compare(fitted, got))
			require.Len(t, got.Anchors, len(store.Anchors))
			assert.LessOrEqual(t, used, uint64(20*len(data)+64<<20), "of %d bytes", len(data))
		})
	}
}

// Law: each limit is the largest that passes: what reaches it is read, and what exceeds it by one is refused, or where that
// loses nothing, as with a chain that can be put together from loose certificates, cut.
func TestLimits(t *testing.T) {
	for _, codec := range All() {
		has := traitsOf[codec.Name()]
		read := func(data []byte, limits keystore.Limits) (*keystore.Store, error) {
			return codec.Decode(data, keystore.DecodeOptions{Password: password, Limits: limits})
		}
		bounds := func(name string, data []byte, limit func(n int) keystore.Limits, bound int) {
			t.Run(codec.Name()+"/"+name, func(t *testing.T) {
				_, err := read(data, limit(bound))
				require.NoError(t, err)
				got, err := read(data, limit(bound-1))
				assert.Nil(t, got)
				assert.ErrorIs(t, err, keystore.ErrTooLarge)
			})
		}
		trusted, _ := write(t, codec, storeNamed(t, "trusted only"), encodeOptions())
		bounds("bytes", trusted, func(n int) keystore.Limits { return keystore.Limits{Bytes: int64(n)} }, len(trusted))
		if has.several {
			bounds("entries", trusted, func(n int) keystore.Limits { return keystore.Limits{Entries: n} }, 2)
		}
		if has.names {
			bounds("name", trusted, func(n int) keystore.Limits { return keystore.Limits{NameBytes: n} }, len("plant ca"))
		}
		key, _ := write(t, codec, storeNamed(t, "a key without a certificate"), encodeOptions())
		if has.iterations {
			bounds("iterations", key, func(n int) keystore.Limits { return keystore.Limits{Iterations: n} }, 2)
		}
		if codec.Name() == "p12" || codec.Name() == "p7b" { // of which every layer may be BER
			depth := 1
			for ; depth < keystore.DefaultLimits.Depth; depth++ {
				if _, err := read(trusted, keystore.Limits{Depth: depth}); err == nil {
					break
				}
			}
			assert.Less(t, depth, keystore.DefaultLimits.Depth/2, "far from the limit")
			bounds("depth", trusted, func(n int) keystore.Limits { return keystore.Limits{Depth: n} }, depth)
		}
	}
}

// A chain that is longer than the limit is refused by JKS, which says how long it is, and cut by formats that have no
// more than certificates side by side: there nothing is lost.
func TestChainLimit(t *testing.T) {
	store := storeNamed(t, "one key, whole chain")
	for name, cut := range map[string]bool{"jks": false, "p12": true, "pem": true} {
		codec, err := ByName(name)
		require.NoError(t, err)
		data, fitted := write(t, codec, store, encodeOptions())
		for limit := 3; limit > 1; limit-- {
			got, err := codec.Decode(data, keystore.DecodeOptions{Password: password, Limits: keystore.Limits{Chain: limit}})
			if limit < 3 && !cut {
				assert.ErrorIs(t, err, keystore.ErrTooLarge, name)
				continue
			}
			require.NoError(t, err, name)
			assert.Len(t, got.Identities[0].Chain, limit, name)
			assert.Equal(t, certificatesOf(fitted), certificatesOf(got), name)
		}
	}
}

// The memory of scrypt is bounded to the byte.
func TestScryptLimit(t *testing.T) {
	data, err := os.ReadFile("../pemfile/testdata/samples/ec-scrypt.pem") // N=16, r=8
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	const memory = 128 * 16 * 8
	for _, form := range [][]byte{data, block.Bytes} {
		opts := keystore.DecodeOptions{Password: keystore.Secret("sample pässwörd"), Limits: keystore.Limits{ScryptMem: memory}}
		_, _, err := Decode(form, opts)
		require.NoError(t, err)
		opts.Limits.ScryptMem--
		_, _, err = Decode(form, opts)
		assert.ErrorIs(t, err, keystore.ErrTooLarge)
	}
}

// 10,000 levels of nesting are an error of every reader, wherever in a file they stand.
func TestNesting(t *testing.T) {
	const levels = 10_000
	var definite []byte
	for inner := levels - 1; inner >= 0; inner-- {
		definite = binary.BigEndian.AppendUint32(append(definite, 0x30, 0x84), uint32(6*inner+2))
	}
	definite = append(definite, 4, 0)
	for name, nested := range map[string][]byte{
		"indefinite": append(bytes.Repeat([]byte{0x30, 0x80}, levels), make([]byte, 2*levels)...),
		"definite":   definite,
		"octets":     append(bytes.Repeat([]byte{0x24, 0x80}, levels), make([]byte, 2*levels)...),
	} {
		files := map[string][]byte{"alone": nested, "in a PFX": pfx(nested), "in PKCS#7": bundle(nested)}
		for _, label := range []string{"CERTIFICATE", "X509 CRL", "CERTIFICATE REQUEST", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "PKCS7"} {
			files["as "+label] = pem.EncodeToMemory(&pem.Block{Type: label, Bytes: nested})
		}
		size := binary.BigEndian.AppendUint32(nil, uint32(len(nested)))
		head := []byte{0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0}
		files["a key of JKS"] = sealed(append(append(append(head, size...), nested...), 0, 0, 0, 0))
		for place, data := range files {
			t.Run(name+"/"+place, func(t *testing.T) {
				for _, codec := range All() {
					store, err := codec.Decode(data, keystore.DecodeOptions{Password: password})
					assert.Nil(t, store)
					assert.NotNil(t, keystore.KindOf(err), "%s: %v", codec.Name(), err)
				}
			})
		}
	}
}
