package jksfile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	second "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/mqttpki/mqttpki/keystore"
)

// This file compares with keystore-go, which shares no code with this package, in both directions, and with what Go's
// standard library makes of keys and certificates.

// FuzzAgainstKeystoreGo reads a file with both. Where one reads it, so must the other, and find the same in it.
func FuzzAgainstKeystoreGo(f *testing.F) {
	addSeeds(f, func(data []byte) { f.Add(data[:len(data)-digestSize]) })
	f.Fuzz(func(t *testing.T, body []byte) { compareReaders(t, withDigest(t, body)) })
}

// FuzzWrittenByKeystoreGo has keystore-go write a file, which we read.
func FuzzWrittenByKeystoreGo(f *testing.F) {
	store := mixedStore(f)
	key, leaf := store.Identities[1].Key.PKCS8, store.Identities[1].Chain[0].Raw
	f.Add("one", int64(1700000000000), []byte(key), leaf)
	f.Add("kä😀x", int64(-1), []byte(key), leaf)
	f.Add("", int64(0), []byte("no key"), []byte("no certificate"))
	f.Fuzz(func(t *testing.T, alias string, ms int64, pkcs8, der []byte) {
		certificate := second.Certificate{Type: "X.509", Content: der}
		theirs := second.New(second.WithCaseExactAliases())
		if theirs.SetPrivateKeyEntry(alias, second.PrivateKeyEntry{
			CreationTime: time.UnixMilli(ms), PrivateKey: pkcs8, CertificateChain: []second.Certificate{certificate, certificate},
		}, []byte("changeit")) != nil || theirs.SetTrustedCertificateEntry(alias+"2", second.TrustedCertificateEntry{
			CreationTime: time.UnixMilli(ms), Certificate: certificate,
		}) != nil {
			return // it writes nothing empty
		}
		var out bytes.Buffer
		if theirs.Store(&out, []byte("changeit")) == nil { // it refuses names that are too long
			compareReaders(t, out.Bytes())
		}
	})
}

// compareReaders reads a file whose password is "changeit" with both readers.
func compareReaders(t *testing.T, data []byte) {
	t.Helper()
	password := keystore.Secret("changeit")
	ours, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: password, Limits: fuzzLimits})
	if Describe(data) == "JCEKS" || !boundedLengths(data) {
		return // it knows no JCEKS, and takes any length at its word
	}
	theirs := second.New(second.WithCaseExactAliases())
	refused := theirs.Load(bytes.NewReader(data), password)
	switch {
	case refused != nil:
		if err == nil {
			t.Fatalf("keystore-go refuses what we read: %v", refused)
		}
	case err != nil:
		if why := unfit(theirs, data); why == "" {
			t.Fatalf("keystore-go reads what we refuse: %v", err)
		}
	default:
		compareContent(t, ours, theirs, password)
	}
}

// boundedLengths reports whether every length and count of a file is within it.
func boundedLengths(data []byte) bool {
	in := &reader{rest: data}
	in.take(4)
	typed, count := in.u32() != 1, in.u32()
	certificate := func() {
		if typed {
			in.text()
		}
		in.block()
	}
	for ; count > 0 && !in.failed; count-- {
		tag := in.u32()
		in.text()
		in.i64()
		chain := uint32(1)
		if tag == tagKey {
			in.block()
			chain = in.u32()
			if int64(chain) > int64(len(in.rest)) {
				return false
			}
		}
		for ; chain > 0 && !in.failed; chain-- {
			certificate()
		}
	}
	return !in.failed
}

// unfit says why we may refuse what keystore-go reads: it looks into no certificate, name or key. It is "" where all of
// them are in order.
func unfit(theirs second.KeyStore, data []byte) string {
	in := &reader{rest: data}
	in.take(4)
	version, count := in.u32(), in.u32()
	aliases := theirs.Aliases()
	if version != 1 && version != 2 || int(count) != len(aliases) || len(aliases) > fuzzLimits.Entries || len(data) > int(fuzzLimits.Bytes) {
		return "version, limits, or one name twice"
	}
	for _, alias := range aliases {
		if !utf8.ValidString(alias) || len(alias) > keystore.DefaultLimits.NameBytes {
			return "name"
		}
		var certificates []second.Certificate
		if theirs.IsPrivateKeyEntry(alias) {
			certificates, _ = theirs.GetPrivateKeyEntryCertificateChain(alias)
			entry, err := openTheirs(theirs, alias, keystore.Secret("changeit"))
			if err != nil {
				return "key"
			}
			if _, err := keystore.NewPrivateKey(entry.PrivateKey); err != nil {
				return "key"
			}
		} else if entry, err := theirs.GetTrustedCertificateEntry(alias); err == nil {
			certificates = append(certificates, entry.Certificate)
		}
		if len(certificates) > keystore.DefaultLimits.Chain {
			return "chain"
		}
		for _, c := range certificates {
			// Go passes over bytes behind the signature, as Java does not, and over what is no DER in parts that it does
			// not look into.
			_, err := x509.ParseCertificate(c.Content)
			_, ours := keystore.ParseCertificate(c.Content)
			if err != nil || ours != nil || version == 2 && c.Type != "X.509" {
				return "certificate"
			}
		}
	}
	return ""
}

