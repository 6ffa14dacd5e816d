package inventory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// columns are read by scan, in this order.
const columns = `id, serial, issuer, name, role, state, subject, sans, files, not_before, not_after, sha256, key_sha256,
	reserved_at, issued_at, revoked_at, reason, replaces, note`

// scan reads one row of columns.
func scan(row interface{ Scan(...any) error }) (Entry, error) {
	var e Entry
	var sans, files string
	var notBefore, notAfter, reservedAt, issuedAt, revokedAt, replaces sql.NullInt64
	var fingerprint, key sql.NullString
	err := row.Scan(&e.ID, &e.Serial, &e.Issuer, &e.Name, &e.Role, &e.State, &e.Subject, &sans, &files, &notBefore,
		&notAfter, &fingerprint, &key, &reservedAt, &issuedAt, &revokedAt, &e.Reason, &replaces, &e.Note)
	if err != nil {
		return Entry{}, err
	}
	if err := errors.Join(json.Unmarshal([]byte(sans), &e.SANs), json.Unmarshal([]byte(files), &e.Files)); err != nil {
		return Entry{}, fmt.Errorf("entry %d: %w: %w", e.ID, keystore.ErrFormat, err)
	}
	e.NotBefore, e.NotAfter = fromUnix(notBefore), fromUnix(notAfter)
	e.ReservedAt, e.IssuedAt, e.RevokedAt = fromUnix(reservedAt), fromUnix(issuedAt), fromUnix(revokedAt)
	e.SHA256, e.KeySHA256, e.Replaces = fingerprint.String, key.String, replaces.Int64
	return e, nil
}

// Filter chooses entries. The zero value chooses all; fields that are set all have to fit.
type Filter struct {
	Name           string    // exactly this name
	Roles          []string  // one of these roles
	States         []State   // one of these states; Issued and Expired are told apart by Now, which must be set with them
	Now            time.Time // what Issued and Expired are judged by
	Issuer         string    // signed by this authority
	ExpiringBefore time.Time // recorded, and notAfter before this
	ExpiringAfter  time.Time // recorded, and notAfter at or after this
	RevokedSince   time.Time // revoked at or after this
	IDs            []int64   // one of these; nil: any, empty: none
	AfterID        int64     // only ids above this: to go on where a list ended
	Limit          int       // at most so many; 0 means no bound
}

// where turns the filter into SQL.
func (f Filter) where() (string, []any, error) {
	terms, args := []string{"id > ?"}, []any{f.AfterID}
	add := func(term string, values ...any) { terms, args = append(terms, term), append(args, values...) }
	if f.Name != "" {
		add("fold = ? AND name = ?", Fold(f.Name), f.Name)
	}
	if f.IDs != nil {
		add("id IN (SELECT value FROM json_each(?))", idList(f.IDs))
	}
	if len(f.Roles) > 0 {
		add("role IN (?"+strings.Repeat(", ?", len(f.Roles)-1)+")", anys(f.Roles)...)
	}
	if f.Issuer != "" {
		add("issuer = ?", f.Issuer)
	}
	if !f.ExpiringBefore.IsZero() {
		add("not_after < ?", f.ExpiringBefore.Unix())
	}
	if !f.ExpiringAfter.IsZero() {
		add("not_after >= ?", f.ExpiringAfter.Unix())
	}
	if !f.RevokedSince.IsZero() {
		add("revoked_at >= ?", f.RevokedSince.Unix())
	}
	var either []string
	for _, s := range f.States {
		switch s {
		case Issued, Expired:
			if f.Now.IsZero() {
				return "", nil, errors.New("listing: Filter.Now is not set")
			}
			compare := map[State]string{Issued: ">=", Expired: "<"}[s]
			either = append(either, "state = 'issued' AND not_after "+compare+" ?")
			args = append(args, f.Now.Unix())
		default:
			either = append(either, "state = ?")
			args = append(args, string(s))
		}
	}
	if len(either) > 0 {
		terms = append(terms, "("+strings.Join(either, " OR ")+")")
	}
	return strings.Join(terms, " AND "), args, nil
}

// idList spells ids as one JSON parameter: SQLite bounds the number of parameters.
func idList(ids []int64) string {
	data, _ := json.Marshal(ids) // numbers always marshal
	return string(data)
}

