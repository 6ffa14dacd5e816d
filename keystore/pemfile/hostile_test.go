package pemfile

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// wide is text in UTF-16, with the zero octets at odd or even places.
func wide(text string, at int) string {
	out := make([]byte, 2*len(text))
	for i := range len(text) {
		out[2*i+at] = text[i]
	}
	return string(out)
}

// armour is a block with any label, headers and content.
func armour(label, body string) string {
	return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n"
}

// Damaged, foreign and malicious files, and the errors they deserve.
func TestHostileInput(t *testing.T) {
	p := newPKI(t)
	cert := string(EncodeCertificates(certificate(p.root)))
	for _, tc := range []struct {
		name, file string
		want       error
	}{
		{"nothing", "", keystore.ErrFormat},
		{"text", "this is no key\n", keystore.ErrFormat},
		{"a comment", "# only\n", keystore.ErrFormat},
		{"empty block", armour("CERTIFICATE", ""), keystore.ErrFormat},
		{"certificate that is none", armour("CERTIFICATE", "AAAA"), keystore.ErrFormat},
		{"certificate with something behind it", strings.Replace(cert, "\n-----END", "\nAAAA\n-----END", 1), keystore.ErrFormat},
		{"a damaged block beside a good one", cert + armour("CERTIFICATE", "%%%%"), keystore.ErrFormat},
		{"a block that another one interrupts", "-----BEGIN CERTIFICATE-----\nMIIB\n" + cert, keystore.ErrFormat},
		{"a label of 1000 letters", armour(strings.Repeat("A", 1000), "AAAA"), keystore.ErrFormat},
		{"key that is none", armour("PRIVATE KEY", "AAAA"), keystore.ErrFormat},
		{"PKCS#1 that is none", armour("RSA PRIVATE KEY", "MAA="), keystore.ErrFormat},
		{"SEC1 that is none", armour("EC PRIVATE KEY", "MAA="), keystore.ErrFormat},
		{"SEC1 without a curve", armour("EC PRIVATE KEY", "MAUCAQEEAA=="), keystore.ErrFormat},
		{"DSA that is none", armour("DSA PRIVATE KEY", "MAA="), keystore.ErrFormat},
		{"DSA with a number too few", armour("DSA PRIVATE KEY", "MA8CAQACAQECAQECAQECAQE="), keystore.ErrFormat},
		{"a PKCS12 store as text beside a certificate", cert + armour("PKCS12", "AAAA"), keystore.ErrUnsupported},
		{"OpenSSH", armour("OPENSSH PRIVATE KEY", "AAAA"), keystore.ErrUnsupported},
		{"encrypted key that is none", armour("ENCRYPTED PRIVATE KEY", "MAA="), keystore.ErrFormat},
		{"request that is a certificate", armour("CERTIFICATE REQUEST", body(cert)), keystore.ErrFormat},
		{"CRL that is a certificate", armour("X509 CRL", body(cert)), keystore.ErrFormat},
		{"public key that is a certificate", armour("PUBLIC KEY", body(cert)), keystore.ErrFormat},
		{"traditional, no IV", armour("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC\n\nAAAA"), keystore.ErrFormat},
		{"traditional, half a block", armour("RSA PRIVATE KEY", "DEK-Info: AES-128-CBC,000102030405060708090A0B0C0D0E0F\n\nAAAA"), keystore.ErrFormat},
		{"a name of 5000 bytes", "# trusted: " + strings.Repeat("x", 5000) + "\n" + cert, keystore.ErrTooLarge},
		{"PKCS#7 nested 10,000 deep", "0\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80\x30\x80\x02\x01\x01" + strings.Repeat("\x31\x80", 10_000), keystore.ErrTooLarge},
		{"indented", "  " + strings.ReplaceAll(cert, "\n", "\n  "), keystore.ErrFormat},
		{"BEGIN behind other text", "cert: " + cert, keystore.ErrFormat},
		{"all on one line", strings.ReplaceAll(cert, "\n", ""), keystore.ErrFormat},
		{"DER of nothing known", "0\x03\x02\x01\x05", keystore.ErrFormat},
		{"DER longer than the file", "0\x84\x7F\xFF\xFF\xFF\x02\x01\x00", keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			store, err := Codec{}.Decode([]byte(tc.file), keystore.DecodeOptions{Password: keystore.Secret("pw")})
			runtime.ReadMemStats(&after)
			assert.Nil(t, store)
			assert.ErrorIs(t, err, tc.want)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "memory for %d bytes", len(tc.file))
		})
	}
}

// body is the base64 of the one block of a file.
func body(file string) string {
	_, rest, _ := strings.Cut(file, "\n")
	text, _, _ := strings.Cut(rest, "\n-----END")
	return text
}

// An error names the line.
func TestErrorsNameTheLine(t *testing.T) {
	file := "text\n\n" + string(EncodeCertificates(certificate(newPKI(t).root))) + armour("CERTIFICATE", "AAAA")
	_, err := Codec{}.Decode([]byte(file), keystore.DecodeOptions{})
	require.Error(t, err)
	line := strings.Count(file[:strings.LastIndex(file, "-----BEGIN")], "\n") + 1
	assert.Contains(t, err.Error(), "line "+strconv.Itoa(line)+":")

	cert := string(EncodeCertificates(certificate(newPKI(t).root)))
	for text, file := range map[string]string{
		"line 3: the BEGIN line is indented":           "\n\n  " + cert,
		"line 2: the block is all on one":              "x\n" + strings.ReplaceAll(cert, "\n", ""),
		"line 1: the block \"CERTIFICATE\" has no END": strings.TrimSuffix(cert, "-----END CERTIFICATE-----\n"),
		"END without BEGIN":                            "cert: " + cert,
	} {
		_, err := Codec{}.Decode([]byte(file), keystore.DecodeOptions{})
		assert.ErrorContains(t, err, text)
	}
}

