package p12file

import (
	"runtime"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestZZ(t *testing.T) {
	bag := func(kind string, value cryptobyte.BuilderContinuation) cryptobyte.BuilderContinuation {
		return element(func(b *cryptobyte.Builder) { addBag(b, parseID(kind), attributes{}, value) })
	}
	tiny := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(parseID("1.2"))
			b.AddASN1(tagExplicit0, func(*cryptobyte.Builder) {})
		})
	}
	typed := func(oid string, content []byte) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID(oid))
				b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
			})
		}
	}
	attrs := func(n int, one func(b *cryptobyte.Builder, i int)) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID("1.2"))
				b.AddASN1(tagExplicit0, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					for i := range n {
						one(b, i)
					}
				})
			})
		}
	}
	named := func(b *cryptobyte.Builder) {
		addBag(b, parseID("1.2"), attributes{name: "x"}, func(*cryptobyte.Builder) {})
	}
	for name, data := range map[string][]byte{
		"unknown": unprotected(times(1_000_000, element(tiny))),
		"safes":   unprotected(times(1_000_000, bag(oidSafeBag, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {}) }))),
		"crl": unprotected(times(1_000_000, bag(oidCRLBag, typed("1.2.3.4.5.5.6", []byte(""))))),
		"secret": unprotected(times(1_000_000, bag(oidSecretBag, typed("1.2.3.4.5.5.6", []byte(""))))),
		"crl x509": unprotected(times(1_000_000, bag(oidCRLBag, typed(oidX509CRL, []byte(""))))),
		"crl small": unprotected(times(500_000, bag(oidCRLBag, typed(oidX509CRL, []byte(""))))),
		"secret s": unprotected(times(1_000_000, bag(oidSecretBag, typed("1.2", []byte(""))))),
		"secret sealed": unprotected(times(1_000_000, bag(oidSecretBag, typed(oidShroudedBag, []byte("\x30\x07\x30\x03\x06\x01\x2a\x04\x00"))))),
		"shrouded": unprotected(times(1_000_000, bag(oidShroudedBag, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x30\x07\x30\x03\x06\x01\x2a\x04\x00")) }))),
		"shrouded small": unprotected(times(300_000, bag(oidShroudedBag, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x30\x07\x30\x03\x06\x01\x2a\x04\x00")) }))),
		"plain keys": unprotected(times(1_000_000, bag(oidKeyBag, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x30\x0a\x02\x01\x00\x30\x03\x06\x01\x2a\x04\x00")) }))),
		"nested secrets": unprotected(times(500_000, bag(oidSafeBag, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, bag(oidSecretBag, typed("1.2", []byte("")))) }))),
		"nested shrouded": unprotected(times(500_000, bag(oidSafeBag, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, bag(oidShroudedBag, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x30\x07\x30\x03\x06\x01\x2a\x04\x00")) })) }))),
		"named": unprotected(times(1_000_000, element(named))),
		"same attr": unprotected(attrs(3_000_000, func(b *cryptobyte.Builder, i int) { b.AddBytes([]byte{0x30, 5, 6, 1, 0x2a, 0x31, 0}) })),
		"ids": unprotected(attrs(2_000_000, func(b *cryptobyte.Builder, i int) { addAttribute(b, idLocalKeyID, func(b *cryptobyte.Builder) {}) })),
		"other attrs": unprotected(attrs(2_000_000, func(b *cryptobyte.Builder, i int) { b.AddBytes([]byte{0x30, 8, 6, 4, 0x2a, byte(i>>14) & 0x7f, byte(i>>7) & 0x7f, byte(i) & 0x7f, 0x31, 0}) })),
		"attrs": unprotected(times(1_000_000, bag("1.2", func(*cryptobyte.Builder) {}))),
	} {
		for _, pw := range []keystore.Secret{keystore.Secret("x")} {
			var a, b runtime.MemStats
			var err error
			runtime.ReadMemStats(&a)
			used := peak(func() { _, err = Codec{}.Decode(data, keystore.DecodeOptions{Password: pw}) })
			runtime.ReadMemStats(&b)
			t.Logf("%s %d: bound %.1f, alloc %.1f, peak %.1f err %v", name, len(data), 20+float64(64<<20)/float64(len(data)), float64(b.TotalAlloc-a.TotalAlloc)/float64(len(data)), float64(used)/float64(len(data)), err)
		}
	}
}
