package jksfile

import (
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// fuzzLimits keep one input cheap.
var fuzzLimits = keystore.Limits{Iterations: 10_000, Entries: 100, Bytes: 1 << 20}

// sealedObject is a secret key as JCEKS has it, as serialized by hand: a sealed object of two byte arrays and two names.
var sealedObject = raw(streamHeader, []byte{tcObject, tcClassDesc}, "SealedObject", int64(1), []byte{scSerializable, 0, 4},
	[]byte{'['}, "encodedParams", []byte{tcString}, "[B", []byte{'['}, "encryptedContent", []byte{tcReference}, baseHandle+1,
	[]byte{'L'}, "paramsAlg", []byte{tcString}, "Ljava/lang/String;", []byte{'L'}, "sealAlg", []byte{tcReference}, baseHandle+2,
	[]byte{tcEndBlockData, tcNull},
	[]byte{tcArray, tcClassDesc}, "[B", int64(2), []byte{scSerializable, 0, 0, tcEndBlockData, tcNull}, 15,
	[]byte{0x30, 0x0D, 0x04, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x02, 0x01, 0x64},
	[]byte{tcArray, tcReference}, baseHandle+4, 8, []byte("ciphered"),
	[]byte{tcString}, "PBEWithMD5AndTripleDES", []byte{tcReference}, baseHandle+7)

func TestSealedObject(t *testing.T) {
	data := withDigest(t, raw(magicJCEKS, 2, 1, tagSecret, "a", int64(1), sealedObject))
	store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	if err != nil || len(store.Others) != 1 || store.Protection[1].Iterations != 100 {
		t.Fatalf("%+v, error %v", store, err)
	}
}

// What is read is one of the kinds of error and no store, or a store that can be written and read again.
func FuzzDecode(f *testing.F) {
	addSeeds(f, func(data []byte) {
		f.Add(data, "changeit", true)
		f.Add(data, "", false)
	})
	f.Fuzz(func(t *testing.T, data []byte, password string, given bool) {
		opts := keystore.DecodeOptions{Limits: fuzzLimits}
		if given {
			opts.Password = keystore.Secret(password)
		}
		requireContract(t, data, opts)
	})
}

// The checksum stops almost every change that a fuzzer makes; here it is made right again, so that what is behind it
// is reached with a password too.
func FuzzDecodeBody(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data[:len(data)-digestSize]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		requireContract(t, withDigest(t, body), keystore.DecodeOptions{
			Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("other1"), Limits: fuzzLimits,
		})
	})
}

// requireContract decodes, and fails unless that is an error of the known kinds and no store, or a store that Go's own
// parsers agree with and that can be written and read again.
func requireContract(t *testing.T, data []byte, opts keystore.DecodeOptions) {
	t.Helper()
	store, err := Codec{}.Decode(data, opts)
	if err != nil {
		if store != nil || keystore.KindOf(err) == nil {
			t.Fatalf("store %v with error %v", store, err)
		}
		return
	}
	if (store.Integrity == keystore.IntegrityVerified) != opts.Password.Given() {
		t.Fatalf("integrity %q, password given: %v", store.Integrity, opts.Password.Given())
	}
	requireAsStandardLibrary(t, store)
	requireRoundTrip(t, store)
}

// requireRoundTrip fails unless all of a store that fits into JKS, which is every key that was opened and every trusted
// certificate, reads back from it and then fits without change.
func requireRoundTrip(t *testing.T, store *keystore.Store) {
	t.Helper()
	opts := keystore.EncodeOptions{Password: keystore.Secret("changeit"), Random: fixedRandom()}
	fitted, _, err := Codec{}.Fit(store, opts)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, i := range store.Identities {
		if i.Key != nil && len(i.Chain) > 0 {
			whole++
		}
	}
	if len(fitted.Identities) != whole || len(fitted.Anchors) != len(store.Anchors) {
		t.Fatalf("%d keys and %d certificates of %d and %d", len(fitted.Identities), len(fitted.Anchors), whole, len(store.Anchors))
	}
	data, err := Codec{}.Encode(fitted, opts)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: opts.Password})
	if err != nil {
		t.Fatal(err)
	}
	refitted, changes, err := Codec{}.Fit(again, opts)
	if err == nil {
		err = keystore.Compare(fitted, refitted)
	}
	if err != nil || len(changes) > 0 {
		t.Fatalf("fitting what was read again: changes %v, error %v", changes, err)
	}
}

// A serialized object is read or refused, in time and memory that its bytes bound.
func FuzzUnserialize(f *testing.F) {
	f.Add(sealedObject)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := unserialize(&reader{rest: data})
		if (err == nil) != (o != nil) || err != nil && keystore.KindOf(err) == nil {
			t.Fatalf("object %v, error %v", o, err)
		}
	})
}
