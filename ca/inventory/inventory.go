// Package inventory records every certificate that an authority issued, its serial and what became of it, in one
// SQLite file.
//
// An entry goes reserved -> pending -> issued -> revoked or superseded; a reserved or pending one that a crash left
// behind is abandoned (see [Batch.Abandon]) or carried on. Nothing is ever deleted. The package knows neither keys nor
// where files lie, decides no policy, and makes no serials: package ca does.
//
// Several processes may use one file at once: SQLite's write-ahead log lets them read while one writes, and writers
// queue for [Options].BusyTimeout. It must lie on a local disk; the log does not work over network file systems.
// The file is trusted no further than its layout: a damaged one gives keystore.ErrFormat.
package inventory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/mqttpki/mqttpki/keystore"
)

// Version is the layout that this package reads and writes. It stands in the file.
const Version = 1

// The kinds of error that callers act on, beside keystore's ErrExists (a live name), ErrLocked and ErrFormat.
var (
	ErrNotFound    = errors.New("not found")                         // no such entry, or no inventory at all
	ErrVersion     = errors.New("made by another version")           // of mqttpki; the text says which layout it has
	ErrState       = errors.New("not possible in its state")         // the entry is not in a state that allows the step
	ErrSerialTaken = errors.New("the serial number is taken")        // choose another one
	ErrCaseOnly    = errors.New("it differs only in case")           // says why a name is taken, beside keystore.ErrExists
	ErrLive        = errors.New("has a live certificate under it")   // says the same of a name that is in use
	ErrAmbiguous   = errors.New("more than one certificate fits it") // say which by serial
)

// defaultBusyTimeout is how long a write waits for other processes.
const defaultBusyTimeout = 30 * time.Second

// readers is how many connections List and Find may use at once beside the one writer.
const readers = 4

// Options tunes Open. The zero value opens what is there.
type Options struct {
	Create      bool          // make a new file, mode 0600, and fail with keystore.ErrExists if there is one
	BusyTimeout time.Duration // how long a write waits for other processes; 0 means 30 s
}

// DB is an open inventory. It is safe for concurrent use.
type DB struct {
	path  string
	write *sql.DB // one connection; its transactions begin with the write lock
	read  *sql.DB
}

// Open opens the inventory at path. It fails with ErrNotFound where there is none, with ErrVersion for one of another
// layout and with keystore.ErrFormat for anything else.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	db, err := open(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("opening inventory %q: %w", path, kind(err))
	}
	return db, nil
}

func open(ctx context.Context, path string, opts Options) (*DB, error) {
	if opts.BusyTimeout <= 0 {
		opts.BusyTimeout = defaultBusyTimeout
	}
	if err := prepareFile(path, opts.Create); err != nil {
		return nil, err
	}
	db, err := connect(path, opts)
	if err != nil {
		return nil, err
	}
	if opts.Create {
		err = db.create(ctx)
	} else {
		err = db.checkVersion(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// prepareFile makes the empty file, or sees to it that there is one: SQLite would make it with the umask's mode.
func prepareFile(path string, create bool) error {
	if create {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return keystore.ErrExists
		}
		if err != nil {
			return err
		}
		return errors.Join(f.Chmod(0o600), f.Close())
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: not a regular file", keystore.ErrFormat)
	}
	return nil
}

// connect opens the two pools on an existing file.
func connect(path string, opts Options) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", dataSource(abs, opts, "immediate"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dataSource(abs, opts, "deferred"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	return &DB{path: path, write: write, read: read}, nil
}

// dataSource spells the connection for the driver. Commits are flushed to the disk (synchronous FULL): a certificate
// must not be usable before its entry is safe.
func dataSource(abs string, opts Options, txlock string) string {
	slashed := filepath.ToSlash(abs)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/ on Windows
	}
	query := url.Values{
		"mode":    {"rw"},
		"_txlock": {txlock},
		"_pragma": {
			"busy_timeout(" + strconv.FormatInt(opts.BusyTimeout.Milliseconds(), 10) + ")",
			"journal_mode(WAL)", "synchronous(FULL)", "trusted_schema(OFF)",
		},
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}).String()
}

// Close ends all use of the inventory. What was written before is on the disk whether Close is called or not.
func (db *DB) Close() error {
	if err := errors.Join(db.read.Close(), db.write.Close()); err != nil {
		return fmt.Errorf("closing inventory %q: %w", db.path, kind(err))
	}
	return nil
}

// create lays out a new file.
func (db *DB) create(ctx context.Context) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, layout); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta VALUES ('version', ?)`, strconv.Itoa(Version)); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// checkVersion refuses files that are not ours, or of another time.
func (db *DB) checkVersion(ctx context.Context) error {
	var version string
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'version'`).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows), err != nil && strings.Contains(err.Error(), "no such table"):
		return fmt.Errorf("%w: a database, but no inventory", keystore.ErrFormat)
	case err != nil:
		return err
	case version != strconv.Itoa(Version):
		return fmt.Errorf("%w: its layout is version %q, this program knows version %d", ErrVersion, version, Version)
	}
	return nil
}

// kind gives an error of SQLite the kind that callers test for.
func kind(err error) error {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return err
	}
	switch lite.Code() & 0xFF { // the low byte is the primary code, sqlite.org/rescode.html
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", keystore.ErrLocked, err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", keystore.ErrFormat, err)
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}
