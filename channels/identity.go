package channels

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// ErrNoIdentity is the kind of error that [UserOf] returns: the certificate may be valid, but it names nobody.
var ErrNoIdentity = errors.New("the certificate names no user")

// Tags of GeneralName, RFC 5280 section 4.2.1.6.
const (
	tagEmail = 1
	tagDNS   = 2
	tagURI   = 6
)

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// UserOf returns the user name that a verified client certificate gives under a rule that reads one from it. A
// certificate without such a name, with several of them, or with one that is empty, not UTF-8 or holds control
// characters is no identity: the error wraps [ErrNoIdentity]. Names are taken as they are encoded.
func UserOf(source UserSource, cert *x509.Certificate) (string, error) {
	var names []string
	var what string
	switch source {
	case UserCN:
		what = "common name"
		subject, err := keystore.ParseName(cert.RawSubject)
		if err != nil {
			return "", fmt.Errorf("%w: its subject cannot be read: %w", ErrNoIdentity, err)
		}
		names = subject.Values(keystore.OIDCommonName)
		if subject.Has(keystore.OIDCommonName) && len(names) == 0 {
			return "", fmt.Errorf("%w: its common name is not text", ErrNoIdentity)
		}
	case UserSubject:
		what = "subject"
		subject, err := keystore.RFC2253(cert.RawSubject)
		if err != nil {
			return "", fmt.Errorf("%w: its subject cannot be read: %w", ErrNoIdentity, err)
		}
		names = []string{subject}
	case UserSANDNS:
		what, names = "DNS name", generalNames(cert, tagDNS)
	case UserSANURI:
		what, names = "URI", generalNames(cert, tagURI)
	case UserSANEmail:
		what, names = "e-mail address", generalNames(cert, tagEmail)
	default:
		return "", fmt.Errorf("%w: %q does not read one from it", ErrNoIdentity, source)
	}
	if len(names) != 1 {
		return "", fmt.Errorf("%w: it has %d of the kind %q, and exactly one is wanted", ErrNoIdentity, len(names), what)
	}
	if name := names[0]; name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", fmt.Errorf("%w: its %s is empty or holds control characters", ErrNoIdentity, what)
	}
	return names[0], nil
}

// generalNames returns the subject alternative names of one type as they are encoded; Go's own URIs are re-spelt.
func generalNames(cert *x509.Certificate, tag int) []string {
	var names []string
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(oidSubjectAltName) {
			continue
		}
		var seq []asn1.RawValue
		if _, err := asn1.Unmarshal(ext.Value, &seq); err != nil {
			return nil
		}
		for _, v := range seq {
			if v.Class == asn1.ClassContextSpecific && v.Tag == tag {
				names = append(names, string(v.Bytes))
			}
		}
	}
	return names
}

// MayName reports whether the CA of a trust entry may name this user.
func (t Trust) MayName(user string) bool {
	if t.Users == "" {
		return t.CA == Self
	}
	return MatchUser(t.Users, user)
}

// Self stands in a Trust for the PKI that the model lies in.
const Self = "self"

// clientIDEnds are the characters that may follow the user name in a client id under [ClientIDPrefix].
const clientIDEnds = "-_.:/"

// ClientIDAllowed reports whether a user may connect with a client id, as far as the names alone decide: under
// [ClientIDOwned] and [ClientIDAny] every id passes, and who owns a session is the broker's to know. Ids that
// [ClientIDPrefix] lets several users have (user "a", id "a-b", user "a-b") are the broker's to keep apart too.
func ClientIDAllowed(rule ClientIDRule, user, id string) bool {
	switch rule {
	case ClientIDOwned, ClientIDAny:
		return true
	case ClientIDEqual:
		return user != "" && id == user
	case ClientIDPrefix:
		rest, ok := strings.CutPrefix(id, user)
		return user != "" && ok && (rest == "" || strings.IndexByte(clientIDEnds, rest[0]) >= 0)
	}
	return false
}

// userName is what a user may be called without a doubt in any broker.
var userName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// SafeUserName reports whether a name means the same to every broker: letters, digits, dot, underscore and hyphen,
// beginning with a letter or digit, at most 64 bytes.
func SafeUserName(name string) bool { return userName().MatchString(name) }
