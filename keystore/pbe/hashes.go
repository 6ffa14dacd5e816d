package pbe

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// hashFunc is a hash function that key derivations and MACs may use.
type hashFunc struct {
	Name string // as people write it: "SHA256"
	New  func() hash.Hash
	Size int // bytes
}

var (
	hashMD5       = hashFunc{"MD5", md5.New, md5.Size}
	hashSHA1      = hashFunc{"SHA1", sha1.New, sha1.Size}
	hashSHA224    = hashFunc{"SHA224", sha256.New224, sha256.Size224}
	hashSHA256    = hashFunc{"SHA256", sha256.New, sha256.Size}
	hashSHA384    = hashFunc{"SHA384", sha512.New384, sha512.Size384}
	hashSHA512    = hashFunc{"SHA512", sha512.New, sha512.Size}
	hashSHA512224 = hashFunc{"SHA512/224", sha512.New512_224, sha512.Size224}
	hashSHA512256 = hashFunc{"SHA512/256", sha512.New512_256, sha512.Size256}
	hashSHA3224   = hashFunc{"SHA3-224", func() hash.Hash { return sha3.New224() }, 28}
	hashSHA3256   = hashFunc{"SHA3-256", func() hash.Hash { return sha3.New256() }, 32}
	hashSHA3384   = hashFunc{"SHA3-384", func() hash.Hash { return sha3.New384() }, 48}
	hashSHA3512   = hashFunc{"SHA3-512", func() hash.Hash { return sha3.New512() }, 64}
)

// digests are the hash functions by the OID of the plain digest (RFC 8017 appendix B.1, FIPS 202 for SHA-3).
var digests = map[string]hashFunc{
	"1.2.840.113549.2.5":     hashMD5,
	oidSHA1:                  hashSHA1,
	"2.16.840.1.101.3.4.2.4": hashSHA224,
	oidSHA256:                hashSHA256,
	"2.16.840.1.101.3.4.2.2": hashSHA384,
	"2.16.840.1.101.3.4.2.3": hashSHA512,
	"2.16.840.1.101.3.4.2.5": hashSHA512224,
	"2.16.840.1.101.3.4.2.6": hashSHA512256,
	"2.16.840.1.101.3.4.2.7": hashSHA3224,
	"2.16.840.1.101.3.4.2.8": hashSHA3256,
	"2.16.840.1.101.3.4.2.9": hashSHA3384,
	oidSHA3512:               hashSHA3512,
}

const (
	oidSHA1       = "1.3.14.3.2.26"
	oidSHA256     = "2.16.840.1.101.3.4.2.1"
	oidSHA3512    = "2.16.840.1.101.3.4.2.10"
	oidHMACSHA256 = "1.2.840.113549.2.9"
)

// hmacs are the hash functions by the OID of their HMAC (RFC 8018 appendix B.1; NIST's register for SHA-3).
var hmacs = map[string]hashFunc{
	"1.2.840.113549.2.6":      hashMD5,
	"1.3.6.1.5.5.8.1.1":       hashMD5,
	"1.2.840.113549.2.7":      hashSHA1,
	"1.3.6.1.5.5.8.1.2":       hashSHA1,
	"1.2.840.113549.2.8":      hashSHA224,
	oidHMACSHA256:             hashSHA256,
	"1.2.840.113549.2.10":     hashSHA384,
	"1.2.840.113549.2.11":     hashSHA512,
	"1.2.840.113549.2.12":     hashSHA512224,
	"1.2.840.113549.2.13":     hashSHA512256,
	"2.16.840.1.101.3.4.2.13": hashSHA3224,
	"2.16.840.1.101.3.4.2.14": hashSHA3256,
	"2.16.840.1.101.3.4.2.15": hashSHA3384,
	"2.16.840.1.101.3.4.2.16": hashSHA3512,
}

// readHMAC reads the AlgorithmIdentifier of an HMAC, whose parameters are NULL or absent.
func readHMAC(in *cryptobyte.String) (hashFunc, error) {
	oid, params, ok := readAlgorithm(in)
	if !ok || !nullOrNothing(params) {
		return hashFunc{}, fmt.Errorf("reading an HMAC algorithm: %w", keystore.ErrFormat)
	}
	h, ok := hmacs[oid]
	if !ok {
		return hashFunc{}, unsupported("HMAC", oid)
	}
	return h, nil
}

// nullOrNothing reports whether parameters are NULL or absent, which writers do not agree on.
func nullOrNothing(params cryptobyte.String) bool {
	var null cryptobyte.String
	return params.Empty() || params.ReadASN1(&null, cbasn1.NULL) && null.Empty() && params.Empty()
}
