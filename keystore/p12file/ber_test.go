package p12file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// toBER rewrites DER as badly as BER allows: no definite lengths, OCTET STRINGs in pieces of three bytes, and the
// content of [0] IMPLICIT OCTET STRING likewise.
func toBER(data []byte) []byte {
	var out []byte
	for in := cryptobyte.String(data); !in.Empty(); {
		var element, content cryptobyte.String
		var tag cbasn1.Tag
		if peek := in; !peek.ReadAnyASN1(&content, &tag) || !in.ReadAnyASN1Element(&element, &tag) {
			panic("not DER")
		}
		switch {
		case tag == cbasn1.OCTET_STRING || tag == tagImplicit0:
			out = append(out, byte(tag)|0x20, 0x80)
			for ; len(content) > 3; content = content[3:] {
				out = append(append(out, 4, 3), content[:3]...)
			}
			out = append(append(out, 4, byte(len(content))), content...)
			out = append(out, 0, 0)
		case element[0]&0x20 != 0:
			out = append(append(append(out, byte(tag), 0x80), toBER(content)...), 0, 0)
		default:
			out = append(out, element...)
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

// TestReadsInnerBER reads an encrypted safe in pieces, in an authenticated safe that is BER. There is no MAC, which covers
// those bytes as they stand.
func TestReadsInnerBER(t *testing.T) {
	opts := fast("")
	p, err := planFor(opts)
	require.NoError(t, err)
	sealer, err := pbe.NewSealer(testPassword, pbe.Params{Iterations: 2}, opts.Random)
	require.NoError(t, err)
	_, certs := entriesOf(bigStore(t, false))
	sealed, err := (&writer{p, sealer}).certSafe(certs)
	require.NoError(t, err)
	safe := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addEncrypted(b, sealed.alg, sealed.content) })
	})
	data := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			addData(b, toBER(safe))
		})
	})
	got, err := Codec{}.Decode(toBER(data), reading("changeit"))
	require.NoError(t, err)
	assert.Len(t, got.Anchors, 2)
	assert.Len(t, got.Loose, len(certs)-2)
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
