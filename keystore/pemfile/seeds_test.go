package pemfile

import (
	"bytes"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// addSeeds gives a fuzzer all samples and files of our own; where it leads a run of go test -fuzz, also what the programs
// of this machine make of every kind.
func addSeeds(f *testing.F, add func([]byte)) {
	for _, name := range sampleNames(f) {
		add(sample(f, name))
	}
	for _, data := range ourFiles(f) {
		add(data)
	}
	if interop.Seeds() != interop.SeedsAll {
		return
	}
	made := []map[string][]byte{opensslFiles(f), gnutlsFiles(f), nssFiles(f)}
	for _, jdk := range interop.JDKs(f) {
		made = append(made, keytoolFiles(f, jdk))
	}
	for _, files := range made {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			add(files[name])
		}
	}
}

// ourFiles are what this package writes, and some that it must refuse.
func ourFiles(t testing.TB) [][]byte {
	t.Helper()
	p := newPKI(t)
	store := &keystore.Store{
		Identities: []keystore.Identity{identity(t, "a", p.server, p.issuing, p.root), identity(t, "b", p.client)},
		Anchors:    []keystore.Anchor{{Alias: "trusted", Certificate: certificate(p.root)}},
		Loose:      []keystore.Anchor{{Alias: "loose", Certificate: certificate(p.issuing)}},
	}
	fitted, _, err := Codec{}.Fit(store, keystore.EncodeOptions{})
	require.NoError(t, err)
	var files [][]byte
	for _, opts := range []keystore.EncodeOptions{{}, fast()} {
		data, err := Codec{}.Encode(fitted, opts)
		require.NoError(t, err)
		files = append(files, data)
	}
	return append(files,
		[]byte(emptyFile), []byte(strings.Repeat(beginMark+"X", 50)), bytes.Repeat([]byte{0x30, 0x80}, 100),
		[]byte("\xFF\xFE-\x00-\x00-\x00-\x00-\x00B\x00"), []byte("  "+armour("CERTIFICATE", "MII=")),
		[]byte(armour("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\nAAAA")))
}

// addObjects gives a fuzzer the DER of every block of the seeds, and the seeds that are DER.
func addObjects(f *testing.F, add func([]byte)) {
	addSeeds(f, func(data []byte) {
		if bytes.HasPrefix(data, []byte{tagSequence}) {
			add(data)
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			add(block.Bytes)
		}
	})
}
