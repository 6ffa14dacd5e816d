package pemfile

import (
	"crypto/x509"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// ParseRequest reads a file that holds one PKCS#10 request, as PEM under either label or as DER, and whatever else. The
// signature of the request is not checked: see [x509.CertificateRequest.CheckSignature]. Errors wrap the kinds of
// package keystore.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	raw, err := others(data, keystore.KindRequest)
	if err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	switch len(raw) {
	case 0:
		return nil, malformed("there is no certificate request in it")
	case 1:
	default:
		return nil, malformed("there are %d certificate requests in it; one is expected", len(raw))
	}
	request, err := x509.ParseCertificateRequest(raw[0])
	if err != nil {
		return nil, malformed("reading a request: %v", err)
	}
	return request, nil
}

// ParseCRLs reads the CRLs of a file, PEM or DER, in its order; there is at least one. Their signatures are not checked.
func ParseCRLs(data []byte) ([]*x509.RevocationList, error) {
	raw, err := others(data, keystore.KindCRL)
	if err != nil {
		return nil, fmt.Errorf("reading a CRL: %w", err)
	}
	if len(raw) == 0 {
		return nil, malformed("reading a CRL: the file has none")
	}
	var lists []*x509.RevocationList
	for _, der := range raw {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, malformed("reading a CRL: %v", err)
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// ParseCertificates reads all certificates of a file in its order, whatever they are for: PEM, DER, or a PKCS#7 bundle.
// There is at least one.
func ParseCertificates(data []byte) ([]keystore.Certificate, error) {
	d := newDecoder(data, keystore.DecodeOptions{})
	if err := d.file(data); err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	var certificates []keystore.Certificate
	for i := range d.items {
		if c := d.items[i].certificate; c != nil {
			certificates = append(certificates, *c)
		}
	}
	if len(certificates) == 0 {
		return nil, malformed("reading certificates: the file has none")
	}
	return certificates, nil
}

// others returns the DER of every entry of a kind.
func others(data []byte, kind keystore.OtherKind) ([][]byte, error) {
	d := newDecoder(data, keystore.DecodeOptions{})
	if err := d.file(data); err != nil {
		return nil, err
	}
	var raw [][]byte
	for i := range d.items {
		if it := &d.items[i]; it.other == kind && it.otherRaw != nil {
			raw = append(raw, it.otherRaw)
		}
	}
	return raw, nil
}
