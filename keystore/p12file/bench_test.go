package p12file

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// benchSizes are numbers of certificates; linear means ten times as much from one to the next.
var benchSizes = []int{1_000, 10_000, 100_000}

// manyCertificates returns n certificates with a name each. One is signed, the others are copies of it with another name.
func manyCertificates(t testing.TB, n int) []keystore.Anchor {
	t.Helper()
	const name = "ca-000000"
	model := issue(t, name, newKey(t), nil, true).cert.Raw
	all := make([]keystore.Anchor, n)
	for i := range all {
		alias := fmt.Sprintf("ca-%06d", i)
		all[i] = keystore.Anchor{Alias: alias, Certificate: keystore.NewCertificate(bytes.ReplaceAll(model, []byte(name), []byte(alias)))}
	}
	return all
}

// benchmark runs f on two kinds of store as they were fitted, with the bytes of their file: a trust store, and a key among
// as many certificates that nobody says anything of.
func benchmark(b *testing.B, f func(b *testing.B, data []byte, fitted *keystore.Store)) {
	for _, n := range benchSizes {
		for _, kind := range []string{"trusted", "loose"} {
			b.Run(fmt.Sprintf("%s-%d", kind, n), func(b *testing.B) {
				s := &keystore.Store{Anchors: manyCertificates(b, n)}
				if kind == "loose" {
					leaf := issue(b, "leaf", newKey(b), nil, false)
					s = &keystore.Store{Loose: s.Anchors, Identities: []keystore.Identity{identity(b, "key", leaf)}}
				}
				data, fitted := write(b, s, fast(""))
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				f(b, data, fitted)
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, func(b *testing.B, data []byte, _ *keystore.Store) {
		for b.Loop() {
			_, err := Codec{}.Decode(data, reading(string(testPassword)))
			require.NoError(b, err)
		}
	})
}

func BenchmarkFit(b *testing.B) {
	benchmark(b, func(b *testing.B, _ []byte, fitted *keystore.Store) {
		for b.Loop() {
			_, _, err := Codec{}.Fit(fitted, fast(""))
			require.NoError(b, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	benchmark(b, func(b *testing.B, _ []byte, fitted *keystore.Store) {
		for b.Loop() {
			_, err := Codec{}.Encode(fitted, fast(""))
			require.NoError(b, err)
		}
	})
}
