package ca_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

func TestParseDN(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       string // RFC 2253, so the last encoded part first; "" means ErrPolicy
	}{
		{"the scripts' CA", "CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB", "CN=mqttca.ibm.id.com,OU=ID,O=IBM,L=Hursley,ST=Hants,C=GB"},
		{"openssl's order", "/C=GB/O=IBM/CN=a", "CN=a,O=IBM,C=GB"},
		{"semicolons and no blanks", "CN=a;O=b", "CN=a,O=b"},
		{"keywords in any case", "cn=a, o=b", "CN=a,O=b"},
		{"an escaped comma", `CN=Sue\, Grabbit, O=b`, `CN=Sue\, Grabbit,O=b`},
		{"quotes", `CN="Sue, Grabbit", O=b`, `CN=Sue\, Grabbit,O=b`},
		{"a quote in quotes", `CN="a\"b"`, `CN=a\"b`},
		{"escaped bytes", `CN=L\C3\BCtz`, `CN=L\C3\BCtz`},
		{"letters as they are", "CN=Lütz", `CN=L\C3\BCtz`},
		{"blanks are trimmed", "  CN =  a b  , O = c ", "CN=a b,O=c"},
		{"an escaped blank stays", `CN=a\ , O=c`, `CN=a\ ,O=c`},
		{"several attributes in a part", "CN=a+UID=b, O=c", "UID=b+CN=a,O=c"},
		{"the same with slashes", "/O=c/CN=a+UID=b", "UID=b+CN=a,O=c"},
		{"a slash in a value", `/O=a\/b/CN=c`, "CN=c,O=a/b"},
		{"quotes are letters behind a slash", `/CN="a"`, `CN=\"a\"`},
		{"a comma behind a slash", "/CN=a, b", `CN=a\, b`},
		{"equals in a value", "CN=a=b", "CN=a=b"},
		{"a number", "OID.2.5.4.3=a", "CN=a"},
		{"an unknown number", "1.2.3.4=a, CN=b", "1.2.3.4=#130161,CN=b"},
		{"hex", "CN=#0C0161", "CN=a"},
		{"a hash that is meant", `CN=\#1`, `CN=\#1`},
		{"domain components", "CN=a, DC=example, DC=com", "CN=a,DC=example,DC=com"},
		{"e-mail", "CN=a, E=a@example.com", "CN=a,emailAddress=a@example.com"},
		{"64 characters", "CN=" + strings.Repeat("ü", 64), "CN=" + strings.Repeat(`\C3\BC`, 64)},

		{"empty", "", ""},
		{"only a slash", "/", ""},
		{"no keyword", "mqttca", ""},
		{"an unknown keyword", "XX=a", ""},
		{"an empty value", "CN=, O=b", ""},
		{"a part too many", "CN=a,,O=b", ""},
		{"a separator at the end", "CN=a,", ""},
		{"an open quote", `CN="a`, ""},
		{"text behind quotes", `CN="a"b`, ""},
		{"a quote inside", `CN=a"b`, ""},
		{"a backslash at the end", `CN=a\`, ""},
		{"a control character", "CN=a\x07", ""},
		{"an escaped NUL", `CN=a\00`, ""},
		{"no UTF-8", "CN=\xff", ""},
		{"escaped bytes that are no UTF-8", `CN=\FF`, ""},
		{"65 characters", "CN=" + strings.Repeat("a", 65), ""},
		{"a country of three letters", "C=GBR", ""},
		{"an e-mail address with umlaut", "E=ü@example.com", ""},
		{"the same attribute twice in a part", "CN=a+CN=b", ""},
		{"hex that is no text", "CN=#020105", ""},
		{"hex with a tail", "CN=#0C016100", ""},
		{"a number that is none", "1.99=a", ""},
		{"very long", "CN=a, O=" + strings.Repeat("b", 5000), ""},
		{"very many", strings.Repeat("DC=a,", 100) + "DC=a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name, err := ca.ParseDN(tc.text)
			if tc.want == "" {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, name.String())
		})
	}
}

// TestParseDNOrder: keytool encodes the reverse of what is typed.
func TestParseDNOrder(t *testing.T) {
	name, err := ca.ParseDN("CN=a, OU=b, O=c")
	require.NoError(t, err)
	der, err := name.DER()
	require.NoError(t, err)
	var sequence pkix.RDNSequence
	_, err = asn1.Unmarshal(der, &sequence)
	require.NoError(t, err)
	require.Len(t, sequence, 3)
	assert.Equal(t, "c", sequence[0][0].Value)
	assert.Equal(t, "a", sequence[2][0].Value)
}

// FuzzParseDN: an error is ErrPolicy, and a name that was read prints as something that is read as the same name.
func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{
		"CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB", "/C=GB/O=a\\/b/CN=c", `CN="a, b"+UID=\C3\BC`,
		"CN=#0C0161", "OID.1.2.3=x", `CN=\ a\ `, "=", "/=", "CN=a;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ca.ParseDN(text)
		if err != nil {
			if name != nil || !errors.Is(err, ca.ErrPolicy) {
				t.Fatalf("got %v and %v", name, err)
			}
			return
		}
		der, err := name.DER()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := keystore.ParseName(der)
		if err != nil {
			t.Fatal(err)
		}
		printed := parsed.String()
		if len(printed) > 4096 {
			return // escapes made it longer than what may be typed
		}
		again, err := ca.ParseDN(printed)
		if err != nil {
			t.Fatalf("%q printed as %q: %v", text, printed, err)
		}
		second, err := again.DER()
		if err != nil {
			t.Fatal(err)
		}
		if string(second) != string(der) {
			t.Fatalf("%q printed as %q, which is another name", text, printed)
		}
	})
}
