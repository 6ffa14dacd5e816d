package jksfile

import (
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// oddFiles are readable, with something about them that is said. Java tells of what Java makes of them; see
// TestJavaOnOddFiles.
func oddFiles(t *testing.T) []oddFile {
	date := int64(1700000000000)
	first, second := mint.CA(t, "first", "ec").DER, mint.CA(t, "second", "ec").DER
	entry := func(alias string, date int64, certificate []byte) []byte {
		return raw(tagTrusted, alias, date, "X.509", len(certificate), certificate)
	}
	one := func(entry []byte) []byte { return withDigest(t, raw(magicJKS, 2, 1, entry)) }
	return []oddFile{
		{"trailing bytes", append(one(entry("a", date, first)), "more"...), "trailing-bytes", "a"},
		{"one alias twice", withDigest(t, raw(magicJKS, 2, 2, entry("a", date, first), entry("a", date, second))), "duplicate-alias", "a"},
		{"upper case", one(entry("Root", date, first)), "mixed-case-alias", ""},
		{"plain UTF-8", one(entry("😀", date, first)), "alias-encoding", ""},
		{"a date in the year 292,278,994", one(entry("a", 1<<63-1, first)), "odd-date", "a"},
		{"a date before all", one(entry("a", -1<<63, first)), "odd-date", "a"},
		{"version 1", withDigest(t, raw(magicJKS, 1, 1, tagTrusted, "a", date, len(first), first)), "", "a"},
	}
}

// oddFile is one of them, under the password "changeit".
type oddFile struct {
	name    string
	data    []byte
	code    string // of the problem that is reported, "" when there is none
	fetched string // an alias that keytool finds an entry under, "" when it finds none
}

// What is odd but readable is read, and said.
func TestOddities(t *testing.T) {
	for _, tc := range oddFiles(t) {
		t.Run(tc.name, func(t *testing.T) {
			store, err := Codec{}.Decode(tc.data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
			require.NoError(t, err)
			assert.Equal(t, keystore.IntegrityVerified, store.Integrity)
			assert.NotEmpty(t, store.Anchors)
			var codes []string
			for _, p := range store.Problems {
				codes = append(codes, p.Code)
			}
			if tc.code == "" {
				assert.Empty(t, codes)
			} else {
				assert.Equal(t, []string{tc.code}, codes)
			}
		})
	}
}

// What is said of odd files is what Java does: it passes over trailing bytes, keeps the last of two entries with one
// alias, finds no alias with a capital letter, and reads no plain UTF-8 beyond the BMP.
func TestJavaOnOddFiles(t *testing.T) {
	eachJDK(t, func(t *testing.T, jdk interop.JDK) {
		dir := t.TempDir()
		var commands [][]string
		for _, tc := range oddFiles(t) {
			putFile(t, dir, tc.name, tc.data)
			list := []string{"-list", "-rfc", "-keystore", tc.name, "-storetype", "JKS", "-storepass", "changeit", "-alias", tc.fetched}
			if tc.fetched == "" {
				list[len(list)-1] = readFile(t, dir, tc.name, keystore.DecodeOptions{}).Anchors[0].Alias
				list = append([]string{"!"}, list...)
			}
			commands = append(commands, list)
		}
		printed := jdk.Keytool(t, dir, commands...)
		for i, tc := range oddFiles(t) {
			if tc.fetched == "" {
				continue
			}
			anchors := readFile(t, dir, tc.name, keystore.DecodeOptions{}).Anchors
			block, _ := pem.Decode([]byte(printed[i][strings.Index(printed[i], "-----BEGIN"):]))
			require.NotNil(t, block, printed[i])
			assert.Equal(t, anchors[len(anchors)-1].Certificate.Raw, block.Bytes, tc.name)
		}
	})
}

// Entries come in the order of the file.
func TestOrder(t *testing.T) {
	certificate := mint.CA(t, "x", "ec").DER
	names := []string{"z", "a", "m", "0", "zz", "b"}
	file := raw(magicJKS, 2, len(names))
	for i, name := range names {
		file = append(file, raw(tagTrusted, name, int64(i+1), "X.509", len(certificate), certificate)...)
	}
	store, err := Codec{}.Decode(withDigest(t, file), keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	require.NoError(t, err)
	for i, name := range names {
		assert.Equal(t, name, store.Anchors[i].Alias)
		assert.EqualValues(t, i+1, store.Anchors[i].Created.UnixMilli(), "the date is kept to the millisecond")
	}
}

// A trust store whose password nobody knows is read all the same, and not vouched for.
func TestWithoutPassword(t *testing.T) {
	data := encodeStore(t, mixedStore(t), nil)
	store, err := Codec{}.Decode(data, keystore.DecodeOptions{})
	require.NoError(t, err)
	assert.Equal(t, keystore.IntegrityUnchecked, store.Integrity)
	assert.Len(t, store.Anchors, 1)
	require.Len(t, store.Identities, 2)
	assert.ErrorIs(t, store.Identities[0].Locked, keystore.ErrPassword)
	assert.Len(t, store.Identities[0].Chain, 2, "the chain is there for everybody to read")
}

// A secret key that is serialized in a way that cannot be read past names itself, and the way out.
func TestOddSecretKeys(t *testing.T) {
	object := []byte{tcObject, tcClassDesc, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0}
	for name, content := range map[string][]byte{
		"a proxy":         {tcObject, 0x7D},
		"a long string":   {0x7C, 0, 0, 0, 0, 0, 0, 0, 1, 'x'},
		"an array of int": append(append([]byte{tcArray, tcClassDesc, 0, 2, '[', 'I'}, make([]byte, 8)...), scSerializable, 0, 0, tcEndBlockData, tcNull, 0, 0, 0, 0),
		"many fields":     append(append([]byte{}, object...), 0xFF),
	} {
		data := withDigest(t, raw(magicJCEKS, 2, 1, tagSecret, "odd one", int64(1), streamHeader, content, make([]byte, 20)))
		store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret("changeit")})
		assert.Nil(t, store, name)
		require.Error(t, err, name)
		assert.ErrorContains(t, err, `"odd one"`, name)
		if !errors.Is(err, keystore.ErrFormat) {
			assert.ErrorContains(t, err, "keytool -delete", name)
			assert.ErrorContains(t, err, "keytool -importkeystore", name)
		}
	}
}

// A key whose protection nobody knows is locked, under any password; what else is in the file can be used.
func TestUnknownProtection(t *testing.T) {
	data := withDigest(t, raw(magicJKS, 2, 1, tagKey, "a", int64(1), 21, otherKey(), 0))
	for _, password := range []keystore.Secret{nil, keystore.Secret("changeit")} {
		store, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: password})
		require.NoError(t, err)
		require.Len(t, store.Identities, 1)
		assert.ErrorIs(t, store.Identities[0].Locked, keystore.ErrUnsupported)
		assert.ErrorContains(t, store.Identities[0].Locked, "1.2.840.113549.1.5.13")
		_, changes, err := Codec{}.Fit(store, keystore.EncodeOptions{})
		require.NoError(t, err)
		require.Len(t, changes, 1)
		assert.Contains(t, changes[0].Why, "1.2.840.113549.1.5.13")
	}
}

// A certificate for another key is what Java would use all the same, so it is read and said.
func TestKeyLeafMismatch(t *testing.T) {
	store := mixedStore(t)
	store.Identities[0].Chain, store.Identities[1].Chain = store.Identities[1].Chain, store.Identities[0].Chain
	got, err := Codec{}.Decode(encodeStore(t, store, nil), keystore.DecodeOptions{Password: keystore.Secret("changeit")})
	require.NoError(t, err)
	require.Len(t, got.Problems, 2)
	assert.Equal(t, "key-leaf-mismatch", got.Problems[0].Code)
}
