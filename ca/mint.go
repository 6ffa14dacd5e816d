package ca

import (
	"context"
	"fmt"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// Mint issues a certificate that lives in memory only, for a probe: it is recorded like any other, its key never
// written. Several of one name may live. The request's validity is as long as a probe runs, or NotBefore and NotAfter
// say what the certificate is to be refused for. An empty PublicKey stands for a new key of the fastest type.
func (h *Home) Mint(ctx context.Context, a *Authority, req Request) (keystore.Identity, error) {
	identity, err := h.mint(ctx, a, req)
	if err != nil {
		return keystore.Identity{}, fmt.Errorf("minting %s %s: %w", req.Role, shortQuote(req.Name), err)
	}
	return identity, nil
}

func (h *Home) mint(ctx context.Context, a *Authority, req Request) (keystore.Identity, error) {
	identity := keystore.Identity{Alias: req.Name, Created: h.opts.Now()}
	if req.PublicKey == nil {
		key, err := ECDSAP256.Generate(h.opts.Random)
		if err != nil {
			return identity, err
		}
		identity.Key, req.PublicKey = key, key.Signer.Public()
	}
	prepared, err := a.Prepare(Profile{}, req)
	if err != nil {
		return identity, err
	}
	err = h.exclusively(ctx, func() error {
		s, id, err := h.signRecorded(ctx, a, prepared, inventory.Reservation{
			Name: req.Name, Role: string(req.Role), Note: "probe, in memory only", AnyName: true,
		}, nil)
		if err != nil {
			return err
		}
		identity.Chain = append([]keystore.Certificate{wrap(s.cert)}, a.Chain()...)
		return h.inv.Batch(ctx, func(b *inventory.Batch) error { return b.Issued(id, h.opts.Now()) })
	})
	return identity, err
}

// Identity signs a leaf for a new key in memory. Nothing records it: that is up to the caller.
func (a *Authority) Identity(req Request) (keystore.Identity, error) {
	key, err := ECDSAP256.Generate(a.random)
	if err != nil {
		return keystore.Identity{}, err
	}
	req.PublicKey = key.Signer.Public()
	prepared, err := a.Prepare(Profile{}, req)
	if err != nil {
		return keystore.Identity{}, err
	}
	serial, err := NewSerial(a.random)
	if err != nil {
		return keystore.Identity{}, err
	}
	cert, err := a.Sign(prepared, serial)
	if err != nil {
		return keystore.Identity{}, err
	}
	return keystore.Identity{
		Alias: req.Name, Key: key, Created: a.now(), Chain: append([]keystore.Certificate{wrap(cert)}, a.Chain()...),
	}, nil
}