// What is odd but harmless is read, and said where something is left out.
func TestOddities(t *testing.T) {
	p := newPKI(t)
	cert := string(EncodeCertificates(certificate(p.root)))
	for _, tc := range []struct{ name, file, code string }{
		{"DH parameters", armour("DH PARAMETERS", "MAYCAQUCAQI=") + cert, ""},
		{"a block of another program", armour("SOMETHING", "AAAA") + cert, "unknown-block"},
		{"two of them", armour("SOMETHING", "AAAA") + armour("SOMETHING", "") + cert, "unknown-block"},
		{"old Mac line ends", strings.ReplaceAll(cert, "\n", "\r"), "cr-line-ends"},
		{"blank lines", strings.ReplaceAll(cert, "\n", "\n\n"), "blank-lines"},
		{"a blank line behind BEGIN, which all take", strings.Replace(cert, "\n", "\n\n", 1), ""},
		{"blanks before lines", strings.ReplaceAll(cert, "\nM", "\n  M"), ""},
		{"lines of text in the block", strings.Replace(cert, "\n", "\nComment: x\n\n", 1), "block-headers"},
		{"a byte order mark", "\xEF\xBB\xBF" + cert, "byte-order-mark"},
		{"OpenSSL's own label", strings.ReplaceAll(cert, "CERT", "TRUSTED CERT"), "trusted-label"},
		{"the label of old", strings.ReplaceAll(cert, "CERT", "X509 CERT"), ""},
		{"no line end at the end", strings.TrimSpace(cert), ""},
		{"a NUL at the end, as C programs have it", cert + "\x00", ""},
		{"one long line", "-----BEGIN CERTIFICATE-----\n" + strings.ReplaceAll(body(cert), "\n", "") + "\n-----END CERTIFICATE-----", ""},
		{"blanks at the ends of lines", strings.ReplaceAll(cert, "\n", " \t\n"), "trailing-blanks"},
		{"blanks at the ends of other lines", strings.ReplaceAll(cert, "=\n", "= \t\n"), ""},
		{"DER with bytes behind it", string(p.root.DER) + "\n", "trailing-bytes"},
		{"UTF-16", "\xFF\xFE" + wide("Bag Attributes\r\n"+cert, 0), "utf-16"},
		{"UTF-16 that says nothing of itself", wide(cert, 0), "utf-16"},
		{"UTF-16, the other way round", "\xFE\xFF" + wide("text\n"+cert, 1), "utf-16"},
		{"UTF-16, the other way round, that says nothing of itself", wide(cert, 1), "utf-16"},
		{"UTF-16 behind UTF-8", cert + wide(cert, 0), "utf-16"},
	} {
		store, err := Codec{}.Decode([]byte(tc.file), keystore.DecodeOptions{})
		require.NoError(t, err, tc.name)
		require.Len(t, store.Anchors, 1, tc.name)
		assert.Equal(t, p.root.DER, store.Anchors[0].Certificate.Raw, tc.name)
		if tc.code == "" {
			assert.Empty(t, store.Problems, tc.name)
			continue
		}
		require.Len(t, store.Problems, 1, tc.name)
		assert.Equal(t, tc.code, store.Problems[0].Code)
	}
}

// A certificate that Go refuses is still a certificate: it is kept, matched to its key, and put into its chain.
func TestCertificateThatGoRefuses(t *testing.T) {
	p := newPKI(t)
	odd := bytes.Clone(p.client.DER)
	at := bytes.Index(odd, p.client.Cert.SerialNumber.Bytes())
	require.Positive(t, at)
	odd[at] |= 0x80 // a negative serial number
	refused, err := keystore.ParseCertificate(odd)
	require.NoError(t, err)
	require.Nil(t, refused.X509)
	file := append(EncodeCertificates(certificate(p.issuing), refused), appendBlock(nil, "PRIVATE KEY", p.client.PKCS8)...)
	store := decode(t, file, "")
	require.Len(t, store.Identities, 1)
	require.Len(t, store.Identities[0].Chain, 2)
	assert.Equal(t, odd, store.Identities[0].Chain[0].Raw)
	assert.Equal(t, p.issuing.DER, store.Identities[0].Chain[1].Raw)
	assert.Equal(t, "unparsed-certificate", store.Problems[0].Code)
}

// Many keys under one salt and password cost one derivation, as we write them; a file cannot ask for more than its size
// allows.
func TestManyEncryptedKeys(t *testing.T) {
	var store keystore.Store
	for range 40 {
		store.Identities = append(store.Identities, identity(t, "k", mint.CA(t, "k", "ec")))
	}
	opts := fast()
	opts.Iterations = 100_000
	data, err := Codec{}.Encode(&store, opts)
	require.NoError(t, err)
	got := decode(t, data, "pässwörd")
	require.Len(t, got.Identities, 40)
	for i := range got.Identities {
		assert.NoError(t, got.Identities[i].Locked)
	}
	assert.Len(t, got.Protection, 40)
}
