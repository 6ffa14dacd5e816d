// Package inspect describes a decoded store for people and machines: its entries and certificates, how it is
// protected, what is wrong with it, and which programs can read it.
//
// It decodes nothing and prints nothing; the fields and their JSON names are those of `mqttpki inspect --json`
// (docs/json.md). It trusts nothing in the store: all names are data, and whoever prints them to a terminal escapes
// them. No private key or password is in a report.
package inspect

import "time"

// File is the report on one file.
type File struct {
	File       string       `json:"file"`
	Format     string       `json:"format"`     // as Options.Format
	Bytes      int          `json:"bytes"`      // size of the file
	Password   string       `json:"password"`   // "given", "empty", "needed" (more can be seen with one) or "none"
	Integrity  string       `json:"integrity"`  // see keystore.Integrity
	Protection []Protection `json:"protection"` // how the file and its keys are protected; empty: not at all
	Entries    []Entry      `json:"entries"`    // keys, trusted certificates, other certificates, everything else
	Problems   []Problem    `json:"problems"`   // the worst first
	Readers    []Reader     `json:"readers"`    // who can read it
}

// Protection is how one part of the file is protected.
type Protection struct {
	Part       string `json:"part"`            // "mac", "key" or "certificates"
	Alias      string `json:"alias,omitempty"` // of the entry, where the part belongs to one
	Algorithm  string `json:"algorithm"`
	OID        string `json:"oid,omitempty"`
	Iterations int    `json:"iterations,omitempty"` // of the key derivation
	Weak       string `json:"weak,omitempty"`       // why it is weak by today's measure
}

// Entry is one entry of the file.
type Entry struct {
	Alias        string        `json:"alias"` // "" when the format, or the file, has none
	Type         string        `json:"type"`  // key, trusted, certificate, request, crl, secret or public-key
	Created      *time.Time    `json:"created,omitempty"`
	Key          *Key          `json:"key,omitempty"`    // of key, request, secret and public-key entries
	Locked       string        `json:"locked,omitempty"` // why the private key could not be decrypted
	Certificates []Certificate `json:"certificates"`     // of a key: its chain, leaf first
	Request      *Request      `json:"request,omitempty"`
	CRL          *CRL          `json:"crl,omitempty"`
}

// Key describes a key without giving it away.
type Key struct {
	Algorithm    string `json:"algorithm"` // RSA, EC, Ed25519, ...; "" when unknown
	Bits         int    `json:"bits"`      // 0 when unknown
	Curve        string `json:"curve,omitempty"`
	PublicSHA256 string `json:"public_sha256,omitempty"` // of the SubjectPublicKeyInfo, DER
}

// Certificate describes one X.509 certificate. Of one whose extensions Go's parser refuses nothing is told of them, by fields
// that are not there; where not even its outline can be read, it has only its fingerprints.
type Certificate struct {
	Alias              string    `json:"alias,omitempty"` // only where it is not the entry's
	Subject            string    `json:"subject"`
	Issuer             string    `json:"issuer"`
	Serial             string    `json:"serial"` // lower-case hex, without leading zeros
	NotBefore          time.Time `json:"not_before,omitzero"`
	NotAfter           time.Time `json:"not_after,omitzero"`
	DaysLeft           *int      `json:"days_left,omitempty"` // negative when it has expired
	SHA256             string    `json:"sha256"`
	SHA1               string    `json:"sha1"`
	SubjectKeyID       string    `json:"subject_key_id,omitempty"`   // hex; what the certificates it issued call it
	AuthorityKeyID     string    `json:"authority_key_id,omitempty"` // hex; of the key that signed it
	SANs               []string  `json:"sans,omitzero"`              // "dns:a.example", "ip:192.0.2.1", "uri:...", "email:..."
	KeyUsage           []string  `json:"key_usage,omitzero"`         // RFC 5280 section 4.2.1.3
	EKU                []string  `json:"eku,omitzero"`               // serverAuth, clientAuth, ..., or a dotted OID
	IsCA               *bool     `json:"is_ca,omitempty"`
	PathLength         *int      `json:"path_length,omitempty"` // of a CA: how many CAs may follow; absent: any number
	CRLs               []string  `json:"crl_urls,omitzero"`
	OCSP               []string  `json:"ocsp_urls,omitzero"`
	Role               string    `json:"role,omitempty"` // ca, server, client, server+client, any (no EKU limits it) or other
	SelfSigned         bool      `json:"self_signed"`    // subject and issuer are the same
	Key                Key       `json:"key"`
	SignatureAlgorithm string    `json:"signature_algorithm"`
}

// Request describes a certificate request (PKCS#10).
type Request struct {
	Subject            string   `json:"subject"`
	SANs               []string `json:"sans"`
	SignatureAlgorithm string   `json:"signature_algorithm"`
	SignatureValid     bool     `json:"signature_valid"`               // it was made with the key it asks a certificate for
	SignatureUnchecked bool     `json:"signature_unchecked,omitempty"` // that cannot be told, for the algorithm or the size of the key
}

// CRL describes a certificate revocation list.
type CRL struct {
	Issuer     string     `json:"issuer"`
	Number     string     `json:"number,omitempty"` // decimal
	ThisUpdate time.Time  `json:"this_update"`
	NextUpdate *time.Time `json:"next_update,omitempty"`
	Revoked    int        `json:"revoked"` // number of certificates on it
}

// Severity says how bad a problem is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // somebody will refuse the file or what is in it
	Warning Severity = "warning" // works today, and should not be left so
	Notice  Severity = "notice"  // worth knowing
)

// Problem is something about the file that a person should know.
type Problem struct {
	Code     string   `json:"code"` // stable, kebab-case
	Severity Severity `json:"severity"`
	Entry    string   `json:"entry,omitempty"`
	Text     string   `json:"text"` // one sentence
}

// Answer says whether a program reads the file.
type Answer string

// The answers.
const (
	Yes  Answer = "yes"
	No   Answer = "no"
	Flag Answer = "flag" // with an option or a step that Reader.Why names
)

// Reader is one program's answer.
type Reader struct {
	Program string `json:"program"`
	Version string `json:"version"` // "17", "3.0", ...; "" where the rule is about all
	Reads   Answer `json:"reads"`
	Why     string `json:"why,omitempty"`    // what decides it, the option to give, or on what a yes depends
	Source  string `json:"source,omitempty"` // where the rule comes from: measured with a version, or a document
}