// openTheirs decrypts a key with keystore-go, which panics on what is too short to be one.
func openTheirs(theirs second.KeyStore, alias string, password keystore.Secret) (entry second.PrivateKeyEntry, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("it panics: %v", fault)
		}
	}()
	return theirs.GetPrivateKeyEntry(alias, password)
}

// compareContent fails unless both readers found the same.
func compareContent(t *testing.T, ours *keystore.Store, theirs second.KeyStore, password keystore.Secret) {
	t.Helper()
	if hasProblem(ours, "duplicate-alias") || !plainNames(ours) {
		return // it keeps one entry of a name, and has no modified UTF-8
	}
	if n := len(theirs.Aliases()); n != len(ours.Identities)+len(ours.Anchors) {
		t.Fatalf("they find %d entries, we %d keys and %d certificates", n, len(ours.Identities), len(ours.Anchors))
	}
	for i := range ours.Identities {
		identity := &ours.Identities[i]
		entry, err := openTheirs(theirs, identity.Alias, password)
		if errors.Is(err, second.ErrEntryNotFound) {
			continue // a name whose bytes are longer than needed, which it keeps
		}
		if (err == nil) != (identity.Locked == nil) {
			t.Fatalf("alias %q: they say %v, we %v", identity.Alias, err, identity.Locked)
		}
		if err != nil {
			continue
		}
		if !bytes.Equal(entry.PrivateKey, identity.Key.PKCS8) || len(entry.CertificateChain) != len(identity.Chain) ||
			!sameDate(entry.CreationTime, identity.Created) {
			t.Fatalf("alias %q: another key, chain or date", identity.Alias)
		}
		for j, c := range entry.CertificateChain {
			if !bytes.Equal(c.Content, identity.Chain[j].Raw) {
				t.Fatalf("alias %q: another chain", identity.Alias)
			}
		}
	}
	for _, a := range ours.Anchors {
		entry, err := theirs.GetTrustedCertificateEntry(a.Alias)
		if err == nil && (!bytes.Equal(entry.Certificate.Content, a.Certificate.Raw) || !sameDate(entry.CreationTime, a.Created)) {
			t.Fatalf("alias %q: another certificate or date", a.Alias)
		}
	}
}

// sameDate reports whether their date is ours, which is none where theirs is 1970 to the millisecond or beyond reason.
func sameDate(theirs, ours time.Time) bool {
	return ours.Equal(theirs) || ours.IsZero() && (theirs.UnixMilli() == 0 || theirs.UTC().Year() < 1 || theirs.UTC().Year() > 9999)
}

// requireAsStandardLibrary fails unless Go's own parsers make the same of the certificates and keys of a store.
func requireAsStandardLibrary(t *testing.T, s *keystore.Store) {
	t.Helper()
	certificate := func(c keystore.Certificate) {
		parsed, err := x509.ParseCertificate(c.Raw)
		if (err == nil) != (c.X509 != nil) || err == nil && !parsed.Equal(c.X509) {
			t.Fatalf("Go's parser of certificates says %v", err)
		}
	}
	for _, a := range s.Anchors {
		certificate(a.Certificate)
	}
	for i := range s.Identities {
		identity := &s.Identities[i]
		for _, c := range identity.Chain {
			certificate(c)
		}
		if identity.Key == nil || identity.Key.Signer == nil {
			continue // of other algorithms, and of numbers that it would take minutes to check
		}
		key, err := x509.ParsePKCS8PrivateKey(identity.Key.PKCS8)
		if err != nil {
			t.Fatalf("alias %q: Go's parser of keys says %v", identity.Alias, err)
		}
		public, ok := key.(crypto.Signer).Public().(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !public.Equal(identity.Key.Signer.Public()) {
			t.Fatalf("alias %q: another public key", identity.Alias)
		}
	}
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
