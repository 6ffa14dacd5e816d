package inventory

import (
	"fmt"
	"strings"
	"time"
)

// State is where in its life a certificate is.
type State string

// The states. Expired is never stored: it is what an issued entry becomes when its time is over.
const (
	Reserved   State = "reserved"   // a serial is taken, nothing is signed as far as anybody knows
	Pending    State = "pending"    // signed and recorded with its bytes; its files may not be on the disk yet
	Issued     State = "issued"     // its files are on the disk
	Revoked    State = "revoked"    // belongs on the CRL until it expires
	Superseded State = "superseded" // renewed: another certificate took its name; still valid until it expires
	Abandoned  State = "abandoned"  // never came to be used; its key is gone, or it was never signed
	Expired    State = "expired"    // issued, and past its notAfter
)

// States are all of them, in the order of life.
func States() []State {
	return []State{Reserved, Pending, Issued, Expired, Superseded, Revoked, Abandoned}
}

// ParseState returns the state of that name.
func ParseState(name string) (State, error) {
	for _, s := range States() {
		if string(s) == name {
			return s, nil
		}
	}
	return "", fmt.Errorf("reading state %q: there is no such state", name)
}

// Entry is one certificate's record.
type Entry struct {
	ID       int64  // counts up in the order of issue
	Serial   string // lower-case hex without leading zeros or colons
	Issuer   string // who signs, as the caller names its authorities
	Name     string // the identity's true name
	Role     string // "server", "client", ...: the caller's words
	State    State  // as stored; see StateAt
	Replaces int64  // id of the entry that this one renews, 0 for none
	Note     string // free text of the caller

	// From here on set when the certificate is recorded.

	Subject   string    // RFC 2253, most specific part first
	SANs      []string  // "dns:a.example", "ip:127.0.0.1", "uri:urn:x", "email:a@b", in this order
	Files     []string  // what was written for it, relative to the PKI, with forward slashes
	NotBefore time.Time // UTC, whole seconds; zero before the certificate is recorded
	NotAfter  time.Time // UTC, whole seconds; zero before the certificate is recorded
	SHA256    string    // fingerprint of the DER, lower-case hex
	KeySHA256 string    // fingerprint of the SubjectPublicKeyInfo, lower-case hex

	ReservedAt time.Time // UTC, whole seconds
	IssuedAt   time.Time // zero unless its files were once complete
	RevokedAt  time.Time // zero unless revoked
	Reason     Reason    // of the revocation
}

// StateAt returns the state, with Expired for what was issued and is past its time.
func (e *Entry) StateAt(now time.Time) State {
	if e.State == Issued && e.NotAfter.Before(now) {
		return Expired
	}
	return e.State
}

// Live reports whether the entry holds its name at the given time.
func (e *Entry) Live(now time.Time) bool {
	switch e.State {
	case Reserved:
		return true
	case Pending, Issued:
		return !e.NotAfter.Before(now)
	default:
		return false
	}
}

// Reason is a CRLReason of RFC 5280 section 5.3.1.
type Reason int

// reasons are the ones that may be given here. Code 7 is unused, 8 (removeFromCRL) is for delta CRLs, and 6
// (certificateHold) can be taken back, which an inventory that forgets nothing does not offer.
var reasons = map[Reason]string{
	0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
	5: "cessationOfOperation", 9: "privilegeWithdrawn", 10: "aACompromise",
}

// Reasons are the reasons' names in the order of their codes.
func Reasons() []string {
	var names []string
	for code := Reason(0); code <= 10; code++ {
		if name, ok := reasons[code]; ok {
			names = append(names, name)
		}
	}
	return names
}

// ParseReason reads a reason's name as RFC 5280 or openssl spell it: case and hyphens do not matter.
func ParseReason(name string) (Reason, error) {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for code, known := range reasons {
		if plain(known) == plain(name) {
			return code, nil
		}
	}
	return 0, fmt.Errorf("reading reason %q: one of %s is needed", name, strings.Join(Reasons(), ", "))
}

// String returns the name that RFC 5280 gives the reason.
func (r Reason) String() string {
	if name, ok := reasons[r]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", int(r))
}

// Fold takes case out of a name: two names with the same fold could not stand side by side on Windows or macOS, nor
// be told apart by a person.
func Fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
