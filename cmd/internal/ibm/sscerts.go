package ibm

import (
	"context"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// SelfSigned has server and client trust each other's self-signed certificates.
func (j *Job) SelfSigned(ctx context.Context) (*Report, error) {
	return j.make(ctx, func(k *keys, r *Report) ([]*output, error) {
		var outputs []*output
		for _, h := range k.leaves() {
			if h.fits(nil, j.Now()) {
				h.id.Chain = h.id.Chain[:1]
			} else if err := j.selfSign(h, r); err != nil {
				return nil, err
			}
			leaf := *h.id.Leaf()
			outputs = append(outputs, &output{path: h.SelfSigned, data: pemfile.EncodeCertificates(leaf),
				what: fmt.Sprintf("the %s's certificate, PEM", h.role), expires: leaf.X509.NotAfter})
		}
		trust := func(h *holder) keystore.Anchor {
			return keystore.Anchor{Alias: h.Alias, Created: j.Now(), Certificate: *h.id.Leaf()}
		}
		// The other path's trusted entry goes, or whatever the CA signed would still get in.
		client := trust(k.client)
		outputs = append(outputs, j.keyStore(k.server, &client, j.CA.Alias), j.keyStore(k.client, nil))
		outputs = append(outputs, j.clientCopies(k.client)...)
		return append(outputs, j.trustStores(j.TrustServer, trust(k.server))...), nil
	})
}
