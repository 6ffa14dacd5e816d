// Package keystore is the model that every key and store format is read into and written from: a [Store] of
// identities (private keys with their chains), anchors (trusted certificates) and whatever else a file held.
//
// It knows nothing of the formats themselves (see the packages below it), of who issues certificates, or of brokers.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Store is the content of one key or store file, whatever its format. Entries keep the order of the file within
// each of the lists.
type Store struct {
	Identities []Identity   // private keys and the chains that belong to them
	Anchors    []Anchor     // certificates marked as trusted
	Loose      []Anchor     // certificates that belong to no key and are not marked as trusted
	Others     []Other      // what else was there: requests, CRLs, public keys, secret keys
	Integrity  Integrity    // whether a checksum or MAC over the file was checked
	Protection []Protection // how the file was protected, for people to judge
	Problems   []Problem    // what is wrong or odd about the file; none of them kept it from being read
}

// Identity is a private key with its certificates.
type Identity struct {
	Alias   string        // as in the file; "" when the format has none
	Created time.Time     // zero when the format does not record it; millisecond resolution
	Key     *PrivateKey   // nil when Locked is set
	Locked  error         // why the key could not be decrypted (wraps ErrPassword or ErrUnsupported), nil when it could
	Chain   []Certificate // leaf first, then its issuers; empty for a bare key
}

// Leaf returns the certificate of the key, or nil when the identity has none.
func (i *Identity) Leaf() *Certificate {
	if len(i.Chain) == 0 {
		return nil
	}
	return &i.Chain[0]
}

// WhyLocked says in one clause why a locked key cannot be carried into another file.
func (i *Identity) WhyLocked() string {
	if errors.Is(i.Locked, ErrUnsupported) {
		return fmt.Sprintf("its key is locked: %v", i.Locked)
	}
	return "its key is locked: its password is needed"
}

// Anchor is a certificate under a name.
type Anchor struct {
	Alias       string
	Created     time.Time // zero when the format does not record it
	Certificate Certificate

	// Assumed is set for a trusted certificate that no mark calls so: it is in a file of certificates alone, of a format
	// such as PEM. Beside a key, such a file may as well hold the key's own certificate.
	Assumed bool
}

// Certificate is one X.509 certificate. Raw is always there; X509 is nil when Go's parser refuses it (a negative
// serial, say), so that a store that other programs read is not refused for one odd entry.
type Certificate struct {
	Raw  []byte            // DER, RFC 5280
	X509 *x509.Certificate // nil when Raw does not parse

	signer *atomic.Pointer[x509.Certificate] // whose key was found to have signed it; nil: not kept
}

// NewCertificate wraps DER bytes, which it keeps without copying.
func NewCertificate(der []byte) Certificate {
	if (Certificate{Raw: der}).fields().spki == nil { // for what is none Go's parser takes more memory than its size allows
		return Certificate{Raw: der}
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{Raw: der}
	}
	return Certificate{Raw: der, X509: c, signer: new(atomic.Pointer[x509.Certificate])}
}

// Equal reports whether both are the same bytes.
func (c Certificate) Equal(o Certificate) bool { return bytes.Equal(c.Raw, o.Raw) }

// PrivateKey is an unencrypted private key. It prints as nothing: PKCS8 is a Secret.
type PrivateKey struct {
	PKCS8  Secret        // PrivateKeyInfo, DER, RFC 5208
	Signer crypto.Signer // nil when Go does not know the algorithm; the bytes can be converted all the same
}

// Other is an entry that is neither a key nor a trusted certificate.
type Other struct {
	Alias     string
	Created   time.Time // zero when the format does not record it
	Kind      OtherKind
	Raw       []byte // DER of a request, CRL or public key; nil for a secret key, whose bytes are not kept
	Algorithm string // of a secret key, where it could be told
	Bits      int    // of a secret key, 0 when unknown
}

// OtherKind says what an [Other] is.
type OtherKind string

// The kinds of other entries.
const (
	KindRequest   OtherKind = "request"    // PKCS#10, RFC 2986
	KindCRL       OtherKind = "crl"        // RFC 5280 section 5
	KindPublicKey OtherKind = "public-key" // SubjectPublicKeyInfo
	KindSecret    OtherKind = "secret"     // a symmetric key
)

// Integrity says whether the whole of a file was vouched for by its password.
type Integrity string

// The states of integrity.
const (
	IntegrityVerified  Integrity = "verified"  // the checksum or MAC fits the password
	IntegrityUnchecked Integrity = "unchecked" // there is one, but no password was given
	IntegrityAbsent    Integrity = "absent"    // the file, or its format, has none
	IntegrityFailed    Integrity = "failed"    // only in reports: Decode returns an error instead
)

// Protection describes one protected part of a file.
type Protection struct {
	Part       string // "mac", "key", "certificates"
	Alias      string // of the entry, where the part belongs to one
	Algorithm  string // as people know it: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC"
	OID        string // dotted, of the outermost algorithm
	Iterations int    // of the key derivation; scrypt's N; 0 where there is none
	Weak       string // why it is weak by today's measure, "" when it is not
}

// Problem is something odd about a file that did not keep it from being read.
type Problem struct {
	Code     string // stable, kebab-case: "trailing-bytes", "key-leaf-mismatch"
	Severity string // "error", "warning" or "notice"
	Entry    string // the alias it is about, "" for the whole file
	Text     string // one sentence for a person
}
