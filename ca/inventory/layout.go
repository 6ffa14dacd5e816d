package inventory

// layout is the file's schema, version 1. Times are whole seconds since 1970 UTC, NULL while unknown; ids count up in
// the order of issue; fold is the name with case taken out (see [Fold]). DER lies in a table of its own, so that lists
// of a million entries do not read it.
const layout = `
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
	id          INTEGER PRIMARY KEY,
	serial      TEXT NOT NULL,
	issuer      TEXT NOT NULL,
	name        TEXT NOT NULL,
	fold        TEXT NOT NULL,
	role        TEXT NOT NULL,
	state       TEXT NOT NULL CHECK (state IN ('reserved', 'pending', 'issued', 'revoked', 'superseded', 'abandoned')),
	subject     TEXT NOT NULL DEFAULT '',
	sans        TEXT NOT NULL DEFAULT '[]',
	files       TEXT NOT NULL DEFAULT '[]',
	not_before  INTEGER,
	not_after   INTEGER,
	sha256      TEXT,
	key_sha256  TEXT,
	reserved_at INTEGER NOT NULL,
	issued_at   INTEGER,
	revoked_at  INTEGER,
	reason      INTEGER NOT NULL DEFAULT 0,
	replaces    INTEGER REFERENCES entries (id),
	note        TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX entries_serial ON entries (serial, issuer);
CREATE INDEX entries_fold ON entries (fold);
CREATE INDEX entries_sha256 ON entries (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX entries_due ON entries (state, not_after);

CREATE TABLE certificates (
	id  INTEGER PRIMARY KEY REFERENCES entries (id),
	der BLOB NOT NULL
) STRICT;

CREATE TABLE crls (
	id          INTEGER PRIMARY KEY,
	issuer      TEXT NOT NULL,
	number      INTEGER NOT NULL,
	this_update INTEGER NOT NULL,
	next_update INTEGER NOT NULL,
	entries     INTEGER NOT NULL,
	sha256      TEXT NOT NULL,
	UNIQUE (issuer, number)
) STRICT;

CREATE TABLE crl_numbers (
	issuer TEXT PRIMARY KEY,
	last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
