package ca

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"path/filepath"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// maxOwnFile bounds what is read from the folder itself: one key or a few certificates.
const maxOwnFile = 1 << 20

// CertificatePEM returns certificates as PEM, in the order given.
func CertificatePEM(certs ...keystore.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// KeyPEM returns a key as PKCS#8 PEM: encrypted (PBES2, PBKDF2-HMAC-SHA256, AES-256) under a password, plain where
// there is none (nil). Iterations 0 means [pbe]'s default for keys at rest, 600,000.
func KeyPEM(key *keystore.PrivateKey, password keystore.Secret, iterations int, random io.Reader) ([]byte, error) {
	if !password.Given() {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8}), nil
	}
	der, err := pbe.Encrypt(key.PKCS8, password, pbe.Params{Iterations: iterations}, random)
	if err != nil {
		return nil, fmt.Errorf("encrypting a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), nil
}

// parseKeyPEM reads what KeyPEM wrote.
func parseKeyPEM(data []byte, password keystore.Secret) (*keystore.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("no PEM: %w", keystore.ErrFormat)
	}
	der := block.Bytes
	switch block.Type {
	case "PRIVATE KEY":
	case "ENCRYPTED PRIVATE KEY":
		var err error
		if der, _, err = pbe.Decrypt(block.Bytes, password, keystore.Limits{}); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("PEM of type %s: %w", shortQuote(block.Type), keystore.ErrUnsupported)
	}
	key, err := keystore.NewPrivateKey(der)
	if err != nil {
		return nil, err
	}
	if key.Signer == nil {
		return nil, fmt.Errorf("a key of an unknown algorithm: %w", keystore.ErrUnsupported)
	}
	return key, nil
}

// readCert reads the first certificate of a PEM file in the folder.
func readCert(dir, path string) (*x509.Certificate, error) {
	file := filepath.Join(dir, filepath.FromSlash(path))
	data, err := safefile.Read(file, maxOwnFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("reading %q: no PEM certificate: %w", file, keystore.ErrFormat)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w: %v", file, keystore.ErrFormat, err)
	}
	return cert, nil
}

func wrap(c *x509.Certificate) keystore.Certificate { return keystore.Certificate{Raw: c.Raw, X509: c} }
