package p12file

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/mqttpki/mqttpki/keystore"
)

// FuzzDecode holds the decoder to its contract on any bytes: no store with an error, errors of the kinds only, what is read
// can be fitted, written and read again, and go-pkcs12 sees nothing else in the file. Where bare is set, the data is what
// lies in a safe, so that the fuzzer gets past encryption and MAC.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s.data, s.password, s.bare)
	}
	f.Fuzz(func(t *testing.T, data []byte, password string, bare bool) {
		if bare {
			data = inFile(t, data, password)
		}
		checkFile(t, data, password)
	})
}

// checkFile tries the laws on one file, without a password and with one.
func checkFile(t *testing.T, data []byte, password string) {
	before := bytes.Clone(data)
	for _, pw := range []keystore.Secret{nil, keystore.Secret(password)} {
		got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: pw, Limits: small})
		requireKind(t, got, err)
		if err == nil {
			checkRewrite(t, got, []string{ProfileModern, ProfileLegacy, ProfilePBMAC1}[len(data)%3])
		}
		if pw.Given() {
			checkAgainstLibrary(t, data, password, got, err)
		}
	}
	require.Equal(t, before, data, "reading changes nothing")
}

// checkRewrite fits and writes a store, reads it, and finds that it fits as it is.
func checkRewrite(t *testing.T, s *keystore.Store, profile string) {
	opts := fast(profile)
	fitted, _, err := Codec{}.Fit(s, opts)
	require.NoError(t, err)
	data, err := Codec{}.Encode(fitted, opts)
	require.NoError(t, err)
	got, err := Codec{}.Decode(data, reading(string(testPassword)))
	require.NoError(t, err)
	requireSame(t, fitted, got)
	again, changes, err := Codec{}.Fit(got, opts)
	require.NoError(t, err)
	requireSame(t, fitted, again)
	require.Empty(t, changes)
}

// checkAgainstLibrary compares with an independent reader what we read of a file, store or error.
func checkAgainstLibrary(t *testing.T, data []byte, password string, got *keystore.Store, err error) {
	if !affordable(data, got) || errors.Is(err, keystore.ErrFormat) && !strictFile(data, keystore.Secret(password)) {
		return
	}
	anchors, failed := sparing(func() ([]*x509.Certificate, error) { return pkcs12.DecodeTrustStore(data, password) })
	if failed == nil {
		require.NoError(t, err, "go-pkcs12 reads a trust store")
		require.Len(t, got.Anchors, len(anchors))
		for i, a := range got.Anchors {
			require.Equal(t, anchors[i].Raw, a.Certificate.Raw)
		}
	}
	var key any
	certs, failed := sparing(func() ([]*x509.Certificate, error) {
		private, leaf, others, err := pkcs12.DecodeChain(data, password)
		key = private
		return append([]*x509.Certificate{leaf}, others...), err
	})
	if errors.Is(failed, pkcs12.ErrIncorrectPassword) && plainText(password) && err == nil {
		require.NotEqual(t, keystore.IntegrityVerified, got.Integrity, "go-pkcs12 finds that the MAC is wrong")
	}
	if failed != nil {
		return
	}
	require.NoError(t, err, "go-pkcs12 reads a key with its chain")
	all := certificates(got)
	for _, c := range certs {
		require.Contains(t, all, string(c.Raw))
	}
	for _, id := range got.Identities {
		if id.Key != nil && id.Key.Signer != nil && compareKey(key, id.Key) == nil {
			return
		}
	}
	require.Fail(t, "the key that go-pkcs12 reads is missing", outline(got))
}

// sparing calls the library, which panics on an IV of the wrong length.
func sparing(read func() ([]*x509.Certificate, error)) (certs []*x509.Certificate, err error) {
	defer func() {
		if p := recover(); p != nil {
			certs, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return read()
}

// plainText reports whether there is one way only to spell a password: it is ASCII and not empty.
func plainText(password string) bool {
	for _, c := range []byte(password) {
		if c < 1 || c > 0x7e {
			return false
		}
	}
	return password != ""
}

// certificates returns every certificate of a store.
func certificates(s *keystore.Store) map[string]bool {
	all := map[string]bool{}
	for _, id := range s.Identities {
		for _, c := range id.Chain {
			all[string(c.Raw)] = true
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			all[string(a.Certificate.Raw)] = true
		}
	}
	return all
}
