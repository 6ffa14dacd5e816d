// Package pemfile reads and writes keys, certificates, requests and CRLs as text (PEM, RFC 7468), and reads their
// binary forms (DER) and PKCS#7 bundles.
//
// A PEM file is a row of blocks that says nothing of what belongs to what, so that is worked out (see assemble.go): a
// certificate belongs to the key whose public key it has, wherever it stands; its issuers, found by name and signature,
// are its chain; a file of certificates without any key is a list of trusted ones, which is what such files are for;
// and beside a key a certificate that is in no chain is neither. Where a store means something else, a comment line
// before the block says so when we write it, and is heeded when we read it (see comment.go). A comment is no weaker
// evidence than the rest: whoever can write the line can write the key.
//
// Nothing vouches for the whole of a PEM file, and keys alone can be encrypted. Input is untrusted: it is bounded by
// [keystore.Limits], and the work of decrypting by a [pbe.Budget].
package pemfile

import (
	"bytes"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Codec is the PEM format. It reads DER and PKCS#7 as well.
type Codec struct{}

// Name returns "pem".
func (Codec) Name() string { return "pem" }

// Extensions returns the endings of PEM files and of the DER files that Decode reads as well.
func (Codec) Extensions() []string {
	return []string{".pem", ".crt", ".cer", ".key", ".csr", ".crl", ".p7b", ".der", ".p7c", ".req", ".p8", ".pub"}
}

// Sniff reports whether data has a PEM block that this package reads, or is one object in DER that it reads.
func (Codec) Sniff(data []byte) bool {
	if len(data) > 0 && data[0] == tagSequence {
		return derKind(data) != ""
	}
	if string(data) == emptyFile {
		return true
	}
	for rest := data; ; {
		at := bytes.Index(rest, []byte(beginMark))
		if at < 0 {
			return false
		}
		rest = rest[at+len(beginMark):]
		label, _, found := bytes.Cut(rest[:min(len(rest), maxLabel)], []byte(dashes))
		if _, known := labels[string(label)]; known && found {
			return true
		}
	}
}

// malformed returns an error of kind [keystore.ErrFormat].
func malformed(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, keystore.ErrFormat)...)
}

// Describe returns what people call the format of data that Decode reads: "PEM", "DER", or "PKCS#7" for a bundle in
// DER or BER.
func Describe(data []byte) string {
	switch {
	case pkcs7Begins(data):
		return "PKCS#7"
	case len(data) > 0 && data[0] == tagSequence:
		return "DER"
	}
	return "PEM"
}
