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
	"github.com/mqttpki/mqttpki/keystore/ber"
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
	body, ok := ber.Begin(data)
	if !ok || !bytes.HasPrefix(body, []byte{2, 1, 3}) {
		return false
	}
	info, ok := ber.Begin(body[3:])
	return ok && bytes.HasPrefix(info, pkcs7Prefix)
}

// pkcs7Prefix is how the OIDs of data and signedData begin.
var pkcs7Prefix = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7}
