// Package revoke makes certificate revocation lists (RFC 5280 section 5): complete ones, signed by the CA whose
// certificates they list.
//
// It knows neither inventory nor files: entries come as a stream, the number from the caller, who must never use one
// twice.
package revoke

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"time"
)

// Entry is one revoked certificate.
type Entry struct {
	Serial    *big.Int
	RevokedAt time.Time
	Reason    int // CRLReason, RFC 5280 section 5.3.1; 0 (unspecified) is left out of the list
}

// List is what a CRL says about itself.
type List struct {
	Number     *big.Int // RFC 5280 section 5.2.3; above every earlier one, at most 20 bytes
	ThisUpdate time.Time
	NextUpdate time.Time
}

// Sign makes a CRL, DER, of all entries in the order given, and returns it with their number. An error of the stream
// ends it. The issuer needs the cRLSign usage or no keyUsage at all, and gets the key identifier keyID where its certificate has none.
func Sign(random io.Reader, issuer *x509.Certificate, keyID []byte, key crypto.Signer, list List, entries iter.Seq2[Entry, error]) ([]byte, int, error) {
	if err := list.check(); err != nil {
		return nil, 0, fmt.Errorf("signing a CRL: %w", err)
	}
	template := &x509.RevocationList{
		Number:     list.Number,
		ThisUpdate: list.ThisUpdate.UTC().Truncate(time.Second),
		NextUpdate: list.NextUpdate.UTC().Truncate(time.Second),
	}
	for e, err := range entries {
		if err != nil {
			return nil, 0, fmt.Errorf("signing a CRL: %w", err)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: e.Serial, RevocationTime: e.RevokedAt.UTC().Truncate(time.Second), ReasonCode: e.Reason,
		})
	}
	identified := *issuer
	if len(identified.SubjectKeyId) == 0 {
		identified.SubjectKeyId = keyID
	}
	if identified.KeyUsage == 0 { // allows everything (RFC 5280 section 4.2.1.3), which Go does not know here
		identified.KeyUsage = x509.KeyUsageCRLSign
	}
	if identified.KeyUsage == 0 { // without the extension nothing is forbidden (RFC 5280 section 4.2.1.3): keytool's CAs
		identified.KeyUsage = x509.KeyUsageCRLSign
	}
	der, err := x509.CreateRevocationList(random, template, &identified, key)
	if err != nil {
		return nil, 0, fmt.Errorf("signing a CRL: %w", err)
	}
	// Go checks certificates it signed, but not CRLs: a fault must not leave as a signature.
	parsed, err := x509.ParseRevocationList(der)
	if err == nil {
		err = parsed.CheckSignatureFrom(issuer)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("signing a CRL: reading it back: %w", err)
	}
	return der, len(template.RevokedCertificateEntries), nil
}

func (l List) check() error {
	switch {
	case l.Number == nil || l.Number.Sign() < 0 || l.Number.BitLen() > 159:
		return errors.New("the CRL number has to be positive and of at most 20 bytes (RFC 5280 section 5.2.3)")
	case !l.ThisUpdate.Before(l.NextUpdate):
		return errors.New("nextUpdate is not behind thisUpdate (RFC 5280 section 5.1.2.5)")
	}
	return nil
}

// PEM wraps a CRL as files hold it.
func PEM(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}) }
