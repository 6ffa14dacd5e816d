package pbe

import "testing"

// BenchmarkDerivations are the two that a PKCS12 store costs, each with the rounds it is written with.
func BenchmarkDerivations(b *testing.B) {
	b.Run("MAC key of PKCS12", func(b *testing.B) {
		for b.Loop() {
			derivePKCS12(hashSHA256.New, purposeMAC, spellings([]byte("password"))[0], []byte("saltsaltsaltsalt"), StoreIterations, hashSHA256.Size)
		}
	})
	b.Run("PBES2", func(b *testing.B) {
		for b.Loop() {
			if _, err := Encrypt([]byte{0x30, 0}, []byte("password"), Params{Iterations: StoreIterations}, zeros{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
