package ca

import (
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/mqttpki/mqttpki/ca/lint"
	"github.com/mqttpki/mqttpki/keystore"
)

// SelfSign makes a certificate that no CA stands behind: each side has to be given the other's. It is a leaf like those
// of [Prepare], with itself as issuer, and is recorded nowhere. It fails with ErrPolicy.
func SelfSign(profile Profile, req Request, key *keystore.PrivateKey, now time.Time, random io.Reader) (*x509.Certificate, []Notice, error) {
	cert, notices, err := selfSign(profile, req, key, now, random)
	if err != nil {
		return nil, nil, fmt.Errorf("self-signing a certificate for %s %s: %w", req.Role, shortQuote(req.Name), err)
	}
	return cert, notices, nil
}

func selfSign(profile Profile, req Request, key *keystore.PrivateKey, now time.Time, random io.Reader) (*x509.Certificate, []Notice, error) {
	if _, err := ParseRole(string(req.Role)); err != nil {
		return nil, nil, err
	}
	if key == nil || key.Signer == nil {
		return nil, nil, policy("the key's algorithm is unknown")
	}
	req.PublicKey = key.Signer.Public()
	p := &Prepared{Role: req.Role, Name: req.Name}
	t, err := p.leaf(profile, req, nil)
	if err != nil {
		return nil, nil, err
	}
	p.Template = t
	// With an issuer that never ends, nothing is cut.
	unlimited := &x509.Certificate{NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	if err := p.setValidity(profile, req, unlimited, now); err != nil {
		return nil, nil, err
	}
	t.AuthorityKeyId = t.SubjectKeyId
	if err := lintError(lint.SelfSigned(t)); err != nil {
		return nil, nil, err
	}
	serial, err := NewSerial(random)
	if err != nil {
		return nil, nil, err
	}
	cert, err := sign(t, t, serial, key.Signer, random)
	return cert, p.Notices, err
}
