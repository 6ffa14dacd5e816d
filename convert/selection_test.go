package convert_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

func TestSelectors(t *testing.T) {
	root := issue(t, "Plant Root", nil, true)
	a, b, bare := issue(t, "sensor-1", root, false), issue(t, "sensor-2", root, false), issue(t, "bare", nil, false)
	partner := issueUntil(t, "Partner", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	store := keystore.Store{
		Identities: []keystore.Identity{a.identity(t, "Sensor-1"), b.identity(t, "dir/sensor=2")},
		Anchors:    []keystore.Anchor{root.anchor("root"), partner.anchor("partner")},
		Others:     []keystore.Other{{Alias: "list", Kind: keystore.KindCRL, Raw: []byte{1}}},
	}
	sum, old := sha256.Sum256(root.cert.Raw), sha1.Sum(root.cert.Raw)
	print, sha1Print := hex.EncodeToString(sum[:]), hex.EncodeToString(old[:])
	public := sha256.Sum256(a.cert.X509.RawSubjectPublicKeyInfo)
	store.Identities = append(store.Identities, keystore.Identity{Alias: "bare", Key: bare.private(t)})
	bareSPKI, err := x509.MarshalPKIXPublicKey(bare.key.Public())
	require.NoError(t, err)
	barePublic := sha256.Sum256(bareSPKI)
	for _, tc := range []struct {
		name string
		only []string
		want []string
	}{
		{"a bare word is an alias, in any case", []string{"sensor-1"}, []string{"Sensor-1"}},
		{"an alias that holds an equals sign", []string{"dir/sensor=2"}, []string{"dir/sensor=2"}},
		{"a wildcard", []string{"alias=*sensor*"}, []string{"Sensor-1", "dir/sensor=2"}},
		{"a type", []string{"type=trusted"}, []string{"root", "partner"}},
		{"two types", []string{"type=trusted", "type=crl"}, []string{"root", "partner", "list"}},
		{"type and subject", []string{"type=trusted", "subject=plant"}, []string{"root"}},
		{"a subject is searched, and a key has its leaf's", []string{"subject=cn=sensor"}, []string{"Sensor-1", "dir/sensor=2"}},
		{"a whole fingerprint", []string{"sha256=" + print}, []string{"root"}},
		{"the beginning of one, with colons", []string{"sha256=" + strings.ToUpper(print[:2]+":"+print[2:8])}, []string{"root"}},
		{"the fingerprint that old programs print", []string{"sha1=" + sha1Print}, []string{"root"}},
		{"a public key's, of a certificate", []string{"public_sha256=" + hex.EncodeToString(public[:])}, []string{"Sensor-1"}},
		{"a public key's, of a key without one", []string{"public_sha256=" + hex.EncodeToString(barePublic[:])}, []string{"bare"}},
		{"an issuer", []string{"issuer=Plant Root", "type=key"}, []string{"Sensor-1", "dir/sensor=2"}},
		{"a serial, as keytool or openssl print it", []string{fmt.Sprintf("serial=0%X", a.cert.X509.SerialNumber)}, []string{"Sensor-1"}},
		{"a name as keytool prints it", []string{"subject=CN=sensor-1, O=Works"}, []string{"Sensor-1"}},
		{"a name as openssl prints it", []string{"subject=/O=Works/CN=sensor-1"}, []string{"Sensor-1"}},
		{"a name as openssl has printed it since 1.1", []string{"subject=O = Works"}, []string{"Sensor-1", "dir/sensor=2"}},
		{"what has expired", []string{"expired=yes"}, []string{"partner"}},
		{"what has not", []string{"expired=no", "type=trusted"}, []string{"root"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{
				Target: plain, Only: only(t, tc.only...), Options: keystore.EncodeOptions{Now: partner.cert.X509.NotAfter.Add(time.Second)},
			})
			require.NoError(t, err)
			assert.Equal(t, tc.want, plan.Kept())
			assert.Len(t, plan.LeftOut, 6-len(tc.want))
		})
	}
}

