package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// newKey makes a key of an algorithm, "EC" (P-256) or "RSA" (2048 bits).
func newKey(algorithm string) (crypto.Signer, error) {
	if algorithm == "RSA" {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// party is a certificate with its key.
type party struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newParty makes a certificate for key, signed by issuer, or a CA's that signs itself where that is nil.
func newParty(cn string, serial int64, key crypto.Signer, issuer *party) (*party, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: cn, Organization: []string{"Bench"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: issuer == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if issuer != nil {
		template.DNSNames = []string{cn}
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &party{cert: cert, key: key}, err
}

// identity is the party with its issuer as the entry of a store.
func (p *party) identity(alias string, issuer *party) (keystore.Identity, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return keystore.Identity{}, err
	}
	key, err := keystore.NewPrivateKey(der)
	if err != nil {
		return keystore.Identity{}, err
	}
	return keystore.Identity{Alias: alias, Key: key, Chain: []keystore.Certificate{
		keystore.NewCertificate(p.cert.Raw), keystore.NewCertificate(issuer.cert.Raw),
	}}, nil
}

// number is what tells the certificates of trusted apart: a text of one length in their subjects, and in their serials.
const number = "0000000"

// trusted makes n CA certificates under names of their own. One is made; the others are copies with another number in its
// subject, issuer and serial, whose signatures nobody checks: a root's proves nothing.
func trusted(n int) ([]keystore.Anchor, error) {
	key, err := newKey("RSA")
	if err != nil {
		return nil, err
	}
	serial := new(big.Int).SetBytes([]byte("N" + number))
	first, err := newParty("Bench CA "+number, serial.Int64(), key, nil)
	if err != nil {
		return nil, err
	}
	if found := bytes.Count(first.cert.Raw, []byte(number)); found != 3 {
		return nil, fmt.Errorf("making certificates: the number stands in %d places, not in 3", found)
	}
	list := make([]keystore.Anchor, n)
	for i := range list {
		text := fmt.Sprintf("%0*d", len(number), i)
		der := bytes.ReplaceAll(first.cert.Raw, []byte(number), []byte(text))
		list[i] = keystore.Anchor{Alias: "ca-" + text, Certificate: keystore.NewCertificate(der)}
	}
	return list, nil
}
