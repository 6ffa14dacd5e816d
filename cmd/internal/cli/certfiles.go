package cli

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// maxCSRFile bounds a certificate request.
const maxCSRFile = 1 << 20

// fingerprint is the SHA-256 of DER, as the inventory and JSON spell it.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// readStore reads a file of any format, told from its content.
func readStore(path string, opts keystore.DecodeOptions) (*keystore.Store, error) {
	data, err := safefile.Read(path, opts.Limits.OrDefault().Bytes)
	if err != nil {
		return nil, err
	}
	store, _, err := formats.Decode(data, opts)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return store, nil
}

// allCertificates are all certificates of a store, keys' chains first.
func allCertificates(s *keystore.Store) []keystore.Certificate {
	var all []keystore.Certificate
	for _, id := range s.Identities {
		all = append(all, id.Chain...)
	}
	for _, a := range s.Anchors {
		all = append(all, a.Certificate)
	}
	for _, a := range s.Loose {
		all = append(all, a.Certificate)
	}
	return all
}

// readCSR reads one certificate request, PEM under either header or DER. Its signature is the caller's to check.
func readCSR(path string) (*x509.CertificateRequest, error) {
	data, err := safefile.Read(path, maxCSRFile)
	if err != nil {
		return nil, err
	}
	csr, err := pemfile.ParseRequest(data)
	if err != nil {
		return nil, fmt.Errorf("reading request %q: %w", path, err)
	}
	return csr, nil
}