// TestSelectorsTakeUnnamedCertificatesForBothTypes: those of a PEM file, which inspect calls certificates.
func TestSelectorsTakeUnnamedCertificatesForBothTypes(t *testing.T) {
	store := keystore.Store{Anchors: []keystore.Anchor{issue(t, "a", nil, true).anchor(""), issue(t, "b", nil, true).anchor("b")}}
	for selector, want := range map[string]int{"type=certificate": 1, "type=trusted": 2} {
		plan, err := convert.NewPlan([]convert.Source{source("in.pem", text, store)}, convert.Recipe{Target: plain, Only: only(t, selector)})
		require.NoError(t, err)
		assert.Len(t, plan.Entries, want, selector)
	}
}

func TestRemove(t *testing.T) {
	root, old := issue(t, "root", nil, true), issue(t, "old", nil, true)
	a := issue(t, "a", root, false)
	store := keystore.Store{Identities: []keystore.Identity{a.identity(t, "a")}, Anchors: []keystore.Anchor{root.anchor("root"), old.anchor("old")}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: plain, Remove: only(t, "old")})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "root"}, plan.Kept())
	assert.Equal(t, []string{"old"}, plan.LeftOut)
	assert.NoError(t, plan.Refusal(), "what was asked for is no loss")
}

func TestParseSelectorRefuses(t *testing.T) {
	for _, text := range []string{"", "alias=", "alias=[a", "type=keys", "sha256=xyz", "sha256=abc", "sha256=" + strings.Repeat("a", 65), "sha1=" + strings.Repeat("a", 41),
		"serial=xyz", "expired=maybe", "public_sha256=12"} {
		_, err := convert.ParseSelector(text)
		assert.ErrorIs(t, err, convert.ErrSelector, text)
	}
}

func TestAlias(t *testing.T) {
	a, b := issue(t, "a", nil, false), issue(t, "b", nil, true)
	for _, tc := range []struct {
		name  string
		store keystore.Store
		want  []string
	}{
		{"the one key", keystore.Store{Identities: []keystore.Identity{a.identity(t, "old")}, Anchors: []keystore.Anchor{b.anchor("b")}}, []string{"new", "b"}},
		{"the one trusted certificate", keystore.Store{Anchors: []keystore.Anchor{b.anchor("b")}}, []string{"new"}},
		{"the one certificate", keystore.Store{Loose: []keystore.Anchor{b.anchor("")}}, []string{"new"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := convert.NewPlan([]convert.Source{source("in", plain, tc.store)}, convert.Recipe{Target: plain, Alias: "new"})
			require.NoError(t, err)
			var got []string
			for _, e := range plan.Entries {
				got = append(got, e.Name)
			}
			assert.Equal(t, tc.want, got)
		})
	}
	both := keystore.Store{Anchors: []keystore.Anchor{a.anchor("a"), b.anchor("b")}}
	_, err := convert.NewPlan([]convert.Source{source("in", plain, both)}, convert.Recipe{Target: plain, Alias: "new"})
	assert.ErrorIs(t, err, convert.ErrAmbiguous)
}

// textLayout is a layout for the fake text format.
func textLayout(fileName func(string) string) convert.Layout {
	return convert.Layout{Target: text, Key: ".key", Cert: ".crt", FileName: fileName, Other: map[keystore.OtherKind]string{keystore.KindCRL: ".crl"}}
}

