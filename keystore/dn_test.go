package keystore_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// name is a Name of the attributes in the order given, one to a relative name.
func name(t *testing.T, attributes ...pkix.AttributeTypeAndValue) []byte {
	t.Helper()
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		rdns = append(rdns, pkix.RelativeDistinguishedNameSET{a})
	}
	der, err := asn1.Marshal(rdns)
	require.NoError(t, err)
	return der
}

func attribute(oid asn1.ObjectIdentifier, value any) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

func TestDistinguishedName(t *testing.T) {
	cn, o, ou := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.ObjectIdentifier{2, 5, 4, 11}
	for _, tc := range []struct {
		name string
		der  []byte
		want string
	}{
		{"the order of the certificate, last first", name(t, attribute(cn, "dev1"), attribute(o, "Test"), attribute(ou, "Devices")),
			"OU=Devices,O=Test,CN=dev1"},
		{"special characters", name(t, attribute(cn, ` #a,b+c"d\e;<f> `)), `CN=\ #a\,b\+c\"d\\e\;\<f\>\ `},
		{"a leading hash", name(t, attribute(cn, "#1")), `CN=\#1`},
		{"an escape sequence of a terminal", name(t, attribute(cn, "a\x1b[2Jb")), `CN=a\1B[2Jb`},
		{"text that runs right to left", name(t, attribute(cn, "a\u202eb")), `CN=a\E2\80\AEb`},
		{"an attribute without a name", name(t, attribute(asn1.ObjectIdentifier{1, 2, 3}, "x")), "1.2.3=x"},
		{"a value that is no string", name(t, attribute(cn, 5)), "2.5.4.3=#020105"},
		{"BMPString", name(t, attribute(cn, asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte{0, 'k', 0, 0xe4}})), "CN=kä"},
		{"T61String", name(t, attribute(cn, asn1.RawValue{Tag: asn1.TagT61String, Bytes: []byte{'k', 0xe4}})), "CN=kä"},
		{"empty", name(t), ""},
		{"no name at all", []byte("hello"), ""},
		{"cut off", name(t, attribute(cn, "dev1"))[:5], ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, keystore.DistinguishedName(tc.der))
		})
	}
}

// TestDistinguishedNameJoinsAttributes: one relative name of two attributes.
func TestDistinguishedNameJoinsAttributes(t *testing.T) {
	der, err := asn1.Marshal(pkix.RDNSequence{{
		attribute(asn1.ObjectIdentifier{2, 5, 4, 3}, "a"), attribute(asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, "b"),
	}})
	require.NoError(t, err)
	assert.Contains(t, []string{"CN=a+UID=b", "UID=b+CN=a"}, keystore.DistinguishedName(der))
}
