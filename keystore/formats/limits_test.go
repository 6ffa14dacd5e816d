package formats

import (
	"bytes"
	"encoding/binary"
	"fmt"
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

// hostileFiles are made to cost far more than they weigh.
func hostileFiles(t *testing.T) map[string][]byte {
	t.Helper()
	jks := func(count uint32, entries []byte) []byte {
		head := []byte{0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2}
		return sealed(append(binary.BigEndian.AppendUint32(head, count), entries...))
	}
	const tiny = 200_000 // entries
	emptyKey := []byte{0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0x30, 8, 0x30, 3, 6, 1, 0x2A, 4, 1, 0, 0, 0, 0, 0}
	keyHead := []byte{0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 0}
	files := map[string][]byte{
		"JKS, 4 billion entries":      jks(0xFFFFFFFF, make([]byte, 100)),
		"JKS, 4 billion certificates": jks(1, append(append([]byte{}, keyHead...), 0, 0, 0, 2, 0x30, 0, 0xFF, 0xFF, 0xFF, 0xFF)),
		"JKS, a key of 1 GiB":         jks(1, append(append([]byte{}, keyHead...), 0x40, 0, 0, 0)),
		"JKS, tiny keys of one name":  jks(tiny, bytes.Repeat(emptyKey, tiny)),
		"DER, 2 GiB":                  {0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xF0},
		"PEM, beginnings":             bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), tiny),
		"PEM, empty blocks":           bytes.Repeat([]byte("-----BEGIN DH PARAMETERS-----\n-----END DH PARAMETERS-----\n"), tiny),
		"PEM, empty lines":            append([]byte("-----BEGIN X509 CRL-----\n"), bytes.Repeat([]byte("\n"), tiny)...),
		"PEM, lines of text":          append(bytes.Repeat([]byte("x\n"), tiny), "-----BEGIN X509 CRL-----\n"...),
		"PEM, headers":                append([]byte("-----BEGIN X509 CRL-----\n"), bytes.Repeat([]byte(":\n"), tiny)...),
	}
	for name, content := range map[string][]byte{"nothing": {}, "numbers": bytes.Repeat([]byte{2, 1, 0}, tiny), "sequences": bytes.Repeat([]byte{0x30, 0}, tiny)} {
		files["PFX of "+name] = pfx(content)
		files["PKCS#7 of "+name] = bundle(content)
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
				t.Log(len(data), used/uint64(len(data)), err)
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
