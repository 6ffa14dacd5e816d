package ber

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// fuzzDepth is how deep elements may be nested here.
const fuzzDepth = 32

// FuzzNormalize holds that what comes out is stable, no longer than what went in, and DER by the measure of encoding/asn1;
// what that takes for DER from the start comes out as it is, not even copied.
func FuzzNormalize(f *testing.F) {
	if interop.Seeds() != interop.SeedsNone {
		for _, seed := range seeds(f) {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		der, rest, err := Normalize(data, fuzzDepth)
		require.Equal(t, before, data, "the input stays as it is")
		if element, strict := strictElement(data, fuzzDepth); strict {
			require.NoError(t, err, "encoding/asn1 finds DER")
			require.Equal(t, element, der)
			require.Same(t, &data[0], &der[0])
		}
		if err != nil {
			require.Nil(t, der)
			require.NotNil(t, keystore.KindOf(err))
			return
		}
		require.True(t, bytes.HasSuffix(data, rest))
		require.LessOrEqual(t, len(der), len(data)-len(rest)+len(data)>>15, "but for lengths that need three octets or more")
		again, none, err := Normalize(der, fuzzDepth)
		require.NoError(t, err)
		require.Empty(t, none)
		require.Equal(t, der, again)
		requireDER(t, der)
		if octets, err := Octets(der); err == nil {
			require.LessOrEqual(t, len(octets), len(der))
		} else {
			require.ErrorIs(t, err, keystore.ErrFormat)
		}
	})
}

// strictElement returns the element that data begins with, and whether encoding/asn1 finds it and all that lies in it to be
// DER, nested no deeper than depth. A constructed OCTET STRING, which that package takes no notice of, is none.
func strictElement(data []byte, depth int) ([]byte, bool) {
	var e asn1.RawValue
	rest, err := asn1.Unmarshal(data, &e)
	if err != nil || depth == 0 {
		return nil, false
	}
	if e.IsCompound {
		if e.Class == asn1.ClassUniversal && e.Tag == asn1.TagOctetString {
			return nil, false
		}
		for content := e.Bytes; len(content) > 0; {
			child, ok := strictElement(content, depth-1)
			if !ok {
				return nil, false
			}
			content = content[len(child):]
		}
	}
	return data[:len(data)-len(rest)], true
}

// requireDER fails where encoding/asn1 objects to one of the elements, or to one in them. It stops at a tag whose number
// takes octets of its own: how that is spelled is not this package's to change.
func requireDER(t *testing.T, der []byte) {
	t.Helper()
	for len(der) > 0 && der[0]&tagNumberMask != tagNumberMask {
		var e asn1.RawValue
		rest, err := asn1.Unmarshal(der, &e)
		require.NoError(t, err)
		if e.IsCompound {
			requireDER(t, e.Bytes)
		}
		der = rest
	}
}

// seeds are small elements, the stores of NSS, which are BER by themselves and in their inner layers, and what openssl
// streams.
func seeds(t testing.TB) (all [][]byte) {
	for _, text := range []string{"3003020105", "30800201050000", "24800401aa0402bbcc0000", "308103020105", "bf810180050000"} {
		data, err := hex.DecodeString(text)
		require.NoError(t, err)
		all = append(all, data)
	}
	openssl := interop.Optional(t, "openssl")
	if openssl == "" {
		return all
	}
	dir := t.TempDir()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return data
	}
	run := func(program, args string) { interop.Run(t, dir, program, strings.Fields(args)...) }
	run(openssl, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout k.pem -out c.pem")
	run(openssl, "cms -encrypt -stream -binary -in k.pem -outform DER -out cms.der -aes128 c.pem")
	run(openssl, "cms -sign -stream -binary -nodetach -in k.pem -inkey k.pem -signer c.pem -outform DER -out signed.der")
	run(openssl, "pkcs12 -export -inkey k.pem -in c.pem -name n -iter 2 -passout pass:x -out s.p12")
	all = append(all, read("cms.der"), read("signed.der"), read("s.p12"))
	if interop.Seeds() != interop.SeedsAll {
		return all
	}
	pk12util, certutil := interop.Optional(t, "pk12util"), interop.Optional(t, "certutil")
	if pk12util == "" || certutil == "" {
		return all
	}
	run(certutil, "-N --empty-password -d sql:"+dir)
	run(pk12util, "-i s.p12 -n n -W x -d sql:"+dir)
	run(pk12util, "-o nss.p12 -n n -W x -d sql:"+dir)
	nss := read("nss.p12")
	all = append(all, nss)
	der, _, err := Normalize(nss, fuzzDepth)
	require.NoError(t, err)
	return append(all, der[bytes.Index(der, []byte{4, 0x82})+4:]) // the authenticated safe, which is BER once more
}
