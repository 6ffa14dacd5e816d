package p12file

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// allocated returns what f allocates in bytes, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemoryOfManyEntries: half a million of the smallest entries, the limit being a million, take below 20 times the size of their file and
// 64 MiB, garbage included.
func TestMemoryOfManyEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("files of up to 30 MB")
	}
	most := keystore.DefaultLimits.Entries / 2
	raw := func(kind string, value []byte) cryptobyte.BuilderContinuation {
		return element(func(b *cryptobyte.Builder) {
			addBag(b, parseID(kind), attributes{}, func(b *cryptobyte.Builder) { b.AddBytes(value) })
		})
	}
	typed := func(oid string, content []byte) []byte {
		return der(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID(oid))
				b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
			})
		})
	}
	nested := func(add cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
		return raw(oidSafeBag, der(func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, add) }))
	}
	unknownKey := append([]byte{0x30, 38, 0x30, 3, 6, 1, 0x2A, 4, 31}, make([]byte, 31)...) // encrypted with 1.2
	plainKey := append([]byte{0x30, 38, 2, 1, 0, 0x30, 3, 6, 1, 0x2A, 4, 28}, make([]byte, 28)...)
	attributesOf := func(n int) cryptobyte.BuilderContinuation { // each of a kind of its own
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID("1.2"))
				b.AddASN1(tagExplicit0, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					for i := range n {
						b.AddBytes([]byte{0x30, 8, 6, 4, 0x2A, byte(i>>14) & 0x7F, byte(i>>7) & 0x7F, byte(i) & 0x7F, 0x31, 0})
					}
				})
			})
		}
	}
	for name, content := range map[string]cryptobyte.BuilderContinuation{
		"bags of an unknown kind": times(most, raw("1.2", nil)),
		"safes in a safe":         times(most-1, nested(func(*cryptobyte.Builder) {})),
		"CRLs":                    times(most, raw(oidCRLBag, typed(oidX509CRL, nil))),
		"secrets":                 times(most, raw(oidSecretBag, typed("1.2", nil))),
		"sealed secrets":          times(most, raw(oidSecretBag, typed(oidShroudedBag, []byte{0x30, 7, 0x30, 3, 6, 1, 0x2A, 4, 0}))),
		"secrets in safes":        times(most/2, nested(raw(oidSecretBag, typed("1.2", nil)))),
		"encrypted keys":          times(most, raw(oidShroudedBag, unknownKey)),
		"encrypted keys in safes": times(most/2, nested(raw(oidShroudedBag, unknownKey))),
		"keys in plain":           times(most, raw(oidKeyBag, plainKey)),
		"attributes":              attributesOf(most),
	} {
		t.Run(name, func(t *testing.T) {
			data := unprotected(content)
			var err error
			used := allocated(func() { _, err = Codec{}.Decode(bytes.Clone(data), reading("x")) })
			assert.NoError(t, err)
			t.Logf("%d bytes: %.1f times as much", len(data), float64(used)/float64(len(data)))
			assert.LessOrEqual(t, used, uint64(20*len(data)+64<<20))
		})
	}
}

// TestTinyKeys: what is too small for a private key is none.
func TestTinyKeys(t *testing.T) {
	for _, kind := range []string{oidKeyBag, oidShroudedBag} {
		tiny := func(b *cryptobyte.Builder) {
			addBag(b, parseID(kind), attributes{name: "a"}, func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, leastKey-3)) })
		}
		_, err := Codec{}.Decode(unprotected(tiny), reading("x"))
		assert.ErrorIs(t, err, keystore.ErrFormat)
		assert.ErrorContains(t, err, `"a": a private key of 39 bytes`)
	}
}
