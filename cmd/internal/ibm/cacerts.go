package ibm

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// CASigned gives server and client certificates from the CA, and makes the stores in which each trusts it.
func (j *Job) CASigned(ctx context.Context) (*Report, error) {
	return j.make(ctx, func(k *keys, r *Report) ([]*output, error) {
		root := k.ca.certificate()
		outputs := []*output{{path: j.CACert, data: pemfile.EncodeCertificates(root), what: "the CA's certificate, PEM", expires: root.X509.NotAfter}}
		for _, h := range k.leaves() {
			if err := j.caSign(ctx, k.ca, h, r); err != nil {
				return nil, err
			}
			request, err := j.requestFile(h)
			if err != nil {
				return nil, err
			}
			// keytool's -gencert writes DER unless told otherwise, and so this file always was.
			signed := &output{path: h.CASigned, data: h.id.Leaf().Raw, what: fmt.Sprintf("the %s's certificate, DER", h.role),
				expires: h.id.Leaf().X509.NotAfter}
			outputs = append(outputs, request, signed)
		}
		// The other path's trusted entry goes, so that only what the CA signed gets in.
		trust := keystore.Anchor{Alias: j.CA.Alias, Created: j.Now(), Certificate: root}
		outputs = append(outputs, j.keyStore(k.server, &trust, j.Client.Alias), j.keyStore(k.client, nil, j.CA.Alias))
		outputs = append(outputs, j.clientCopies(k.client)...)
		return append(outputs, j.trustStores(j.TrustCA, trust)...), nil
	})
}

// requestFile is the party's certificate request, for those who have it signed elsewhere. One that is there and is for
// the same key and name stays: a new one would differ in its signature alone.
func (j *Job) requestFile(h *holder) (*output, error) {
	o := &output{path: h.Request, what: fmt.Sprintf("the %s's certificate request, PEM", h.role)}
	if old, err := safefile.Read(h.Request, 0); err == nil && h.requested(old) {
		o.data = old
		return o, nil
	}
	der, _, err := ca.NewCSR(j.request(h), h.id.Key, j.Random)
	o.data = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return o, err
}

// requested reports whether data is a request for the party's key and names.
func (h *holder) requested(data []byte) bool {
	block, rest := pem.Decode(data)
	if block == nil || len(rest) > 0 {
		return false
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		return false
	}
	return h.certifies(csr.RawSubject, csr.PublicKey, ca.SANsOf(csr.DNSNames, csr.IPAddresses, csr.URIs, csr.EmailAddresses))
}

// clientCopies are the client's key and chain in the formats of browsers and C clients.
func (j *Job) clientCopies(client *holder) []*output {
	store := &keystore.Store{Identities: []keystore.Identity{client.id}}
	return []*output{
		{path: j.ClientP12, codec: p12Codec, secret: true, store: store},
		{path: j.ClientPEM, codec: pemCodec, secret: true, store: store},
	}
}

// trustStores are one trusted certificate in the three formats.
func (j *Job) trustStores(t Trust, anchor keystore.Anchor) []*output {
	store := &keystore.Store{Anchors: []keystore.Anchor{anchor}}
	return []*output{
		{path: t.JKS, codec: jksCodec, store: store},
		{path: t.P12, codec: p12Codec, store: store},
		{path: t.PEM, codec: pemCodec, store: store},
	}
}

// caSign has the CA sign the party's certificate, unless it has one that fits.
func (j *Job) caSign(ctx context.Context, a *authority, h *holder, r *Report) error {
	root := a.certificate()
	if h.fits(root.X509, j.Now()) {
		h.id.Chain = []keystore.Certificate{h.id.Chain[0], root}
		return a.mindRevoked(ctx, h, r)
	}
	order := ca.Order{Request: j.request(h), Replace: true, Note: "scripts"}
	if left := root.X509.NotAfter.Sub(j.Now()); left < order.Validity {
		order.Validity = left.Truncate(time.Second)
		r.Warnings = append(r.Warnings, fmt.Sprintf("the %s's certificate ends with the CA's, on %s", h.role, root.X509.NotAfter.Format(time.DateOnly)))
	}
	product, err := a.issue(ctx, order)
	if err != nil {
		return err
	}
	r.tell(product.Notices)
	h.id.Chain = []keystore.Certificate{product.Identity.Chain[0], root}
	return nil
}

// mindRevoked warns of a certificate that is kept although it is on the CRL. Its key may be in wrong hands, so signing
// it again would undo the revocation.
func (a *authority) mindRevoked(ctx context.Context, h *holder, r *Report) error {
	if a.home == nil {
		return nil // a CA that was taken over knows nothing of what it signed before
	}
	entry, _, err := a.home.Lookup(ctx, fmt.Sprintf("%x", h.id.Leaf().X509.SerialNumber))
	if errors.Is(err, ca.ErrNotFound) {
		return nil // of a CA that was taken over
	}
	if err == nil && entry.State == inventory.Revoked {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the %s's certificate was revoked; for a new key and certificate remove %s "+
			"and run this again", h.role, h.KeyStore))
	}
	return err
}
