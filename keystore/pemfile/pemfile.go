// Package pemfile reads and writes keys, certificates, requests and CRLs as text (PEM, RFC 7468), one by one in binary
// (DER), and as PKCS#7 bundles.
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

// Codec is the PEM format. For one object in binary there is [DER], for bundles of certificates [PKCS7].
type Codec struct{}

// Name returns "pem".
func (Codec) Name() string { return "pem" }

// Extensions returns the endings of PEM files. Some of them are given to files in DER as well.
func (Codec) Extensions() []string {
	return []string{".pem", ".crt", ".cer", ".key", ".csr", ".crl", ".req", ".p8", ".pub"}
}

// Sniff reports whether data is text with a PEM block that this package reads, and not only PKCS#7 bundles.
func (Codec) Sniff(data []byte) bool {
	if string(data) == emptyFile {
		return true
	}
	_, others := blockKinds(data)
	return others
}

// Text reports whether a file is text with a PEM block, of whatever kind, and not binary.
func Text(data []byte) bool {
	return (len(data) == 0 || data[0] != tagSequence) && (bytes.Contains(data, []byte(beginMark)) || UTF16(data))
}

// blockKinds reports whether a text has a PKCS#7 bundle among the PEM blocks that this package reads, and whether it has
// another one. DER is not text, whatever it may have inside.
func blockKinds(data []byte) (bundles, others bool) {
	if len(data) > 0 && data[0] == tagSequence {
		return false, false
	}
	for rest := data; !others; {
		at := bytes.Index(rest, []byte(beginMark))
		if at < 0 {
			break
		}
		rest = rest[at+len(beginMark):]
		label, _, found := bytes.Cut(rest[:min(len(rest), maxLabel)], []byte(dashes))
		if known, ours := labels[string(label)]; found && known == labelPKCS7 {
			bundles = true
		} else if found && ours {
			others = true
		}
	}
	return bundles, others
}

// malformed returns an error of kind [keystore.ErrFormat].
func malformed(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, keystore.ErrFormat)...)
}
