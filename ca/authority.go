package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/mqttpki/mqttpki/ca/lint"
	"github.com/mqttpki/mqttpki/keystore"
)

// Authority signs. It is a CA's certificate, its key, and the CAs above it, and is safe for use by several goroutines
// as far as the random it was given is.
type Authority struct {
	chain  []*x509.Certificate // own certificate first, the root last
	key    crypto.Signer
	now    func() time.Time
	random io.Reader
}

// NewAuthority returns an Authority that signs as chain[0]; the CAs above it follow, the root last. Validity starts
// from now(); serials are read from random. It fails with ErrPolicy when key does not belong to the certificate, the
// certificate may not sign others, or the chain does not hold together.
func NewAuthority(chain []*x509.Certificate, key crypto.Signer, now func() time.Time, random io.Reader) (*Authority, error) {
	if len(chain) == 0 || key == nil {
		return nil, fmt.Errorf("opening a CA: %w", policy("certificate or key is missing"))
	}
	if !samePublic(key.Public(), chain[0].PublicKey) {
		return nil, fmt.Errorf("opening CA %s: %w", shortQuote(chain[0].Subject.String()), policy("the key is not the certificate's"))
	}
	if err := checkCAChain(chain); err != nil {
		return nil, fmt.Errorf("opening CA %s: %w", shortQuote(chain[0].Subject.String()), err)
	}
	return &Authority{chain: chain, key: key, now: now, random: random}, nil
}

// checkCAChain checks that each certificate is a CA's and signed by the next.
func checkCAChain(chain []*x509.Certificate) error {
	for i, c := range chain {
		switch {
		case !c.BasicConstraintsValid || !c.IsCA:
			return policy("it is no CA certificate (basicConstraints, RFC 5280 section 4.2.1.9)")
		case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
			return policy("its keyUsage does not allow to sign certificates")
		case c.MaxPathLen >= 0 && (c.MaxPathLen > 0 || c.MaxPathLenZero) && i > c.MaxPathLen:
			return policy("%s allows %d CAs below it, but has %d", shortQuote(c.Subject.String()), c.MaxPathLen, i)
		}
		if i+1 < len(chain) {
			if !bytes.Equal(c.RawIssuer, chain[i+1].RawSubject) {
				return policy("%s did not sign %s", shortQuote(chain[i+1].Subject.String()), shortQuote(c.Subject.String()))
			}
			if err := c.CheckSignatureFrom(chain[i+1]); err != nil {
				return policy("%s did not sign %s: %v", shortQuote(chain[i+1].Subject.String()), shortQuote(c.Subject.String()), err)
			}
		}
	}
	return nil
}

// Certificate is the one that Authority signs as.
func (a *Authority) Certificate() *x509.Certificate { return a.chain[0] }

// Issuers are the certificate and the CAs above it, nearest first, root last.
func (a *Authority) Issuers() []*x509.Certificate { return a.chain }

// Chain is what follows a leaf in its chain: the intermediates, without the root, which the other side has to have.
func (a *Authority) Chain() []keystore.Certificate {
	var chain []keystore.Certificate
	for _, c := range a.chain {
		if !keystore.SelfIssued(c) {
			chain = append(chain, keystore.Certificate{Raw: c.Raw, X509: c})
		}
	}
	return chain
}

// Root is the anchor that others are to trust.
func (a *Authority) Root() keystore.Certificate {
	root := a.chain[len(a.chain)-1]
	return keystore.Certificate{Raw: root.Raw, X509: root}
}

// Prepare is the function [Prepare] for this authority, now.
func (a *Authority) Prepare(profile Profile, req Request) (*Prepared, error) {
	return Prepare(profile, req, a.chain, a.now())
}

// NewSerial draws a serial number: 159 random bits, the most that RFC 5280 section 4.1.2.2 has room for. Those few that
// would take fewer than 20 bytes are drawn again, so that all entries of a CRL have one size.
func NewSerial(random io.Reader) (*big.Int, error) {
	var b [20]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return nil, fmt.Errorf("drawing a serial number: %w", err)
		}
		b[0] &= 0x7f
		if b[0] != 0 {
			return new(big.Int).SetBytes(b[:]), nil
		}
	}
}

// Sign signs what was prepared under a serial that was reserved for it, and reads the result back: a signature that a
// fault spoilt, or a certificate that differs from its template, never leaves.
func (a *Authority) Sign(p *Prepared, serial *big.Int) (*x509.Certificate, error) {
	cert, err := sign(p.Template, a.chain[0], serial, a.key, a.random)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate for %s %s: %w", p.Role, shortQuote(p.Name), err)
	}
	return cert, nil
}

// sign makes the certificate of a template. With the template as its own parent it is self-signed.
func sign(template, parent *x509.Certificate, serial *big.Int, key crypto.Signer, random io.Reader) (*x509.Certificate, error) {
	filled := *template
	filled.SerialNumber = serial
	if err := lintError(lint.Serial(serial)); err != nil {
		return nil, err
	}
	if parent == template {
		parent = &filled
	}
	der, err := x509.CreateCertificate(random, &filled, parent, template.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(cert.RawSubject, template.RawSubject) || !samePublic(cert.PublicKey, template.PublicKey) ||
		!bytes.Equal(cert.AuthorityKeyId, template.AuthorityKeyId) {
		return nil, policy("the signed certificate is not what was prepared")
	}
	return cert, nil
}
