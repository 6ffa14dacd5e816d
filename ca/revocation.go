package ca

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"time"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/ca/revoke"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// CRL is a revocation list that was made.
type CRL struct {
	Path       string // relative to the PKI
	DER        []byte
	Number     int64
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int
}

func (c *CRL) artifact() keystore.Artifact {
	return publicFile(c.Path, revoke.PEM(c.DER), "the certificate revocation list")
}

// SignCRL makes the CRL of a's CA anew and replaces the one in the folder: RootCRLPath when a is the root, else
// IssuingCRLPath.
func (h *Home) SignCRL(ctx context.Context, a *Authority) (*CRL, error) {
	var crl *CRL
	err := h.exclusively(ctx, func() error {
		var err error
		if crl, err = h.makeCRL(ctx, a); err != nil {
			return err
		}
		files, err := safefile.FromArtifacts(h.dir, []keystore.Artifact{crl.artifact()})
		if err != nil {
			return err
		}
		_, err = safefile.Commit(files, safefile.Options{Force: true, Now: h.opts.Now, Journal: h.Path(journalPath)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making a CRL: %w", err)
	}
	return crl, nil
}

// newCRL decides on everything but the number and the entries.
func (h *Home) newCRL(issuer *x509.Certificate) *CRL {
	now := h.opts.Now().UTC().Truncate(time.Second)
	crl := &CRL{Path: IssuingCRLPath, ThisUpdate: now, NextUpdate: now.Add(h.opts.Settings.CRLValidity)}
	if keystore.SelfIssued(issuer) {
		crl.Path = RootCRLPath
		if !h.RootOnly() {
			crl.NextUpdate = now.Add(h.opts.Settings.RootValidity)
		}
	}
	return crl
}

// makeCRL signs and records a CRL of what the inventory says. Its number is taken first, and never used again.
func (h *Home) makeCRL(ctx context.Context, a *Authority) (*CRL, error) {
	crl, id := h.newCRL(a.Certificate()), issuerID(a.Certificate())
	// A certificate has to stand on one CRL beyond its end (RFC 5280 section 3.3), so the last CRL's date decides.
	dropBefore := crl.ThisUpdate
	last, err := h.inv.LastCRL(ctx, id)
	switch {
	case err == nil:
		dropBefore = last.ThisUpdate
	case !errors.Is(err, inventory.ErrNotFound):
		return nil, err
	}
	if err := h.inv.Batch(ctx, func(b *inventory.Batch) error { return crl.takeNumber(b, id) }); err != nil {
		return nil, err
	}
	if err := h.signCRL(crl, a, h.revoked(ctx, id, dropBefore)); err != nil {
		return nil, err
	}
	return crl, h.inv.Batch(ctx, func(b *inventory.Batch) error { return crl.record(b, id) })
}

// firstCRL makes the CRL of a new PKI within the transaction that makes its inventory.
func (h *Home) firstCRL(b *inventory.Batch, a *Authority, entries ...revoke.Entry) (*CRL, error) {
	crl, id := h.newCRL(a.Certificate()), issuerID(a.Certificate())
	if err := crl.takeNumber(b, id); err != nil {
		return nil, err
	}
	stream := func(yield func(revoke.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
	if err := h.signCRL(crl, a, stream); err != nil {
		return nil, err
	}
	return crl, crl.record(b, id)
}

func (c *CRL) takeNumber(b *inventory.Batch, issuer string) (err error) {
	c.Number, err = b.ReserveCRLNumber(issuer, 1)
	return err
}

func (h *Home) signCRL(c *CRL, a *Authority, entries iter.Seq2[revoke.Entry, error]) error {
	keyID, err := keyIDOf(a.Certificate())
	if err != nil {
		return err
	}
	list := revoke.List{Number: big.NewInt(c.Number), ThisUpdate: c.ThisUpdate, NextUpdate: c.NextUpdate}
	c.DER, c.Entries, err = revoke.Sign(h.opts.Random, a.Certificate(), keyID, a.key, list, entries)
	return err
}

func (c *CRL) record(b *inventory.Batch, issuer string) error {
	sum := sha256.Sum256(c.DER)
	return b.RecordCRL(inventory.CRL{
		Issuer: issuer, Number: c.Number, ThisUpdate: c.ThisUpdate, NextUpdate: c.NextUpdate,
		Entries: c.Entries, SHA256: hex.EncodeToString(sum[:]),
	})
}

// revoked streams what belongs on a CRL.
func (h *Home) revoked(ctx context.Context, issuer string, dropBefore time.Time) iter.Seq2[revoke.Entry, error] {
	return func(yield func(revoke.Entry, error) bool) {
		filter := inventory.Filter{Issuer: issuer, States: []inventory.State{inventory.Revoked}, ExpiringAfter: dropBefore}
		for e, err := range h.inv.List(ctx, filter) {
			serial, ok := new(big.Int).SetString(e.Serial, 16)
			if err == nil && !ok {
				err = fmt.Errorf("serial %s: %w", shortQuote(e.Serial), keystore.ErrFormat)
			}
			if !yield(revoke.Entry{Serial: serial, RevokedAt: e.RevokedAt, Reason: int(e.Reason)}, err) {
				return
			}
		}
	}
}

// Revoke revokes certificates, each given by name, serial or fingerprint: all of them or, when one is not found or
// ambiguous, none. A name stands for its live certificate and for those that were superseded but are still valid. It fails
// with ErrNotFound, with inventory.ErrAmbiguous, and with ErrPolicy for what may not be revoked so. The CRL has to be
// made anew afterwards: [Home.SignCRL].
func (h *Home) Revoke(ctx context.Context, selectors []string, reason inventory.Reason) ([]inventory.Entry, error) {
	var chosen []inventory.Entry
	err := h.exclusively(ctx, func() error {
		seen := map[int64]bool{}
		for _, text := range selectors {
			entries, err := h.revocable(ctx, text)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if !seen[e.ID] {
					seen[e.ID] = true
					chosen = append(chosen, e)
				}
			}
		}
		now := h.opts.Now()
		return h.inv.Batch(ctx, func(b *inventory.Batch) error {
			for i := range chosen {
				if err := b.Revoke(chosen[i].ID, now, reason); err != nil {
					return err
				}
				chosen[i].State, chosen[i].RevokedAt, chosen[i].Reason = inventory.Revoked, now.UTC().Truncate(time.Second), reason
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	return chosen, nil
}

// revocable returns the entries a person means to revoke by text.
func (h *Home) revocable(ctx context.Context, text string) ([]inventory.Entry, error) {
	found, err := h.inv.Find(ctx, text)
	if err != nil {
		return nil, err
	}
	now := h.opts.Now()
	var live []inventory.Entry
	roles := map[string]bool{}
	for _, e := range found {
		if Role(e.Role).IsCA() {
			return nil, fmt.Errorf("%s: %w", shortQuote(text), policy("a CA is not revoked by its own PKI's command; replace it"))
		}
		byName := e.Name == text
		state := e.StateAt(now)
		if byName && (state != inventory.Issued && (state != inventory.Superseded || e.NotAfter.Before(now))) {
			continue
		}
		live = append(live, e)
		if byName {
			roles[e.Role] = true
		}
	}
	switch {
	case len(live) == 0:
		last := found[len(found)-1]
		return nil, fmt.Errorf("%s: no live certificate, the last one is %s: %w", shortQuote(text), last.StateAt(now), ErrNotFound)
	case len(roles) > 1:
		return nil, fmt.Errorf("%s: %w; give its serial", shortQuote(text), inventory.ErrAmbiguous)
	}
	return live, nil
}
