package convert

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Selector picks entries by one of their properties; make one with [ParseSelector].
type Selector struct {
	field   string // a key of selectorFields
	pattern string // lower case, and without what does not count
	text    string // as it was given, for messages
}

// selectorFields are what entries may be selected by. Parse takes what follows the "=", in lower case, and returns what
// matches is given, or why it is no pattern; alias is the entry's, "" when it has none.
var selectorFields = map[string]struct {
	parse   func(pattern string) (string, error)
	matches func(pattern, alias string, e Entry, now time.Time) bool
}{
	"alias": {parseAliasPattern, matchesAlias},
	"type": {parseType, func(p, _ string, e Entry, _ time.Time) bool {
		return string(e.Type) == p || e.unnamed && p == string(TypeCertificate)
	}},
	"subject": {parseName, func(p, _ string, e Entry, _ time.Time) bool {
		return e.Certificate != nil && nameHas(e.Certificate.Subject(), p)
	}},
	"issuer": {parseName, func(p, _ string, e Entry, _ time.Time) bool {
		return e.Certificate != nil && nameHas(e.Certificate.Issuer(), p)
	}},
	"serial": {parseSerial, matchesSerial},
	"sha256": {parseFingerprint(sha256.Size), func(p, _ string, e Entry, _ time.Time) bool {
		return e.Certificate != nil && beginsSHA256(e.Certificate.Raw, p)
	}},
	"sha1":          {parseFingerprint(sha1.Size), matchesSHA1},
	"public_sha256": {parseFingerprint(sha256.Size), func(p, _ string, e Entry, _ time.Time) bool { return beginsSHA256(e.publicKey(), p) }},
	"expired":       {parseYesNo, matchesExpired},
}

// ParseSelector reads FIELD=PATTERN; a bare word is an alias. Case does not count anywhere, since it does not in Java's
// stores. The fields are:
//
//   - alias, with the wildcards * ? and [...] of path.Match;
//   - type, one of key, trusted, certificate, request, crl, public-key and secret;
//   - subject and issuer, searched for the text, which may be spelled as keytool, openssl or inspect print it;
//   - serial in hex; sha256 and sha1, the fingerprints of the certificate, and public_sha256, that of the public key (also
//     of a key without a certificate): with or without colons, and cut short to eight digits or more;
//   - expired, yes or no.
//
// Of a key the certificate is its leaf. Errors wrap [ErrSelector].
func ParseSelector(text string) (Selector, error) {
	field, pattern, found := strings.Cut(text, "=")
	if _, known := selectorFields[field]; !found || !known { // a bare alias, which may hold a "=" itself
		field, pattern = "alias", text
	}
	if pattern == "" {
		return Selector{}, fmt.Errorf("%w: %q says nothing of what to select", ErrSelector, text)
	}
	parsed, err := selectorFields[field].parse(strings.ToLower(pattern))
	if err != nil {
		return Selector{}, fmt.Errorf("%w: %q: %w", ErrSelector, text, err)
	}
	return Selector{field, parsed, text}, nil
}

// SelectorFields lists what [ParseSelector] takes before the pattern, "=" included, for completion.
func SelectorFields() []string {
	var fields []string
	for field := range selectorFields {
		fields = append(fields, field+"=")
	}
	slices.Sort(fields)
	return fields
}

// String returns the selector as it was given.
func (s Selector) String() string { return s.text }

// matches reports whether the selector picks the entry of this alias.
func (s Selector) matches(alias string, e Entry, now time.Time) bool {
	return selectorFields[s.field].matches(s.pattern, alias, e, now)
}

func parseAliasPattern(pattern string) (string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return "", errors.New("an unfinished pattern")
	}
	return pattern, nil
}

func matchesAlias(pattern, alias string, _ Entry, _ time.Time) bool {
	if strings.EqualFold(alias, pattern) { // an alias that holds a wildcard character itself
		return true
	}
	// path.Match stops a star at slashes, which mean nothing in an alias.
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(strings.ToLower(alias), "/", "\x00"))
	return ok && alias != ""
}

