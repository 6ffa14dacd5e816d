package p12file

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// times repeats what is added to a file.
func times(n int, add cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		for range n {
			add(b)
		}
	}
}

// element returns a continuation that adds ready bytes.
func element(f cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
	ready := der(f)
	return func(b *cryptobyte.Builder) { b.AddBytes(ready) }
}

// deep wraps data in that many SEQUENCEs of indefinite length.
func deep(levels int, data []byte) []byte {
	return append(append(bytes.Repeat([]byte{0x30, 0x80}, levels), data...), make([]byte, 2*levels)...)
}

// peak returns the most memory in bytes that the heap held while f ran, garbage aside as far as the collector keeps up.
func peak(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before, most := heap(), uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Microsecond):
				most = max(most, heap())
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return max(most, heap()) - before
}

// TestMemory holds the memory that a hostile file makes us need to a small multiple of its size: files of as many of the
// smallest things as there can be. The fixed part allowed is what the collector needs to keep up, not the 64 MiB promised.
func TestMemory(t *testing.T) {
	bag := func(kind string, value cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
		return element(func(b *cryptobyte.Builder) { addBag(b, parseID(kind), attributes{}, value) })
	}
	cert := bag(oidCertBag, func(b *cryptobyte.Builder) { addCert(b, keystore.Certificate{Raw: oddCertificate}) })
	shrouded := bag(oidShroudedBag, func(b *cryptobyte.Builder) { addShrouded(b, []byte("salt"), 1) })
	attribute := element(func(b *cryptobyte.Builder) {
		addAttribute(b, idFriendlyName, func(b *cryptobyte.Builder) { b.AddASN1(tagBMPString, func(*cryptobyte.Builder) {}) })
	})
	piece := []byte{4, 1, 0}
	trusted, _ := write(t, &keystore.Store{Anchors: manyCertificates(t, 5000)}, fast(ProfilePasswordlessTrust))
	for name, data := range map[string][]byte{
		"an honest store":   trusted,
		"bags of nothing":   unprotected(times(50_000, bag("1.2", func(*cryptobyte.Builder) {}))),
		"certificates":      unprotected(times(30_000, cert)),
		"keys":              unprotected(times(10_000, shrouded)),
		"keys and one leaf": unprotected(func(b *cryptobyte.Builder) { times(10_000, shrouded)(b); cert(b) }),
		"safes in safes":    unprotected(times(30_000, bag(oidSafeBag, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {}) }))),
		"attributes": unprotected(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID("1.2"))
				b.AddASN1(tagExplicit0, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SET, times(50_000, attribute))
			})
		}),
		"armour": []byte(armoured(unprotected(times(30_000, cert)))),
		"lines":  []byte(beginArmour + strings.Repeat("\n", 1_000_000) + "a:b\n" + endArmour),
		"pieces": inFileOfPieces(piece, 300_000),
		"levels": deep(30, bytes.Repeat([]byte{0x24, 0x80, 4, 0, 0, 0}, 100_000)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, pw := range []keystore.Secret{nil, keystore.Secret("x")} {
				var err error
				used := peak(func() { _, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: pw}) })
				t.Logf("%d bytes: %d, that is %.1f times as much; error %v", len(data), used, float64(used)/float64(len(data)), err)
				assert.Less(t, used, uint64(20*len(data)+8<<20))
			}
		})
	}
}

// inFileOfPieces is a PFX whose content is an OCTET STRING in many pieces.
func inFileOfPieces(piece []byte, n int) []byte {
	data := append([]byte{0x30, 0x80, 2, 1, 3, 0x30, 0x80}, der(func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(idData) })...)
	data = append(data, 0xa0, 0x80, 0x24, 0x80)
	data = append(data, bytes.Repeat(piece, n)...)
	return append(data, make([]byte, 8)...)
}
