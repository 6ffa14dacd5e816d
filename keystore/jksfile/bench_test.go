package jksfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// trustStore is n trusted certificates, all different: one, with another serial number each time.
func trustStore(b *testing.B, n int) *keystore.Store {
	b.Helper()
	model := mint.CA(b, "many", "ec")
	at := bytes.Index(model.DER, model.Cert.SerialNumber.Bytes())
	require.Positive(b, at)
	store := &keystore.Store{}
	for i := range n {
		der := bytes.Clone(model.DER)
		binary.BigEndian.PutUint64(der[at:], 1<<62+uint64(i))
		store.Anchors = append(store.Anchors, keystore.Anchor{
			Alias: fmt.Sprintf("certificate %d", i), Created: mint.Day, Certificate: keystore.NewCertificate(der),
		})
	}
	return store
}

// sizes are those whose times show whether reading and writing are linear.
var sizes = []int{1_000, 10_000, 100_000}

func BenchmarkDecode(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := encodeStore(b, trustStore(b, n), nil)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entry")
		})
	}
}

// What is timed is the whole of writing a file: fitting, encoding, and both readings back.
func BenchmarkBuild(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := trustStore(b, n)
			opts := keystore.EncodeOptions{Password: keystore.Secret("changeit"), Random: fixedRandom()}
			b.ReportAllocs()
			for b.Loop() {
				fitted, _, err := Codec{}.Fit(store, opts)
				require.NoError(b, err)
				data, err := keystore.Build(Codec{}, fitted, opts)
				require.NoError(b, err)
				b.SetBytes(int64(len(data)))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entry")
		})
	}
}
