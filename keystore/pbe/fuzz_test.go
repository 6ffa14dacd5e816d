package pbe

import (
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// FuzzDecrypt holds decryption to its errors on any bytes.
func FuzzDecrypt(f *testing.F) {
	plain := testKey(f)
	for _, scheme := range []Scheme{AES256, TripleDES} {
		info, err := Encrypt(plain, keystore.Secret("pw"), Params{scheme, 2}, seeded())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(info, "pw")
	}
	for _, alg := range [][]byte{
		pbes2(oidScrypt, scryptParams(16, 8, 1)),
		pbes2(oidPBKDF2, pbkdf2Params(8, 2_000_000_000, 0, "")),
		pbes2(oidPBKDF2, pbkdf2Params(8, 2, 32, "1.2.840.113549.2.12")),
	} {
		info, err := joinInfo(alg, make([]byte, 32))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(info, "")
	}
	for oid := range oldKinds {
		info, err := joinInfo(oldParams(oid), make([]byte, 32))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(info, "pw")
	}
	small := keystore.Limits{Iterations: 1000, ScryptMem: 1 << 20}
	f.Fuzz(func(t *testing.T, info []byte, pw string) {
		plain, p, err := Decrypt(info, keystore.Secret(pw), small)
		if err != nil && (plain != nil || keystore.KindOf(err) == nil) {
			t.Fatalf("got %d bytes with error %v; want none, and one of the kinds", len(plain), err)
		}
		if err != nil {
			return
		}
		if p.Algorithm == "" || p.OID == "" {
			t.Fatalf("opened without saying how: %+v", p)
		}
		alg, _, err := SplitInfo(info)
		if err != nil {
			t.Fatal(err)
		}
		if described, err := Describe(alg, small); err != nil || described != p {
			t.Fatalf("described as %+v, %v; opened as %+v", described, err, p)
		}
	})
}
