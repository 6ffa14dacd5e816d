package p12file

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestToDER(t *testing.T) {
	for _, tc := range []struct{ name, in, der, rest string }{
		{"DER stays", "3003020105", "3003020105", ""},
		{"bytes after it", "0500ff", "0500", "ff"},
		{"indefinite", "30800201050000", "3003020105", ""},
		{"indefinite in indefinite", "3080308002010500000000aa", "30053003020105", "aa"},
		{"a long length form", "30820003020105", "3003020105", ""},
		{"octets in pieces", "248004016104026263" + "0000", "0403616263", ""},
		{"octets in pieces of pieces", "2480240504016104000401620000", "04026162", ""},
		{"octets in no pieces", "24800000", "0400", ""},
		{"pieces under a context tag stay", "a08004016100" + "00", "a003040161", ""},
		{"a primitive value is not looked into", "0404308000ff", "0404308000ff", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in, err := hex.DecodeString(tc.in)
			require.NoError(t, err)
			der, rest, err := toDER(in, 8)
			require.NoError(t, err)
			assert.Equal(t, tc.der, hex.EncodeToString(der))
			assert.Equal(t, tc.rest, hex.EncodeToString(rest))
			again, _, err := toDER(der, 8)
			require.NoError(t, err)
			assert.Equal(t, der, again)
		})
	}
}

func TestToDERFails(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     error
	}{
		{"nothing", "", keystore.ErrFormat},
		{"half a header", "30", keystore.ErrFormat},
		{"too short", "3005020105", keystore.ErrFormat},
		{"no end", "3080020105", keystore.ErrFormat},
		{"half an end", "308002010500", keystore.ErrFormat},
		{"a primitive value without length", "0480", keystore.ErrFormat},
		{"a length of nine bytes", "3089000000000000000001", keystore.ErrFormat},
		{"a length of 2^63", "30888000000000000000", keystore.ErrFormat},
		{"a tag of several bytes", "1f8101", keystore.ErrFormat},
		{"an integer among the pieces", "24800201050000", keystore.ErrFormat},
		{"too deep", "30803080308030803080", keystore.ErrTooLarge},
		{"too deep in DER", "30083006300430023000", keystore.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in, err := hex.DecodeString(tc.in)
			require.NoError(t, err)
			_, _, err = toDER(in, 4)
			require.ErrorIs(t, err, tc.want)
		})
	}
}

// toBER rewrites DER as badly as BER allows: no definite lengths, OCTET STRINGs in pieces of at most three bytes, and
// the content of [0] IMPLICIT OCTET STRING likewise.
func toBER(data []byte) []byte {
	var out []byte
	for len(data) > 0 {
		h, err := readHeader(data)
		if err != nil {
			panic(err)
		}
		content := data[h.size : h.size+h.length]
		data = data[h.size+h.length:]
		switch {
		case h.tag == tagOctets || h.tag == byte(tagImplicit0):
			out = append(out, h.tag|constructed, indefinite)
			for i := 0; i < len(content); i += 3 {
				out = appendHeader(out, tagOctets, len(content[i:min(i+3, len(content))]))
				out = append(out, content[i:min(i+3, len(content))]...)
			}
			out = append(out, 0, 0)
		case h.tag&constructed != 0:
			out = append(append(append(out, h.tag, indefinite), toBER(content)...), 0, 0)
		default:
			out = append(appendHeader(out, h.tag, h.length), content...)
		}
	}
	return out
}

// TestReadsBER reads a file whose outer layer is BER throughout. (What NSS writes has BER in the inner layers too.)
func TestReadsBER(t *testing.T) {
	data, fitted := write(t, bigStore(t, true), fast(""))
	got, err := Codec{}.Decode(toBER(data), reading("changeit"))
	require.NoError(t, err)
	requireSame(t, fitted, got)
	assert.True(t, Codec{}.Sniff(toBER(data)))
}

func TestSniff(t *testing.T) {
	data, _ := write(t, bigStore(t, false), fast(""))
	for i := range 40 {
		assert.Equal(t, i >= 4+3+4+len(pkcs7Prefix), Codec{}.Sniff(data[:i]), "%d bytes", i)
	}
	for _, no := range []string{"", "0", "-----BEGIN", "0\x82\x01\x00\x02\x01\x00", "\xfe\xed\xfe\xed\x00\x00\x00\x02"} {
		assert.False(t, Codec{}.Sniff([]byte(no)), "%q", no)
	}
}
