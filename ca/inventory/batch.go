package inventory

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Batch is one transaction of any number of steps: all of them happen, or none. Its statements are prepared once.
// It must not be used by several goroutines at once, nor after the function it was given to has returned.
type Batch struct {
	ctx   context.Context
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
}

// Batch runs f in one transaction, which holds the write lock from its beginning, and commits it when f returns nil.
// It fails with keystore.ErrLocked when other processes do not let go of the lock in time.
func (db *DB) Batch(ctx context.Context, f func(*Batch) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing inventory %q: %w", db.path, kind(err))
	}
	if err := f(&Batch{ctx: ctx, tx: tx, stmts: map[string]*sql.Stmt{}}); err != nil {
		// A rollback that finds the transaction gone (context ended) has nothing left to do.
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, back)
		}
		if lite := kind(err); lite != err {
			return fmt.Errorf("writing inventory %q: %w", db.path, lite)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing inventory %q: %w", db.path, kind(err))
	}
	return nil
}

// stmt prepares a statement once for this transaction; it ends with it.
func (b *Batch) stmt(query string) (*sql.Stmt, error) {
	if s, ok := b.stmts[query]; ok {
		return s, nil
	}
	s, err := b.tx.PrepareContext(b.ctx, query)
	if err != nil {
		return nil, err
	}
	b.stmts[query] = s
	return s, nil
}

// Reservation is what is known before anything is signed.
type Reservation struct {
	Serial   *big.Int  // positive
	Issuer   string    // who is going to sign
	Name     string    // the identity's true name
	Role     string    // what it is for
	At       time.Time // now
	Replaces int64     // id of the live entry that this one renews; its name is then no obstacle. 0: none
	Note     string

	// AnyName leaves out the check for a live name: for the CAs' own certificates and for probes.
	AnyName bool
	// Among are the roles that share one space of names; empty means that all roles do.
	Among []string
}

// Reserve takes a serial and a name, and returns the new entry's id. It fails with ErrSerialTaken, and with
// keystore.ErrExists where a live certificate has the name, or one that differs from it only in case.
func (b *Batch) Reserve(r Reservation) (int64, error) {
	if r.Serial == nil || r.Serial.Sign() <= 0 {
		return 0, fmt.Errorf("reserving a serial for %q: it must be positive", r.Name)
	}
	serial := r.Serial.Text(16)
	if !r.AnyName {
		if err := b.checkName(r); err != nil {
			return 0, fmt.Errorf("reserving the name %q: %w", r.Name, err)
		}
	}
	s, err := b.stmt(`INSERT INTO entries (serial, issuer, name, fold, role, state, reserved_at, replaces, note)
		SELECT ?1, ?2, ?3, ?4, ?5, 'reserved', ?6, ?7, ?8
		WHERE NOT EXISTS (SELECT 1 FROM entries WHERE serial = ?1 AND issuer = ?2)`)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(b.ctx, serial, r.Issuer, r.Name, Fold(r.Name), r.Role, r.At.Unix(), orNull(r.Replaces), r.Note)
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return 0, errors.Join(fmt.Errorf("reserving serial %s: %w", serial, ErrSerialTaken), err)
	}
	return result.LastInsertId()
}

// checkName looks for live entries in the way of a name.
func (b *Batch) checkName(r Reservation) error {
	s, err := b.stmt(`SELECT id, name, role, state, not_after FROM entries
		WHERE fold = ? AND state IN ('reserved', 'pending', 'issued')`)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(b.ctx, Fold(r.Name))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var notAfter sql.NullInt64
		if err := rows.Scan(&e.ID, &e.Name, &e.Role, &e.State, &notAfter); err != nil {
			return err
		}
		e.NotAfter = fromUnix(notAfter)
		if !e.Live(r.At) || e.ID == r.Replaces || len(r.Among) > 0 && !slices.Contains(r.Among, e.Role) {
			continue
		}
		if e.Name != r.Name {
			return fmt.Errorf("%w: %w from the %s %q", keystore.ErrExists, ErrCaseOnly, e.Role, e.Name)
		}
		return fmt.Errorf("%w: a %s %w", keystore.ErrExists, e.Role, ErrLive)
	}
	return rows.Err()
}

