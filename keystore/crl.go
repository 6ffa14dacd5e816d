package keystore

import (
	"crypto/x509"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// SummarizeCRL parses a CRL (RFC 5280 section 5) without its list of revoked certificates, and counts that: a list takes
// x509.ParseRevocationList some forty times its size in memory. What it returns has no entries, and its signature, which
// is over them as well, cannot be checked. Errors wrap [ErrFormat].
func SummarizeCRL(der []byte) (*x509.RevocationList, int, error) {
	malformed := fmt.Errorf("reading a CRL: %w", ErrFormat)
	var outer, tbs, revoked cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&tbs, asn1.SEQUENCE) {
		return nil, 0, malformed
	}
	rest := tbs
	ok := rest.SkipOptionalASN1(asn1.INTEGER) && rest.SkipASN1(asn1.SEQUENCE) && rest.SkipASN1(asn1.SEQUENCE) && // version, algorithm, issuer
		skipTime(&rest) // thisUpdate
	if !ok || isTime(rest) && !skipTime(&rest) {
		return nil, 0, malformed
	}
	head := tbs[:len(tbs)-len(rest)]
	count := 0
	if rest.PeekASN1Tag(asn1.SEQUENCE) {
		if !rest.ReadASN1(&revoked, asn1.SEQUENCE) {
			return nil, 0, malformed
		}
		for ; !revoked.Empty(); count++ {
			if !revoked.SkipASN1(asn1.SEQUENCE) {
				return nil, 0, malformed
			}
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(head)
			b.AddBytes(rest)
		})
		b.AddBytes(outer) // algorithm and signature
	})
	short, err := b.Bytes()
	if err != nil {
		return nil, 0, malformed
	}
	list, err := x509.ParseRevocationList(short)
	if err != nil {
		return nil, 0, fmt.Errorf("reading a CRL: %w: %w", err, ErrFormat)
	}
	return list, count, nil
}

// isTime reports whether a date is next.
func isTime(s cryptobyte.String) bool {
	return s.PeekASN1Tag(asn1.UTCTime) || s.PeekASN1Tag(asn1.GeneralizedTime)
}

// skipTime skips a date.
func skipTime(s *cryptobyte.String) bool {
	if s.PeekASN1Tag(asn1.UTCTime) {
		return s.SkipASN1(asn1.UTCTime)
	}
	return s.SkipASN1(asn1.GeneralizedTime)
}
