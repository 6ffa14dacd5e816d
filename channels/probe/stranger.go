package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"time"
)

// strangerLife is how long a stranger's certificate is good for; the probe lasts seconds.
const strangerLife = 10 * time.Minute

// stranger makes a client certificate that is right in everything but its CA: the CA bears the subject of the broker's
// own trust anchor, so that a broker which compares names in place of signatures is found out. Nothing of it is kept.
func stranger(name string, anchor *x509.Certificate, now time.Time, random io.Reader) (tls.Certificate, error) {
	fail := func(err error) (tls.Certificate, error) {
		return tls.Certificate{}, fmt.Errorf("making a stranger's certificate: %w", err)
	}
	subject := pkix.Name{CommonName: "A stranger's CA"}
	var raw []byte
	if anchor != nil {
		raw = anchor.RawSubject
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return fail(err)
	}
	caTemplate := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject, RawSubject: raw,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	caDER, err := x509.CreateCertificate(random, caTemplate, caTemplate, caKey.Public(), caKey)
	if err != nil {
		return fail(err)
	}
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		return fail(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return fail(err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(random, serial); err != nil {
		return fail(err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(strangerLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		DNSNames: []string{name}, URIs: []*url.URL{{Scheme: "urn", Opaque: "mqttpki:client:" + name}},
	}
	der, err := x509.CreateCertificate(random, template, ca, key.Public(), caKey)
	if err != nil {
		return fail(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, caDER}, PrivateKey: key}, nil
}

// foreignKey is a key that belongs to no certificate.
func foreignKey(random io.Reader) (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), random)
}
