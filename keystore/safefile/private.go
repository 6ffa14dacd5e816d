package safefile

import "bytes"

// looksPrivate reports whether the first bytes of a file may be a private key or a store of them. It errs on the
// side of yes: the price is a needless backup, while a no may cost somebody the only copy of a key.
func looksPrivate(head []byte) bool {
	switch {
	case len(head) >= sniffBytes:
		return true // too long to know
	case bytes.Contains(head, []byte("PRIVATE KEY")):
		return true // PEM, RFC 7468 sections 10 and 11 and OpenSSL's older labels
	case bytes.HasPrefix(head, []byte{0xFE, 0xED, 0xFE, 0xED}), bytes.HasPrefix(head, []byte{0xCE, 0xCE, 0xCE, 0xCE}):
		return true // JKS, JCEKS
	default:
		return derLooksPrivate(head)
	}
}

// derLooksPrivate looks at the first element inside the outer SEQUENCE. A version INTEGER there is a PKCS#8 or PKCS#1
// (0), SEC 1 (1) or PKCS12 (3) file; a SEQUENCE that begins with an OBJECT IDENTIFIER is an encrypted PKCS#8 key, or a
// bare public key. Certificates, CRLs and requests have none of them in that place.
func derLooksPrivate(head []byte) bool {
	inner, ok := enterSequence(head)
	if !ok || len(inner) == 0 {
		return false
	}
	if inner[0] == 0x02 {
		return true
	}
	deeper, ok := enterSequence(inner)
	return ok && len(deeper) > 0 && deeper[0] == 0x06
}

// enterSequence returns what follows the header of the SEQUENCE that b begins with, in BER or DER.
func enterSequence(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0] != 0x30 {
		return nil, false
	}
	header := 2
	if b[1] > 0x80 {
		header += int(b[1] & 0x7F)
	}
	if header > len(b) {
		return nil, false
	}
	return b[header:], true
}