// anys is what database/sql takes.
func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// List streams the entries that fit, in the order of issue, as they were when it began: writing meanwhile is fine and
// changes nothing in it. After an error it ends.
func (db *DB) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		fail := func(err error) { yield(Entry{}, fmt.Errorf("listing inventory %q: %w", db.path, kind(err))) }
		where, args, err := f.where()
		if err != nil {
			fail(err)
			return
		}
		query := `SELECT ` + columns + ` FROM entries WHERE ` + where + ` ORDER BY id`
		if f.Limit > 0 {
			query += ` LIMIT ?`
			args = append(args, f.Limit)
		}
		rows, err := db.read.QueryContext(ctx, query, args...)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				fail(err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		}
	}
}

// serialText and fingerprintText are what Find takes for a serial or a SHA-256 fingerprint.
var (
	serialText      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{1,63}$`) })
	fingerprintText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })
)

// Find returns the entries that a person may mean by text: those of that name, or else of that serial, or else of that
// SHA-256 fingerprint (hex; case, colons and leading zeros do not matter). Oldest first. Names come first, so that a
// client called "1234" is found whatever the serials are. It fails with ErrNotFound.
func (db *DB) Find(ctx context.Context, text string) ([]Entry, error) {
	found, err := db.query(ctx, `fold = ? AND name = ?`, Fold(text), text)
	if err == nil && len(found) == 0 {
		hex := strings.ToLower(strings.ReplaceAll(text, ":", ""))
		switch {
		case fingerprintText().MatchString(hex):
			found, err = db.query(ctx, `sha256 = ?`, hex)
		case serialText().MatchString(hex):
			found, err = db.query(ctx, `serial = ?`, strings.TrimLeft(hex, "0"))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %q in inventory %q: %w", text, db.path, kind(err))
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("looking up %q in inventory %q: %w", text, db.path, ErrNotFound)
	}
	return found, nil
}

// Current returns the one entry that holds a name now, or that a serial or fingerprint names: among several of one name
// the live one. It fails with ErrNotFound where none is live, and with ErrAmbiguous where several are (the same name in
// roles that do not share one space of names).
func (db *DB) Current(ctx context.Context, text string, now time.Time, roles ...string) (Entry, error) {
	found, err := db.Find(ctx, text)
	if err != nil {
		return Entry{}, err
	}
	var live []Entry
	for _, e := range found {
		if (len(roles) == 0 || slices.Contains(roles, e.Role)) && (e.Live(now) || e.Name != text) {
			live = append(live, e)
		}
	}
	if len(live) > 1 && !slices.ContainsFunc(live, func(e Entry) bool { return e.Role != live[0].Role }) {
		// While a name is renewed its next certificate is on the way; the one that holds the name is the issued one.
		live = slices.DeleteFunc(live, func(e Entry) bool { return e.State == Reserved || e.State == Pending })
	}
	switch len(live) {
	case 1:
		return live[0], nil
	case 0:
		last := found[len(found)-1]
		return Entry{}, fmt.Errorf("looking up %q in inventory %q: %w: the last one is %s", text, db.path, ErrNotFound, last.StateAt(now))
	default:
		return Entry{}, fmt.Errorf("looking up %q in inventory %q: %w: a %s and a %s", text, db.path, ErrAmbiguous, live[0].Role, live[1].Role)
	}
}

// query returns a few entries at once.
func (db *DB) query(ctx context.Context, where string, args ...any) ([]Entry, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+columns+` FROM entries WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, rows.Err()
}

// Certificate returns the DER of a recorded entry, or ErrNotFound.
func (db *DB) Certificate(ctx context.Context, id int64) ([]byte, error) {
	var der []byte
	err := db.read.QueryRowContext(ctx, `SELECT der FROM certificates WHERE id = ?`, id).Scan(&der)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading certificate %d of inventory %q: %w", id, db.path, kind(err))
	}
	return der, nil
}

// Count is how many entries of a role are in a state.
type Count struct {
	Role  string
	State State
	N     int64
}

// Counts returns the counts that are not zero, by role and state, with what has expired by now counted as Expired.
func (db *DB) Counts(ctx context.Context, now time.Time) ([]Count, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT role,
		CASE WHEN state = 'issued' AND not_after < ? THEN 'expired' ELSE state END AS shown, count(*)
		FROM entries GROUP BY role, shown ORDER BY role, shown`, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("counting inventory %q: %w", db.path, kind(err))
	}
	defer rows.Close()
	var counts []Count
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Role, &c.State, &c.N); err != nil {
			return nil, fmt.Errorf("counting inventory %q: %w", db.path, kind(err))
		}
		counts = append(counts, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("counting inventory %q: %w", db.path, kind(err))
	}
	return counts, nil
}
