package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// Renewal returns the order that renews an identity: role, name, subject and alternative names of its last certificate,
// and a new key of the same type. The caller may change validity, files or key before [Home.Issue]: to keep the key, Key
// is set to the old one, or PublicKey to the old certificate's when the key is elsewhere. Roles narrow the search where
// a server and a client have one name. It fails with ErrNotFound, with inventory.ErrAmbiguous, and with ErrPolicy when
// the last certificate was revoked.
func (h *Home) Renewal(ctx context.Context, name string, roles ...Role) (Order, *x509.Certificate, error) {
	o, cert, err := h.renewal(ctx, name, roles)
	if err != nil {
		return Order{}, nil, fmt.Errorf("renewing %s: %w", shortQuote(name), err)
	}
	return o, cert, nil
}

func (h *Home) renewal(ctx context.Context, name string, roles []Role) (Order, *x509.Certificate, error) {
	entry, cert, err := h.Lookup(ctx, name, roles...)
	if err != nil {
		return Order{}, nil, err
	}
	if entry.State == inventory.Revoked {
		return Order{}, nil, policy("the certificate was revoked (%s); issue a new one", entry.Reason)
	}
	subject, err := keystore.ParseName(cert.RawSubject)
	if err != nil {
		return Order{}, nil, err
	}
	o := Order{
		Request: Request{Role: Role(entry.Role), Name: entry.Name, SANs: CertificateSANs(cert), Subject: subject, AllowName: true},
		KeyType: keyTypeOf(cert.PublicKey),
		Replace: true,
	}
	return o, cert, nil
}

// Lookup returns the certificate that stands for a name, serial or fingerprint: the live one, else the latest. It fails
// with ErrNotFound, and with inventory.ErrAmbiguous where a server and a client have one name and no role was given.
func (h *Home) Lookup(ctx context.Context, text string, roles ...Role) (inventory.Entry, *x509.Certificate, error) {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	entry, err := h.inv.Current(ctx, text, h.opts.Now(), names...)
	if errors.Is(err, ErrNotFound) {
		entry, err = h.latest(ctx, text, roles)
	}
	if err != nil {
		return inventory.Entry{}, nil, err
	}
	der, err := h.inv.Certificate(ctx, entry.ID)
	if err != nil {
		return inventory.Entry{}, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return inventory.Entry{}, nil, fmt.Errorf("reading certificate %s of the inventory: %w: %v", entry.Serial, keystore.ErrFormat, err)
	}
	return entry, cert, nil
}

// latest returns the last certificate of a name whatever became of it, leaves before CAs.
func (h *Home) latest(ctx context.Context, text string, roles []Role) (inventory.Entry, error) {
	found, err := h.inv.Find(ctx, text)
	if err != nil {
		return inventory.Entry{}, err
	}
	var last *inventory.Entry
	for i, e := range found {
		recorded := !e.NotAfter.IsZero() && e.State != inventory.Abandoned
		if !recorded || !wanted(Role(e.Role), roles) {
			continue
		}
		if last != nil && last.Role != e.Role && len(roles) == 0 {
			return inventory.Entry{}, fmt.Errorf("%w: a %s and a %s", inventory.ErrAmbiguous, last.Role, e.Role)
		}
		last = &found[i]
	}
	if last == nil {
		return inventory.Entry{}, ErrNotFound
	}
	return *last, nil
}

func wanted(r Role, roles []Role) bool {
	if len(roles) == 0 {
		return true
	}
	for _, w := range roles {
		if w == r {
			return true
		}
	}
	return false
}
