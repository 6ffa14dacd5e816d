package formats

import (
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// Any file is one of the kinds of error, or a store that every format can be asked to carry.
func FuzzDecode(f *testing.F) {
	for _, s := range conformanceStores(f) {
		for _, codec := range All() {
			data, _ := write(f, codec, s.store, encodeOptions())
			f.Add(data)
		}
	}
	for _, foreign := range []string{`{"kty":"EC"}`, "PuTTY-User-Key-File-3", "ssh-rsa AAAA", "\x00\x00\x00\x01\x00\x00\x00\x14", "0\x820\x820\x82"} {
		f.Add([]byte(foreign))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		store, codec, err := Decode(data, keystore.DecodeOptions{Password: password, Limits: smallLimits})
		if err != nil {
			if store != nil || codec != nil || keystore.KindOf(err) == nil {
				t.Fatalf("store %v, codec %v with error %v", store, codec, err)
			}
			return
		}
		for _, target := range All() {
			fitted, _, err := target.Fit(store, encodeOptions())
			if err != nil {
				t.Fatalf("%s: %v", target.Name(), err)
			}
			if _, err := target.Encode(fitted, encodeOptions()); err != nil { // which reads back
				t.Fatalf("%s: %v", target.Name(), err)
			}
		}
	})
}
