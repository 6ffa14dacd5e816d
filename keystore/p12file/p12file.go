// Package p12file reads and writes PKCS12 stores (RFC 7292, with the MAC of RFC 9579), as Java, OpenSSL, NSS, GnuTLS
// and Windows make them: any number of keys, chains and trusted certificates under their aliases, in DER, BER or text.
//
// Secret keys are reported, not kept. Integrity by signature and parts encrypted to a public key are
// [keystore.ErrUnsupported]. What is read is untrusted: sizes, nesting, counts and the work of key derivation are
// bounded by [keystore.Limits] before anything is done for them. What is written is read back, by this
// package and by an independent library where that can read it.
package p12file

import (
	"bytes"

	"github.com/mqttpki/mqttpki/keystore"
)

// Codec is the PKCS12 format. The zero value is ready to use.
type Codec struct{}

var _ keystore.Codec = Codec{}

// Name returns "p12".
func (Codec) Name() string { return "p12" }

// Extensions returns the usual endings; Windows says .pfx.
func (Codec) Extensions() []string { return []string{".p12", ".pfx", ".pkcs12"} }

// Sniff reports whether data begins like a PFX in DER or BER, a SEQUENCE with version 3 and a ContentInfo, or is a text whose
// first block is one.
func (Codec) Sniff(data []byte) bool {
	if findArmour(data) >= 0 {
		return true
	}
	body, ok := skipHeader(data, 0x30)
	if !ok || !bytes.HasPrefix(body, []byte{2, 1, 3}) {
		return false
	}
	info, ok := skipHeader(body[3:], 0x30)
	return ok && bytes.HasPrefix(info, pkcs7Prefix)
}

// pkcs7Prefix is how the OIDs of data and signedData begin.
var pkcs7Prefix = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7}

// skipHeader returns what follows a tag and its length, definite or not, without looking whether it is all there.
func skipHeader(data []byte, tag byte) ([]byte, bool) {
	if len(data) < 2 || data[0] != tag {
		return nil, false
	}
	n := 0
	if data[1] > 0x80 {
		n = int(data[1] & 0x7f)
	}
	if n > 8 || len(data) < 2+n {
		return nil, false
	}
	return data[2+n:], true
}
