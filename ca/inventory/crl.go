package inventory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// CRL is the record of one revocation list.
type CRL struct {
	Issuer     string
	Number     int64 // RFC 5280 section 5.2.3
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int    // certificates on it
	SHA256     string // of the DER, lower-case hex
}

// ReserveCRLNumber returns the next number for an authority's CRL: above every one that was ever reserved, and at
// least atLeast (an authority that was taken over has a past). Like a serial, a number is never used twice.
func (b *Batch) ReserveCRLNumber(issuer string, atLeast int64) (int64, error) {
	s, err := b.stmt(`INSERT INTO crl_numbers (issuer, last) VALUES (?1, max(?2, 1))
		ON CONFLICT (issuer) DO UPDATE SET last = max(last + 1, ?2) RETURNING last`)
	if err != nil {
		return 0, err
	}
	var number int64
	if err := s.QueryRowContext(b.ctx, issuer, atLeast).Scan(&number); err != nil {
		return 0, fmt.Errorf("reserving a CRL number: %w", err)
	}
	return number, nil
}

// RecordCRL stores that a CRL was signed.
func (b *Batch) RecordCRL(c CRL) error {
	s, err := b.stmt(`INSERT INTO crls (issuer, number, this_update, next_update, entries, sha256) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(b.ctx, c.Issuer, c.Number, c.ThisUpdate.Unix(), c.NextUpdate.Unix(), c.Entries, c.SHA256)
	if err != nil {
		return fmt.Errorf("recording CRL %d: %w", c.Number, err)
	}
	return nil
}

// LastCRL returns the newest CRL of an authority, or ErrNotFound.
func (db *DB) LastCRL(ctx context.Context, issuer string) (CRL, error) {
	c := CRL{Issuer: issuer}
	var this, next sql.NullInt64
	err := db.read.QueryRowContext(ctx, `SELECT number, this_update, next_update, entries, sha256 FROM crls
		WHERE issuer = ? ORDER BY number DESC LIMIT 1`, issuer).Scan(&c.Number, &this, &next, &c.Entries, &c.SHA256)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return CRL{}, fmt.Errorf("looking up the last CRL in inventory %q: %w", db.path, kind(err))
	}
	c.ThisUpdate, c.NextUpdate = fromUnix(this), fromUnix(next)
	return c, nil
}
