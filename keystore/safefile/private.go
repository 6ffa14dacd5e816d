package safefile

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

// looksPrivate reports whether the first bytes of a file may hold a private key or another secret. It is so unless the
// file is known to hold none: certificates, requests, CRLs and public keys, and text in which nothing looks as random as a
// key does. The price of a wrong yes is a needless backup, while a wrong no may cost somebody the only copy of a key, in
// whichever of the many formats there are.
func looksPrivate(head []byte) bool {
	switch {
	case len(head) == 0:
		return false
	case len(head) >= sniffBytes:
		return true // too long to know
	case keystore.Signed(head), isBundle(head):
		return false
	case !utf8.Valid(head), bytes.IndexByte(head, 0) >= 0:
		return true // no text
	}
	rest := publicBlock.ReplaceAll(head, nil)
	for _, mark := range []string{"-----BEGIN ", `"kty"`, "PuTTY-User-Key-File"} { // PEM, JWK (RFC 7517), PuTTY
		if bytes.Contains(rest, []byte(mark)) {
			return true
		}
	}
	for _, run := range randomRun.FindAll(rest, -1) {
		if looksRandom(run) {
			return true
		}
	}
	return false
}

// isBundle reports whether a file in DER or BER begins as a SignedData of PKCS#7, which holds certificates and CRLs.
func isBundle(head []byte) bool {
	content, _ := ber.Begin(head)
	return bytes.HasPrefix(content, []byte("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"))
}

// publicBlock matches a block of PEM that holds nothing private.
var publicBlock = regexp.MustCompile(`-----BEGIN (?:(?:X509 |TRUSTED )?CERTIFICATE|(?:NEW )?CERTIFICATE REQUEST|X509 CRL|(?:RSA )?PUBLIC KEY|PKCS7|CMS|EC PARAMETERS|DH PARAMETERS)-----[A-Za-z0-9+/=\s]*-----END [A-Z0-9 ]+-----`)

// randomRun matches what is as long as the shortest keys are in base64, its form for URLs, or hexadecimal.
var randomRun = regexp.MustCompile(`[A-Za-z0-9+/=_-]{32,}`)

// looksRandom tells what may be a key from long names and paths: it has letters of both cases and digits, or is hexadecimal.
func looksRandom(run []byte) bool {
	var upper, lower, digit bool
	hex := true
	for _, c := range run {
		upper = upper || c >= 'A' && c <= 'Z'
		lower = lower || c >= 'a' && c <= 'z'
		digit = digit || c >= '0' && c <= '9'
		hex = hex && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
	}
	return digit && (hex || upper && lower)
}
