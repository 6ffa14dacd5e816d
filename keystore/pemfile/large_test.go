package pemfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// manyCertificates are that many different ones: one, under serial numbers that its signature does not cover.
func manyCertificates(t testing.TB, count int) *keystore.Store {
	t.Helper()
	m := mint.CA(t, "one of many", "ec")
	at := bytes.Index(m.DER, m.Cert.SerialNumber.Bytes())
	require.Positive(t, at)
	s := &keystore.Store{}
	for i := range count {
		der := bytes.Clone(m.DER)
		binary.BigEndian.PutUint32(der[at+4:], uint32(i))
		s.Anchors = append(s.Anchors, keystore.Anchor{Certificate: keystore.NewCertificate(der)})
	}
	return s
}

// forms are the ways in which a bundle of certificates is written.
var forms = []struct {
	codec   keystore.Codec
	profile string
}{{Codec{}, ""}, {PKCS7{}, ProfilePEM}, {PKCS7{}, ProfileDER}, {PKCS7{}, ProfileBER}}

// BenchmarkBundle shows that time and memory for a bundle are linear in its size: compare ns/op and B/op.
func BenchmarkBundle(b *testing.B) {
	for _, count := range []int{1_000, 10_000, 100_000} {
		store := manyCertificates(b, count)
		for _, form := range forms {
			opts := keystore.EncodeOptions{Profile: form.profile}
			fitted, _, err := form.codec.Fit(store, opts)
			require.NoError(b, err)
			data, err := form.codec.Encode(fitted, opts)
			require.NoError(b, err)
			name := fmt.Sprintf("%d/%s%s", count, form.codec.Name(), form.profile)
			b.Run(name+"/encode", func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					_, err := form.codec.Encode(fitted, opts)
					require.NoError(b, err)
				}
			})
			b.Run(name+"/decode", func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					_, err := form.codec.Decode(data, keystore.DecodeOptions{})
					require.NoError(b, err)
				}
			})
		}
	}
}

// allocated is how many bytes a function takes from the heap, freed or not.
func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// Four times as many certificates take four times the memory to fit, write and read, not sixteen.
func TestBundlesAreLinear(t *testing.T) {
	small, large := manyCertificates(t, 1000), manyCertificates(t, 4000)
	for _, form := range forms {
		t.Run(form.codec.Name()+form.profile, func(t *testing.T) {
			round := func(s *keystore.Store) func() {
				return func() {
					_, got, _ := rewrite(t, form.codec, s, keystore.EncodeOptions{Profile: form.profile})
					assert.Len(t, got.Anchors, len(s.Anchors))
				}
			}
			assert.Less(t, allocated(round(large)), 6*allocated(round(small)))
		})
	}
}

// Text that is made to keep a reader busy costs memory in proportion to its size, whatever it ends with.
func TestHostileTextIsLinear(t *testing.T) {
	cert := string(EncodeCertificates(certificate(newPKI(t).root)))
	const n = 200_000
	for name, text := range map[string]string{
		"lines of one letter":          strings.Repeat("a\n", 2*n),
		"lines of a colon":             strings.Repeat(":\n", 2*n),
		"empty comments":               strings.Repeat("#\n", 2*n),
		"names":                        strings.Repeat("friendlyName: x\n", n/8),
		"half a BEGIN":                 strings.Repeat("-----BEGIN", n/8),
		"unknown blocks":               strings.Repeat("-----BEGIN X-----\n-----END X-----\n", n/16),
		"blocks of other programs":     strings.Repeat(armour("DH PARAMETERS", "MAYCAQUCAQI="), n/32),
		"one line":                     strings.Repeat("a", 4*n),
		"a name of many quotes":        "# key: " + strings.Repeat(`"`, n) + "\n",
		"many headers":                 "-----BEGIN X-----\n" + strings.Repeat("a: b\n", n/4) + "\n-----END X-----\n",
		"one block inside another":     "-----BEGIN X-----\n" + strings.Repeat("-----BEGIN X-----\n", n/8),
		"a block of one letter a line": "-----BEGIN X-----\n" + strings.Repeat("A\n", n*2) + "-----END X-----\n",
		"blanks":                       strings.Repeat(" \t", n) + "\n",
	} {
		for _, end := range []string{"", cert} {
			data := []byte(text + end)
			used := allocated(func() {
				store, err := Codec{}.Decode(data, keystore.DecodeOptions{})
				requireKind(t, store, err)
				Codec{}.Sniff(data)
			})
			assert.Less(t, used, float64(20*len(data)+1<<20), name)
		}
	}
}
