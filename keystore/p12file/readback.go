package p12file

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"unicode/utf8"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/mqttpki/mqttpki/keystore"
)

// Confirm shows a file to go-pkcs12, if it is of a kind that library knows: one key with certificates, or nothing but
// trusted certificates; see [keystore.Codec]. The library shows no aliases, so keys and certificates are what is compared.
func (Codec) Confirm(data []byte, s *keystore.Store, opts keystore.EncodeOptions) error {
	p, err := planFor(opts)
	if err != nil {
		return err
	}
	password, ok := libraryPassword(p)
	if !ok || !parsable(s) {
		return nil
	}
	var want, got []*x509.Certificate
	switch {
	case len(s.Identities) == 1 && len(s.Identities[0].Chain) > 0:
		var key any
		var leaf *x509.Certificate
		if key, leaf, got, err = pkcs12.DecodeChain(data, password); err == nil {
			err = compareKey(key, s.Identities[0].Key)
		}
		got = append([]*x509.Certificate{leaf}, got...)
	case len(s.Identities) == 0 && len(s.Anchors) > 0 && len(s.Loose) == 0:
		got, err = pkcs12.DecodeTrustStore(data, password)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: go-pkcs12: %w", keystore.ErrReadBack, err)
	}
	_, certs := entriesOf(s)
	for _, c := range certs {
		want = append(want, c.cert.X509)
	}
	if len(want) != len(got) {
		return fmt.Errorf("%w: go-pkcs12 sees %d certificates, not %d", keystore.ErrReadBack, len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(want[i].Raw, got[i].Raw) {
			return fmt.Errorf("%w: go-pkcs12 sees another certificate", keystore.ErrReadBack)
		}
	}
	return nil
}

// libraryPassword returns the password for go-pkcs12, which takes nothing beyond the Basic Multilingual Plane.
func libraryPassword(p plan) (string, bool) {
	if p.open {
		return "", true
	}
	for _, r := range string(p.password) {
		if r > 0xffff {
			return "", false
		}
	}
	return string(p.password), utf8.Valid(p.password)
}

// parsable reports whether Go's parsers, which the library uses, take every key and certificate.
func parsable(s *keystore.Store) bool {
	for _, id := range s.Identities {
		if id.Key.Signer == nil {
			return false
		}
	}
	_, certs := entriesOf(s)
	for _, c := range certs {
		if c.cert.X509 == nil {
			return false
		}
	}
	return true
}

// compareKey reports a key that is not the wanted one.
func compareKey(key any, want *keystore.PrivateKey) error {
	if k, ok := key.(interface {
		Equal(x crypto.PrivateKey) bool
	}); !ok || !k.Equal(want.Signer) {
		return errors.New("another key")
	}
	return nil
}
