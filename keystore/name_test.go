package keystore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// oddNames are subjects that printers get wrong.
func oddNames(t *testing.T) map[string][]byte {
	text := func(oid asn1.ObjectIdentifier, tag int, b string) pkix.AttributeTypeAndValue {
		return attribute(oid, asn1.RawValue{Tag: tag, Bytes: []byte(b)})
	}
	cn, o, ou := keystore.OIDCommonName, keystore.OIDOrganization, keystore.OIDUnit
	multi, err := asn1.Marshal(pkix.RDNSequence{{attribute(o, "b")}, {attribute(cn, "a"), attribute(keystore.OIDUserID, "u")}})
	require.NoError(t, err)
	return map[string][]byte{
		"in odd order":       name(t, attribute(cn, "dev1"), attribute(o, "Test"), attribute(ou, "Devices")),
		"special characters": name(t, attribute(cn, ` #a,b+c"d\e;<f>= `)),
		"a hash first":       name(t, attribute(cn, "#1")),
		"control characters": name(t, text(cn, asn1.TagUTF8String, "a\x01\x7f\nb")),
		"umlauts":            name(t, attribute(cn, "Zähler €")),
		"Latin-1":            name(t, text(cn, asn1.TagT61String, "k\xe4")),
		"UTF-16":             name(t, text(cn, asn1.TagBMPString, "\x00k\x00\xe4\x20\xac")),
		"UTF-32":             name(t, text(cn, 28, "\x00\x00\x00k\x00\x01\xf6\x00")),
		"an unknown type":    name(t, attribute(asn1.ObjectIdentifier{1, 2, 3, 4}, "x"), attribute(cn, "a")),
		"two in one":         multi,
		"all types": name(t, attribute(keystore.OIDCountry, "GB"), attribute(keystore.OIDState, "Hants"), attribute(keystore.OIDLocality, "Hursley"),
			text(keystore.OIDEmail, asn1.TagIA5String, "a@b.c"), text(keystore.OIDDomain, asn1.TagIA5String, "com"), attribute(keystore.OIDUserID, "u"),
			attribute(keystore.OIDSerialNumber, "7"), attribute(asn1.ObjectIdentifier{2, 5, 4, 4}, "s"), attribute(asn1.ObjectIdentifier{2, 5, 4, 42}, "g"),
			attribute(asn1.ObjectIdentifier{2, 5, 4, 12}, "t"), attribute(asn1.ObjectIdentifier{2, 5, 4, 9}, "st"), attribute(asn1.ObjectIdentifier{2, 5, 4, 46}, "q")),
	}
}

// certificateOf wraps a subject, which x509 copies as it is.
func certificateOf(t *testing.T, subject []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: subject, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestRFC2253 compares with `openssl x509 -nameopt RFC2253`, whose function mosquitto calls.
func TestRFC2253(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	for what, der := range oddNames(t) {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.crt")
			require.NoError(t, os.WriteFile(file, certificateOf(t, der), 0o600))
			out := interop.Run(t, "", openssl, "x509", "-in", file, "-noout", "-subject", "-nameopt", "RFC2253")
			got, err := keystore.RFC2253(der)
			require.NoError(t, err)
			assert.Equal(t, strings.TrimSuffix(strings.TrimPrefix(out, "subject="), "\n"), got)
		})
	}
}

// TestJavaString compares with what each JDK prints.
func TestJavaString(t *testing.T) {
	var all []byte
	want := map[string]string{}
	for what, der := range oddNames(t) {
		if what == "control characters" || what == "Latin-1" { // lines break; Java takes T.61 for another charset
			continue
		}
		parsed, err := keystore.ParseName(der)
		require.NoError(t, err)
		want[what] = "Owner: " + parsed.JavaString() + "\n"
		all = append(all, certificateOf(t, der)...)
	}
	file := filepath.Join(t.TempDir(), "all.crt")
	require.NoError(t, os.WriteFile(file, all, 0o600))
	for _, jdk := range interop.JDKs(t) {
		out := interop.Run(t, "", jdk.Tool("keytool"), "-J-Duser.language=en", "-J-Dstdout.encoding=UTF-8", "-J-Dsun.stdout.encoding=UTF-8",
			"-J-Dfile.encoding=UTF-8", "-printcert", "-file", file)
		for what, line := range want {
			assert.Contains(t, out, line, "%s, Java %d", what, jdk.Version)
		}
	}
}

func TestGoOrder(t *testing.T) {
	der := name(t, attribute(keystore.OIDCommonName, "dev1"), attribute(keystore.OIDOrganization, "Test"), attribute(keystore.OIDUnit, "Devices"))
	got, err := keystore.GoOrder(der)
	require.NoError(t, err)
	assert.Equal(t, "CN=dev1,OU=Devices,O=Test", got)
	_, err = keystore.GoOrder([]byte("rubbish"))
	require.ErrorIs(t, err, keystore.ErrFormat)
}

func TestNameValues(t *testing.T) {
	parsed, err := keystore.ParseName(name(t, attribute(keystore.OIDCommonName, "a"), attribute(keystore.OIDCommonName, "b"), attribute(keystore.OIDUnit, 5)))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, parsed.Values(keystore.OIDCommonName), "both, so that nobody takes one for the identity")
	assert.Empty(t, parsed.Values(keystore.OIDUnit))
	assert.True(t, parsed.Has(keystore.OIDUnit))
	assert.False(t, parsed.Has(keystore.OIDOrganization))
}

// FuzzParseName: an error is of a known kind; what is read prints in every way and encodes as it was.
func FuzzParseName(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Add([]byte("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a"))
	f.Add([]byte("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x1e\x01a"))
	f.Fuzz(func(t *testing.T, der []byte) {
		parsed, err := keystore.ParseName(der)
		if err != nil {
			if parsed != nil || keystore.KindOf(err) == nil {
				t.Fatalf("got %v and %v", parsed, err)
			}
			return
		}
		_, _, _ = parsed.String(), parsed.JavaString(), keystore.DistinguishedName(der)
		_, _ = keystore.GoOrder(der)
		if _, err := parsed.DER(); err != nil {
			t.Fatal(err)
		}
	})
}
