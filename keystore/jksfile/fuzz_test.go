package jksfile

import (
	"bytes"
	"testing"

	second "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/mqttpki/mqttpki/keystore"
)

// fuzzLimits keep one input cheap.
var fuzzLimits = keystore.Limits{Iterations: 1000, Entries: 100, Bytes: 1 << 20}

// addSeeds gives a fuzzer files of every kind.
func addSeeds(f *testing.F, add func([]byte)) {
	store := mixedStore(f)
	add(encodeStore(f, store, nil))
	add(encodeStore(f, store, keystore.Secret("other")))
	add(encodeStore(f, &keystore.Store{}, nil))
	add(encodeStore(f, &keystore.Store{Identities: store.Identities[1:]}, nil))
	certificate := store.Anchors[0].Certificate.Raw
	add(withDigest(f, raw(magicJKS, 1, 1, tagTrusted, "a", int64(1), len(certificate), certificate)))
	add(withDigest(f, raw(magicJCEKS, 2, 1, tagKey, "a", int64(1), 47, jceksKeyInfo(100), 0)))
	add(withDigest(f, raw(magicJCEKS, 2, 1, tagSecret, "a", int64(1), sealedObject)))
}

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
		store, err := Codec{}.Decode(data, opts)
		if err != nil {
			if store != nil || keystore.KindOf(err) == nil {
				t.Fatalf("store %v with error %v", store, err)
			}
			return
		}
		requireWritable(t, store)
	})
}

// requireWritable fails unless what can be written of a store reads back.
func requireWritable(t *testing.T, store *keystore.Store) {
	t.Helper()
	opts := keystore.EncodeOptions{Password: keystore.Secret("changeit"), Random: fixedRandom()}
	fitted, _, err := Codec{}.Fit(store, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Codec{}).Encode(fitted, opts); err != nil { // which reads back
		t.Fatal(err)
	}
}

// The checksum stops almost every change that a fuzzer makes; here it is made right again, so that what is behind it
// is reached with a password too.
func FuzzDecodeBody(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data[:len(data)-digestSize]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		opts := keystore.DecodeOptions{Password: keystore.Secret("changeit"), KeyPassword: keystore.Secret("other"), Limits: fuzzLimits}
		store, err := Codec{}.Decode(withDigest(t, body), opts)
		if err != nil {
			if store != nil || keystore.KindOf(err) == nil {
				t.Fatalf("store %v with error %v", store, err)
			}
			return
		}
		requireWritable(t, store)
	})
}

// Where keystore-go reads a file, and can read it without danger, we read the same entries from it.
func FuzzAgainstKeystoreGo(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data[:len(data)-digestSize]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		data := withDigest(t, body)
		password := keystore.Secret("changeit")
		ours, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: password, Limits: fuzzLimits})
		if err != nil {
			return // that one trusts lengths: what we refuse could take all memory there
		}
		if Describe(data) == "JCEKS" {
			return
		}
		theirs := second.New(second.WithCaseExactAliases())
		if err := theirs.Load(bytes.NewReader(data), password); err != nil {
			return // names that are not plain UTF-8, empty parts
		}
		for i := range ours.Identities {
			identity := &ours.Identities[i]
			if !theirs.IsPrivateKeyEntry(identity.Alias) || hasProblem(ours, "duplicate-alias") || !plainNames(ours) {
				continue
			}
			if identity.Key == nil {
				continue // it panics on some encrypted keys that are too short
			}
			entry, err := theirs.GetPrivateKeyEntry(identity.Alias, password)
			if err != nil {
				t.Fatalf("alias %q: they say %v", identity.Alias, err)
			}
			if !bytes.Equal(entry.PrivateKey, identity.Key.PKCS8) || len(entry.CertificateChain) != len(identity.Chain) {
				t.Fatalf("alias %q: another key or chain", identity.Alias)
			}
		}
		for _, a := range ours.Anchors {
			entry, err := theirs.GetTrustedCertificateEntry(a.Alias)
			if err == nil && !hasProblem(ours, "duplicate-alias") && !bytes.Equal(entry.Certificate.Content, a.Certificate.Raw) {
				t.Fatalf("alias %q: another certificate", a.Alias)
			}
		}
	})
}

// hasProblem reports whether the store has a problem of a code.
func hasProblem(s *keystore.Store, code string) bool {
	for _, p := range s.Problems {
		if p.Code == code {
			return true
		}
	}
	return false
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