func TestSplit(t *testing.T) {
	root := issue(t, "root", nil, true)
	inter := issue(t, "inter", root, true)
	server := issue(t, "server", inter, false)
	clients := issue(t, "clients", nil, true)
	store := keystore.Store{Identities: []keystore.Identity{server.identity(t, "server")}, Anchors: []keystore.Anchor{clients.anchor("c"), root.anchor("r")},
		Others: []keystore.Other{{Alias: "x", Kind: keystore.KindCRL, Raw: []byte{1}}, {Kind: keystore.KindCRL, Raw: []byte{2}}}}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: text})
	require.NoError(t, err)
	files, err := plan.Split("srv", textLayout(func(alias string) string { return alias }))
	require.NoError(t, err)
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
		assert.Equal(t, f.Path == "srv.key", f.Secret, f.Path)
		if f.Secret {
			assert.EqualValues(t, 0o600, f.Mode)
		}
	}
	assert.Equal(t, []string{"srv.key", "srv.crt", "srv-chain.crt", "srv-ca.crt", "srv.crl"}, paths)
	content := func(i int) []string {
		s, err := text.Decode(files[i].Data, keystore.DecodeOptions{})
		require.NoError(t, err)
		var list []keystore.Certificate
		for _, a := range s.Loose {
			list = append(list, a.Certificate)
		}
		assert.Equal(t, i == 0, len(s.Identities) == 1)
		return names(list)
	}
	assert.Empty(t, content(0))
	assert.Equal(t, []string{"server"}, content(1))
	assert.Equal(t, []string{"server", "inter"}, content(2))
	assert.Equal(t, []string{"root", "clients"}, content(3))
}

func TestSplitSeveralKeys(t *testing.T) {
	a, b := issue(t, "a", nil, false), issue(t, "b", nil, false)
	store := keystore.Store{Identities: []keystore.Identity{a.identity(t, "a"), b.identity(t, "A"), b.identity(t, "")}}
	encode := func(alias string) string { return strings.ReplaceAll(alias, "/", "%2F") }
	split := func(names ...string) (paths []string) {
		t.Helper()
		for i, name := range names {
			store.Identities[i].Alias = name
		}
		plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: text})
		require.NoError(t, err)
		files, err := plan.Split("s", textLayout(encode))
		require.NoError(t, err)
		for _, f := range files {
			paths = append(paths, f.Path)
		}
		return paths
	}
	assert.Equal(t, []string{"s-a.key", "s-a.crt", "s-a-chain.crt", "s-dir%2Fb.key", "s-dir%2Fb.crt", "s-dir%2Fb-chain.crt"}, split("a", "dir/b"))
	assert.Equal(t, []string{"s-a.key", "s-a.crt", "s-a-chain.crt", "s-A-2.key", "s-A-2.crt", "s-A-2-chain.crt"}, split("a", "A"),
		"s-a.key and s-A.key are one file on Windows")
	assert.Equal(t, []string{"s-ca-2.key", "s-ca-2.crt", "s-ca-2-chain.crt", "s-a.key", "s-a.crt", "s-a-chain.crt"}, split("ca", "a"),
		"s-ca.crt is for the certificates of CAs")
	assert.Equal(t, []string{"s-a.key", "s-a.crt", "s-a-chain.crt", "s-a-chain-2.key", "s-a-chain-2.crt", "s-a-chain-2-chain.crt"}, split("a", "a-chain"))
}

// TestSplitOneEach: a format that holds one object, such as DER, gets a file for each.
func TestSplitOneEach(t *testing.T) {
	root := issue(t, "root", nil, true)
	inter := issue(t, "inter", root, true)
	server := issue(t, "server", inter, false)
	store := keystore.Store{
		Identities: []keystore.Identity{server.identity(t, "server")}, Anchors: []keystore.Anchor{issue(t, "clients", nil, true).anchor("c")},
		Others: []keystore.Other{{Kind: keystore.KindCRL, Raw: []byte{1}}, {Kind: keystore.KindCRL, Raw: []byte{2}}},
	}
	plan, err := convert.NewPlan([]convert.Source{source("in", plain, store)}, convert.Recipe{Target: text})
	require.NoError(t, err)
	layout := textLayout(nil)
	layout.Cert, layout.OneEach = ".cer", true
	files, err := plan.Split("srv", layout)
	require.NoError(t, err)
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"srv.key", "srv.cer", "srv-chain-1.cer", "srv-ca-1.cer", "srv-ca-2.cer", "srv-1.crl", "srv-2.crl"}, paths)
}
