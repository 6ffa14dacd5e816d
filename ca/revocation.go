package ca

import (
	"context"
	"crypto/sha256"
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

// makeCRL signs and records a CRL.
func (h *Home) makeCRL(ctx context.Context, a *Authority) (*CRL, error) {
	issuer, now := a.Certificate(), h.opts.Now().UTC().Truncate(time.Second)
	id := issuerID(issuer)
	crl := &CRL{Path: IssuingCRLPath, ThisUpdate: now, NextUpdate: now.Add(h.opts.Settings.CRLValidity)}
	if selfIssued(issuer) {
		crl.Path = RootCRLPath
		if !h.RootOnly() {
			crl.NextUpdate = now.Add(h.opts.Settings.RootValidity)
		}
	}
	// A certificate has to stand on one CRL beyond its end (RFC 5280 section 3.3), so the last CRL's date decides.
	dropBefore := now
	last, err := h.inv.LastCRL(ctx, id)
	switch {
	case err == nil:
		dropBefore = last.ThisUpdate
	case !errors.Is(err, inventory.ErrNotFound):
		return nil, err
	}
	err = h.inv.Batch(ctx, func(b *inventory.Batch) error {
		crl.Number, err = b.ReserveCRLNumber(id, 1)
		return err
	})
	if err != nil {
		return nil, err
	}
	keyID, err := keyIDOf(issuer)
	if err != nil {
		return nil, err
	}
	list := revoke.List{Number: big.NewInt(crl.Number), ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate}
	if crl.DER, crl.Entries, err = revoke.Sign(h.opts.Random, issuer, keyID, a.key, list, h.revoked(ctx, id, dropBefore)); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(crl.DER)
	return crl, h.inv.Batch(ctx, func(b *inventory.Batch) error {
		return b.RecordCRL(inventory.CRL{
			Issuer: id, Number: crl.Number, ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate,
			Entries: crl.Entries, SHA256: hex.EncodeToString(sum[:]),
		})
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
