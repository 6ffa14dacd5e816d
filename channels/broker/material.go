package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// Material is what the broker needs besides the model, already read into memory.
type Material struct {
	// Identity is the server's key and chain, leaf first. It may be empty when no listener is encrypted.
	Identity keystore.Identity
	// Trust has one element for each of Deployment.Trust, in the same order.
	Trust []TrustMaterial
	// Users are the password users; nil: there are none.
	Users *channels.UserFile
}

// TrustMaterial is one CA whose clients may connect.
type TrustMaterial struct {
	Anchors []*x509.Certificate // the CA's root, and intermediates for clients that send their leaf alone
	CRLs    []CRLFile           // of the CA, and of its intermediates
}

// CRLFile is one file of CRLs, PEM (several may stand in it) or DER.
type CRLFile struct {
	Name string // for messages
	Data []byte
}

// certificate turns the server's identity into what crypto/tls wants. A root at the end of the chain is left out: the
// client has it, or does not trust it.
func certificate(id *keystore.Identity) (*tls.Certificate, error) {
	leaf := id.Leaf()
	switch {
	case leaf == nil:
		return nil, errors.New("the server identity has no certificate")
	case leaf.X509 == nil:
		return nil, fmt.Errorf("the server certificate does not parse: %w", keystore.ErrFormat)
	case id.Locked != nil:
		return nil, fmt.Errorf("the server key is still encrypted: %w", id.Locked)
	case id.Key == nil || id.Key.Signer == nil:
		return nil, fmt.Errorf("the server key is missing, or of a kind that TLS does not know: %w", keystore.ErrUnsupported)
	}
	if matches, known := id.Key.Matches(*leaf); known && !matches {
		return nil, errors.New("the server key does not belong to the server certificate")
	}
	cert := &tls.Certificate{PrivateKey: id.Key.Signer, Leaf: leaf.X509}
	for i, c := range id.Chain {
		if i > 0 && c.X509 != nil && keystore.SelfIssued(c.X509) {
			break
		}
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}
