package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// RequestTerms are what the CA's side lays down for a certificate request that was made elsewhere.
type RequestTerms struct {
	Role      Role
	Name      string // the identity; a request does not choose its own
	SANs      []SAN  // nil: guessed as for any identity of the role
	TakeSANs  bool   // the alternative names that the request asks for are added
	AllowName bool   // see Request.AllowName
}

// FromCSR turns a certificate request (PKCS#10, RFC 2986) into a Request under terms. The request has to be signed by
// its own key, and the key strong enough. What it asks for and does not get is named in the notices. It fails with
// ErrPolicy and keystore.ErrUnsupported.
func FromCSR(csr *x509.CertificateRequest, terms RequestTerms) (Request, []Notice, error) {
	if _, err := CheckKey(csr.PublicKey); err != nil { // first: an unknown kind of key has no signature to check either
		return Request{}, nil, fmt.Errorf("checking a certificate request: %w", err)
	}
	var insecure x509.InsecureAlgorithmError
	err := csr.CheckSignature()
	switch {
	case errors.As(err, &insecure):
		err = policy("it is signed with %v, which can be forged", x509.SignatureAlgorithm(insecure))
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		err = fmt.Errorf("its signature algorithm: %w", keystore.ErrUnsupported)
	case err != nil:
		err = policy("it is not signed by its own key: %v", err)
	}
	if err != nil {
		return Request{}, nil, fmt.Errorf("checking a certificate request: %w", err)
	}
	req := Request{Role: terms.Role, Name: terms.Name, PublicKey: csr.PublicKey, AllowName: terms.AllowName, SANs: terms.SANs}
	given := slices.Clone(terms.SANs)
	if terms.Role.ConnectsAsClient() {
		given = append(given, ClientSAN(terms.Name))
	} else if terms.SANs == nil {
		guessed, _, err := ServerSANs(terms.Name)
		if err != nil && !terms.TakeSANs {
			return Request{}, nil, fmt.Errorf("guessing the names of server %s: %w", shortQuote(terms.Name), err)
		}
		given = append(given, guessed...)
		if terms.TakeSANs {
			req.SANs = guessed
		}
	}
	asked := SANsOf(csr.DNSNames, csr.IPAddresses, csr.URIs, csr.EmailAddresses)
	var notices []Notice
	var dropped []string
	for _, san := range asked {
		switch {
		case slices.Contains(given, san):
		case terms.TakeSANs:
			req.SANs = append(req.SANs, san)
		default:
			dropped = append(dropped, san.String())
		}
	}
	if len(dropped) > 0 {
		notices = append(notices, warn("csr-names-dropped", "the request asks for names it does not get: %s", strings.Join(dropped, ", ")))
	}
	if cn := csr.Subject.CommonName; cn != "" && cn != terms.Name {
		notices = append(notices, note("csr-name", "the request calls itself %s; it gets the name %s", shortQuote(cn), shortQuote(terms.Name)))
	}
	return req, notices, nil
}

// NewCSR makes a certificate request for an external CA, DER. An empty subject becomes CN=name; SANs are guessed as for
// a certificate of the role when they are nil. It fails with ErrPolicy.
func NewCSR(req Request, key *keystore.PrivateKey, random io.Reader) (der []byte, notices []Notice, err error) {
	if key == nil || key.Signer == nil {
		return nil, nil, fmt.Errorf("making a certificate request: %w", policy("the key's algorithm is unknown"))
	}
	req.PublicKey = key.Signer.Public()
	p := &Prepared{Role: req.Role, Name: req.Name}
	t, err := p.leaf(Profile{}, req, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate request for %s: %w", shortQuote(req.Name), err)
	}
	der, err = x509.CreateCertificateRequest(random, &x509.CertificateRequest{
		RawSubject: t.RawSubject, DNSNames: t.DNSNames, IPAddresses: t.IPAddresses, URIs: t.URIs, EmailAddresses: t.EmailAddresses,
	}, key.Signer)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate request for %s: %w", shortQuote(req.Name), err)
	}
	return der, p.Notices, nil
}
