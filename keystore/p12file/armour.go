package p12file

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// GnuTLS's certtool writes a PKCS12 as the one block of a PEM file unless it is told --outder, and reads no other without
// --inder. Nobody else writes or reads such files.
const (
	armourLabel = "PKCS12"
	beginMark   = "-----BEGIN "
	beginArmour = beginMark + armourLabel + "-----"
	endArmour   = "\n-----END " + armourLabel + "-----"
)

// findArmour returns where in a text the block begins, or -1 where data is no text with such a block before any other.
func findArmour(data []byte) int {
	at := bytes.Index(data, []byte(beginMark))
	switch {
	case at < 0 || !bytes.HasPrefix(data[at:], []byte(beginArmour)):
		return -1
	case at > 0 && data[at-1] != '\n' && string(data[:at]) != "\xEF\xBB\xBF":
		return -1
	case bytes.IndexByte(data[:at], 0) >= 0: // a name or comment in something binary
		return -1
	}
	return at
}

// unarmour returns what is in the block of a text, and data itself where it is binary. Other blocks are not for this package
// to read, and not to be lost.
func (d *decoder) unarmour(data []byte) ([]byte, error) {
	at := findArmour(data)
	if at < 0 {
		return data, nil
	}
	block, after, found := bytes.Cut(data[at:], []byte(endArmour))
	if !found {
		return nil, fmt.Errorf("the block of text has no END: %w", keystore.ErrFormat)
	}
	if bytes.Contains(after, []byte(beginMark)) {
		return nil, fmt.Errorf("other blocks stand behind the PKCS12 store; it has to be in a file of its own: %w", keystore.ErrUnsupported)
	}
	text := bytes.Map(func(r rune) rune {
		if r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, block[len(beginArmour):])
	binary := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(binary, text)
	if err != nil {
		return nil, fmt.Errorf("the block of text is not base64: %w", keystore.ErrFormat)
	}
	d.report.add("notice", "armoured", "", "the store is text (PEM), as GnuTLS's certtool writes it without --outder; no other program reads that")
	if extra := len(bytes.TrimSpace(after)); extra > 0 {
		d.report.add("warning", "trailing-bytes", "", "%d bytes follow the block; they were ignored", extra)
	}
	return binary[:n], nil
}
