// Package jksfile reads and writes Java KeyStore (JKS) files, and reads their JCEKS relatives.
//
// Both are formats of the JDK that no standard describes; what is here follows what OpenJDK 17 and 25 read and write.
// JCEKS is never written: its secret keys are serialized Java objects, of which Decode reports that they are there but
// not their bytes. Neither format protects more than the private keys: aliases and certificates are there for
// everybody to read, and a checksum keyed with the password guards the whole.
//
// Input is untrusted: every length is checked against the bytes that are left before memory is reserved for it, every
// count against [keystore.Limits].
package jksfile

import (
	"encoding/binary"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// The first four bytes of the two formats.
const (
	magicJKS   = 0xFEEDFEED
	magicJCEKS = 0xCECECECE
)

// The tags that entries begin with.
const (
	tagKey     = 1
	tagTrusted = 2
	tagSecret  = 3 // JCEKS only
)

// digestSize is the length of the SHA-1 that ends a file.
const digestSize = 20

// Codec is the JKS format. It reads JCEKS as well.
type Codec struct{}

// Name returns "jks".
func (Codec) Name() string { return "jks" }

// Extensions returns the endings that Java programs give JKS and JCEKS files.
func (Codec) Extensions() []string { return []string{".jks", ".jceks", ".ks", ".keystore"} }

// Sniff reports whether data begins as a JKS or JCEKS file of a known version.
func (Codec) Sniff(data []byte) bool {
	if len(data) < 8 {
		return false
	}
	magic, version := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	return (magic == magicJKS || magic == magicJCEKS) && (version == 1 || version == 2)
}

// malformed returns an error of kind [keystore.ErrFormat].
func malformed(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, keystore.ErrFormat)...)
}

// Describe returns "JKS" or "JCEKS", whichever data begins as.
func Describe(data []byte) string {
	if len(data) >= 4 && binary.BigEndian.Uint32(data) == magicJCEKS {
		return "JCEKS"
	}
	return "JKS"
}