func parseType(pattern string) (string, error) {
	known := []string{string(TypeKey), string(TypeTrusted), string(TypeCertificate), string(keystore.KindRequest),
		string(keystore.KindCRL), string(keystore.KindPublicKey), string(keystore.KindSecret)}
	if !slices.Contains(known, pattern) {
		return "", fmt.Errorf("a type is one of %s", strings.Join(known, ", "))
	}
	return pattern, nil
}

// parseName takes a part of a distinguished name. Openssl's /O=Plant/CN=root is turned round, as inspect prints names.
func parseName(pattern string) (string, error) {
	if parts := strings.Split(pattern, "/"); len(parts) > 1 && parts[0] == "" && strings.Contains(parts[1], "=") {
		parts = parts[1:]
		slices.Reverse(parts)
		pattern = strings.Join(parts, ",")
	}
	return plainName(pattern), nil
}

// nameHas reports whether a name, as inspect prints it, has a part that [parseName] returned.
func nameHas(name, part string) bool { return strings.Contains(plainName(strings.ToLower(name)), part) }

// plainName leaves out what programs put around the commas and equal signs of names each in their own way.
func plainName(name string) string {
	return strings.NewReplacer(", ", ",", " = ", "=").Replace(name)
}

func parseSerial(pattern string) (string, error) {
	hexDigits := strings.TrimLeft(strings.ReplaceAll(strings.TrimPrefix(pattern, "0x"), ":", ""), "0")
	if strings.Trim(hexDigits, "0123456789abcdef") != "" {
		return "", errors.New("a serial is in hex")
	}
	return hexDigits, nil
}

func matchesSerial(pattern, _ string, e Entry, _ time.Time) bool {
	if e.Certificate == nil || e.Certificate.X509 == nil {
		return false
	}
	return strings.TrimLeft(e.Certificate.X509.SerialNumber.Text(16), "0") == pattern
}

// parseFingerprint takes the hex of a hash of so many bytes, or its beginning.
func parseFingerprint(size int) func(string) (string, error) {
	return func(pattern string) (string, error) {
		digits := strings.NewReplacer(":", "", " ", "").Replace(pattern)
		if strings.Trim(digits, "0123456789abcdef") != "" || len(digits) < 8 || len(digits) > 2*size {
			return "", fmt.Errorf("it takes 8 to %d hex digits", 2*size)
		}
		return digits, nil
	}
}

func beginsSHA256(data []byte, pattern string) bool {
	sum := sha256.Sum256(data)
	return len(data) > 0 && strings.HasPrefix(hex.EncodeToString(sum[:]), pattern)
}

func matchesSHA1(pattern, _ string, e Entry, _ time.Time) bool {
	if e.Certificate == nil {
		return false
	}
	sum := sha1.Sum(e.Certificate.Raw)
	return strings.HasPrefix(hex.EncodeToString(sum[:]), pattern)
}

// publicKey is the SubjectPublicKeyInfo of the entry's key or certificate, nil when it is not known.
func (e *Entry) publicKey() []byte {
	if e.key != nil && e.key.Signer != nil {
		if spki, err := x509.MarshalPKIXPublicKey(e.key.Signer.Public()); err == nil {
			return spki
		}
	}
	if e.Certificate != nil && e.Certificate.X509 != nil {
		return e.Certificate.X509.RawSubjectPublicKeyInfo
	}
	return nil
}

func parseYesNo(pattern string) (string, error) {
	if pattern != "yes" && pattern != "no" {
		return "", errors.New("it is yes or no")
	}
	return pattern, nil
}

func matchesExpired(pattern, _ string, e Entry, now time.Time) bool {
	if e.Certificate == nil || e.Certificate.X509 == nil {
		return false
	}
	return now.After(e.Certificate.X509.NotAfter) == (pattern == "yes")
}