// Record stores the signed certificate of a reserved entry, which becomes pending, and the files that are going to be
// written for it (relative to the PKI, with forward slashes). The serial must be the one reserved.
func (b *Batch) Record(id int64, der []byte, files []string) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("recording certificate: %w: %w", keystore.ErrFormat, err)
	}
	subject, err := keystore.RFC2253(cert.RawSubject)
	if err != nil {
		return fmt.Errorf("recording certificate: %w", err)
	}
	s, err := b.stmt(`UPDATE entries SET state = 'pending', subject = ?, sans = ?, files = ?, not_before = ?, not_after = ?,
		sha256 = ?, key_sha256 = ? WHERE id = ? AND state = 'reserved' AND serial = ?`)
	if err != nil {
		return err
	}
	result, err := s.ExecContext(b.ctx, subject, toJSON(sanStrings(cert)), toJSON(files), cert.NotBefore.Unix(),
		cert.NotAfter.Unix(), hexSHA256(der), hexSHA256(cert.RawSubjectPublicKeyInfo), id, cert.SerialNumber.Text(16))
	if err := b.changed(id, "recording", result, err); err != nil {
		return err
	}
	if s, err = b.stmt(`INSERT INTO certificates (id, der) VALUES (?, ?)`); err != nil {
		return err
	}
	_, err = s.ExecContext(b.ctx, id, der)
	return err
}

// Issued marks a pending entry: its files are on the disk. What it replaces becomes superseded, unless it was revoked.
func (b *Batch) Issued(id int64, at time.Time) error {
	s, err := b.stmt(`UPDATE entries SET state = 'issued', issued_at = ? WHERE id = ? AND state = 'pending'`)
	if err != nil {
		return err
	}
	result, err := s.ExecContext(b.ctx, at.Unix(), id)
	if err := b.changed(id, "marking as issued", result, err); err != nil {
		return err
	}
	s, err = b.stmt(`UPDATE entries SET state = 'superseded'
		WHERE id = (SELECT replaces FROM entries WHERE id = ?) AND state = 'issued'`)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(b.ctx, id)
	return err
}

// Abandon gives up a reserved or pending entry. A pending certificate whose key may have reached anybody is to be
// revoked instead.
func (b *Batch) Abandon(id int64, why string) error {
	s, err := b.stmt(`UPDATE entries SET state = 'abandoned', note = ? WHERE id = ? AND state IN ('reserved', 'pending')`)
	if err != nil {
		return err
	}
	result, err := s.ExecContext(b.ctx, why, id)
	return b.changed(id, "abandoning", result, err)
}

// Revoke revokes a pending, issued or superseded entry. One that is revoked already keeps its date and reason, and
// the call fails with ErrState.
func (b *Batch) Revoke(id int64, at time.Time, reason Reason) error {
	if _, ok := reasons[reason]; !ok {
		return fmt.Errorf("revoking: reason %d is not one of %v", int(reason), Reasons())
	}
	s, err := b.stmt(`UPDATE entries SET state = 'revoked', revoked_at = ?, reason = ?
		WHERE id = ? AND state IN ('pending', 'issued', 'superseded')`)
	if err != nil {
		return err
	}
	result, err := s.ExecContext(b.ctx, at.Unix(), int(reason), id)
	return b.changed(id, "revoking", result, err)
}

// changed says why a step on one entry changed nothing.
func (b *Batch) changed(id int64, doing string, result sql.Result, err error) error {
	if err != nil {
		return fmt.Errorf("%s entry %d: %w", doing, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var state State
	var serial string
	err = b.tx.QueryRowContext(b.ctx, `SELECT state, serial FROM entries WHERE id = ?`, id).Scan(&state, &serial)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s entry %d: %w", doing, id, ErrNotFound)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s serial %s: %w: it is %s", doing, serial, ErrState, state)
}

// sanStrings spells a certificate's names as they are typed, "dns:a.example", in a fixed order of types.
func sanStrings(cert *x509.Certificate) []string {
	names := []string{}
	for _, n := range cert.DNSNames {
		names = append(names, "dns:"+n)
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, "ip:"+ip.String())
	}
	for _, u := range cert.URIs {
		names = append(names, "uri:"+u.String())
	}
	for _, e := range cert.EmailAddresses {
		names = append(names, "email:"+e)
	}
	return names
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// toJSON spells a list of strings, never null.
func toJSON(list []string) string {
	if list == nil {
		list = []string{}
	}
	data, _ := json.Marshal(list) // strings always marshal
	return string(data)
}

// orNull keeps 0 out of the file where it means nothing.
func orNull(n int64) sql.NullInt64 { return sql.NullInt64{Int64: n, Valid: n != 0} }

func fromUnix(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(n.Int64, 0).UTC()
}
