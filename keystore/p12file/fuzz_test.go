package p12file

import (
	"encoding/base64"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/mqttpki/mqttpki/keystore"
)

// seeds are small files of many kinds, made here so that none can be missing.
func seeds(t testing.TB) [][]byte {
	one := bigStore(t, true)
	one.Identities, one.Loose = one.Identities[1:2], nil
	trust := &keystore.Store{Anchors: one.Anchors}
	var files [][]byte
	for _, profile := range []string{ProfileModern, ProfileLegacy, ProfilePBMAC1} {
		data, _ := write(t, one, fast(profile))
		files = append(files, data)
	}
	data, _ := write(t, trust, fast(ProfilePasswordlessTrust))
	files = append(files, data, toBER(files[0]))
	data, _ = write(t, bigStore(t, true), fast(""))
	files = append(files, data, withMAC(2_000_000_000), []byte("0\x80\x02\x01\x03"))
	for _, name := range []string{"a1", "a3", "a6"} {
		text, err := os.ReadFile("testdata/rfc9579/" + name + ".b64")
		require.NoError(t, err)
		data, err := base64.StdEncoding.DecodeString(string(text))
		require.NoError(t, err)
		files = append(files, data)
	}
	return files
}

// FuzzDecode holds the decoder to its contract on any bytes: no store with an error, errors of the kinds only, and what is
// read can be fitted, written and read again. Where go-pkcs12 reads a file, so must we.
func FuzzDecode(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data, "changeit")
		f.Add(data, "1234")
		f.Add(data, "")
	}
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		for _, pw := range []keystore.Secret{nil, keystore.Secret(password)} {
			got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: pw, Limits: small})
			requireKind(t, got, err)
			if err == nil {
				checkRewrite(t, got)
			}
			if pw.Given() {
				checkAgainstLibrary(t, data, password, got, err)
			}
		}
	})
}

// checkRewrite fits and writes a store, reads it, and finds that it fits as it is.
func checkRewrite(t *testing.T, s *keystore.Store) {
	opts := fast("")
	fitted, _, err := Codec{}.Fit(s, opts)
	require.NoError(t, err)
	data, err := Codec{}.Encode(fitted, opts)
	if errors.Is(err, errReadBack) && !errors.Is(err, keystore.ErrFormat) && keystore.KindOf(err) == nil {
		t.Fatal(err)
	}
	require.NoError(t, err)
	got, err := Codec{}.Decode(data, reading("changeit"))
	require.NoError(t, err)
	requireSame(t, fitted, got)
	again, changes, err := Codec{}.Fit(got, opts)
	require.NoError(t, err)
	requireSame(t, fitted, again)
	require.Empty(t, changes)
}

// checkAgainstLibrary compares with an independent reader. It may be asked only where our limits held, since it has none.
func checkAgainstLibrary(t *testing.T, data []byte, password string, got *keystore.Store, err error) {
	if errors.Is(err, keystore.ErrTooLarge) || longCount(data) {
		return
	}
	key, leaf, _, theirs := pkcs12.DecodeChain(data, password)
	if theirs != nil {
		return
	}
	require.NoError(t, err, "go-pkcs12 reads it")
	require.NotEmpty(t, got.Identities)
	require.NoError(t, got.Identities[0].Locked)
	if got.Identities[0].Key.Signer == nil {
		return
	}
	require.NoError(t, compareKey(key, got.Identities[0].Key))
	require.NotNil(t, leaf)
}

// longCount reports whether there may be an INTEGER of more than two bytes in data that would be an iteration count.
func longCount(data []byte) bool {
	for i := range max(0, len(data)-1) {
		if data[i] == 2 && data[i+1] >= 3 && data[i+1] <= 8 {
			return true
		}
	}
	return false
}
