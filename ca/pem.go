package ca

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// maxOwnFile bounds what is read from the folder itself: one key or a few certificates.
const maxOwnFile = 1 << 20

// parseKeyPEM reads what [pemfile.EncodeKey] wrote.
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
