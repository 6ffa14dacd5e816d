package inventory

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// noon is now in these tests; certificates of certificate end a year later.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// fresh makes an inventory in a new directory.
func fresh(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "inventory.db"), Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// certificate returns the DER of a self-signed certificate with the serial.
func certificate(t testing.TB, serial int64, name string) []byte {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"o"}},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.AddDate(1, 0, 0),
		DNSNames: []string{"a.example"}, IPAddresses: []net.IP{net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	require.NoError(t, err)
	return der
}

// reserve takes a serial in a transaction of its own.
func reserve(ctx context.Context, db *DB, r Reservation) (id int64, err error) {
	if r.Issuer == "" {
		r.Issuer = "issuing"
	}
	if r.At.IsZero() {
		r.At = noon
	}
	err = db.Batch(ctx, func(b *Batch) error {
		id, err = b.Reserve(r)
		return err
	})
	return id, err
}

// issue takes a certificate through all steps in one transaction.
func issue(t testing.TB, db *DB, serial int64, name, role string, replaces int64) int64 {
	t.Helper()
	var id int64
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) (err error) {
		id, err = b.Reserve(Reservation{Serial: big.NewInt(serial), Issuer: "issuing", Name: name, Role: role, At: noon, Replaces: replaces})
		if err != nil {
			return err
		}
		if err := b.Record(id, certificate(t, serial, name), []string{role + "/" + name + ".crt"}); err != nil {
			return err
		}
		return b.Issued(id, noon)
	}))
	return id
}

// list collects a listing.
func list(t testing.TB, db *DB, f Filter) []Entry {
	t.Helper()
	var all []Entry
	for e, err := range db.List(t.Context(), f) {
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

func names(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Name)
	}
	return out
}

func TestLifeOfACertificate(t *testing.T) {
	db := fresh(t)
	serial := int64(0xABCDEF)
	id, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(serial), Name: "sensor-17", Role: "client"})
	require.NoError(t, err)
	der := certificate(t, serial, "sensor-17")

	for _, step := range []struct {
		name string
		do   func(*Batch) error
		want State
	}{
		{"reserve", func(*Batch) error { return nil }, Reserved},
		{"record", func(b *Batch) error { return b.Record(id, der, []string{"client/sensor-17/sensor-17.crt"}) }, Pending},
		{"issued", func(b *Batch) error { return b.Issued(id, noon) }, Issued},
		{"revoke", func(b *Batch) error { return b.Revoke(id, noon.Add(time.Minute), 1) }, Revoked},
	} {
		require.NoError(t, db.Batch(t.Context(), step.do), step.name)
		found, err := db.Find(t.Context(), "sensor-17")
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.Equal(t, step.want, found[0].State, step.name)
	}

	found, err := db.Find(t.Context(), "00:AB:cd:EF")
	require.NoError(t, err)
	e := found[0]
	assert.Equal(t, "abcdef", e.Serial)
	assert.Equal(t, "CN=sensor-17,O=o", e.Subject)
	assert.Equal(t, []string{"dns:a.example", "ip:::1"}, e.SANs)
	assert.Equal(t, []string{"client/sensor-17/sensor-17.crt"}, e.Files)
	assert.Equal(t, noon.AddDate(1, 0, 0), e.NotAfter)
	assert.Equal(t, noon.Add(time.Minute), e.RevokedAt)
	assert.Equal(t, "keyCompromise", e.Reason.String())
	assert.Equal(t, time.UTC, e.NotBefore.Location())

	byPrint, err := db.Find(t.Context(), e.SHA256)
	require.NoError(t, err)
	assert.Equal(t, found, byPrint)
	got, err := db.Certificate(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, der, got)
	_, err = db.Certificate(t.Context(), id+1)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = db.Find(t.Context(), "nobody")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestStepsOutOfOrderAreRefused(t *testing.T) {
	db := fresh(t)
	reserved, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(1), Name: "reserved", Role: "client"})
	require.NoError(t, err)
	issued := issue(t, db, 2, "issued", "client", 0)
	revoked := issue(t, db, 3, "revoked", "client", 0)
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(revoked, noon, 0) }))

	for name, tc := range map[string]struct {
		do   func(*Batch) error
		want error
	}{
		"marking what is only reserved":    {func(b *Batch) error { return b.Issued(reserved, noon) }, ErrState},
		"revoking what is only reserved":   {func(b *Batch) error { return b.Revoke(reserved, noon, 0) }, ErrState},
		"revoking twice":                   {func(b *Batch) error { return b.Revoke(revoked, noon, 1) }, ErrState},
		"abandoning what is issued":        {func(b *Batch) error { return b.Abandon(issued, "") }, ErrState},
		"another certificate's serial":     {func(b *Batch) error { return b.Record(reserved, certificate(t, 9, "x"), nil) }, ErrState},
		"recording twice":                  {func(b *Batch) error { return b.Record(issued, certificate(t, 2, "x"), nil) }, ErrState},
		"recording what is no certificate": {func(b *Batch) error { return b.Record(reserved, []byte("x"), nil) }, keystore.ErrFormat},
		"an entry that is not there":       {func(b *Batch) error { return b.Issued(99, noon) }, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			before := list(t, db, Filter{})
			require.ErrorIs(t, db.Batch(t.Context(), tc.do), tc.want)
			assert.Equal(t, before, list(t, db, Filter{}))
		})
	}
	for _, bad := range []Reason{6, 7, 8, 11, -1} {
		assert.Error(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(issued, noon, bad) }), "reason %d", bad)
	}
}

func TestABatchHappensWhollyOrNotAtAll(t *testing.T) {
	db := fresh(t)
	err := db.Batch(t.Context(), func(b *Batch) error {
		for serial := range int64(5) {
			if _, err := b.Reserve(Reservation{Serial: big.NewInt(serial%4 + 1), Issuer: "issuing", At: noon, AnyName: true}); err != nil {
				return err
			}
		}
		return nil
	})
	require.ErrorIs(t, err, ErrSerialTaken)
	assert.Empty(t, list(t, db, Filter{}))
}

func TestANameIsTakenWhileItIsLive(t *testing.T) {
	db := fresh(t)
	first := issue(t, db, 1, "sensor-17", "client", 0)
	issue(t, db, 2, "broker", "server", 0)
	clients := []string{"client", "bridge"}

	for _, tc := range []struct {
		name string
		r    Reservation
		says string // "" for allowed
	}{
		{"the same name", Reservation{Name: "sensor-17", Role: "client"}, "live certificate"},
		{"in another role of the same space", Reservation{Name: "sensor-17", Role: "bridge", Among: clients}, "live certificate"},
		{"another spelling", Reservation{Name: "Sensor-17", Role: "client"}, "differs only in case"},
		{"another spelling is no renewal", Reservation{Name: "Sensor-17", Role: "client", Among: clients}, "differs only in case"},
		{"a role with its own space", Reservation{Name: "broker", Role: "client", Among: clients}, ""},
		{"one space for all", Reservation{Name: "broker", Role: "client"}, "live certificate"},
		{"after it has expired", Reservation{Name: "sensor-17", Role: "client", At: noon.AddDate(1, 0, 1)}, ""},
		{"as a renewal", Reservation{Name: "sensor-17", Role: "client", Replaces: first}, ""},
		{"where names do not count", Reservation{Name: "sensor-17", Role: "root", AnyName: true}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.r.Serial = big.NewInt(100)
			id, err := reserve(t.Context(), db, tc.r)
			if tc.says == "" {
				require.NoError(t, err)
				_, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(101), Name: tc.r.Name, Role: tc.r.Role, At: noon})
				require.ErrorIs(t, err, keystore.ErrExists, "a reserved name is taken too")
				_, err = db.write.Exec(`DELETE FROM entries WHERE id = ?`, id)
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, keystore.ErrExists)
			assert.Contains(t, err.Error(), tc.says)
			assert.Contains(t, err.Error(), tc.r.Name)
		})
	}
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(first, noon, 4) }))
	_, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(102), Name: "SENSOR-17", Role: "client"})
	require.NoError(t, err, "a revoked name is free")
}

func TestRenewalSupersedes(t *testing.T) {
	db := fresh(t)
	first := issue(t, db, 1, "a", "client", 0)
	second := issue(t, db, 2, "a", "client", first)
	found, err := db.Find(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, Superseded, found[0].State)
	assert.Equal(t, first, found[1].Replaces)

	current, err := db.Current(t.Context(), "a", noon)
	require.NoError(t, err)
	assert.Equal(t, second, current.ID)
	old, err := db.Current(t.Context(), "1", noon)
	require.NoError(t, err, "a serial finds what is not live too")
	assert.Equal(t, first, old.ID)
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(first, noon, 4) }), "what is superseded can still be revoked")

	_, err = db.Current(t.Context(), "a", noon.AddDate(2, 0, 0))
	require.ErrorIs(t, err, ErrNotFound)
	assert.Contains(t, err.Error(), "expired")
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error {
		id, err := b.Reserve(Reservation{Serial: big.NewInt(3), Issuer: "issuing", Name: "a", Role: "server", At: noon, AnyName: true})
		_ = id
		return err
	}))
	_, err = db.Current(t.Context(), "a", noon)
	require.ErrorIs(t, err, ErrAmbiguous)
	current, err = db.Current(t.Context(), "a", noon, "client")
	require.NoError(t, err)
	assert.Equal(t, second, current.ID)
}

// TestCurrentWhileBeingRenewed: a renewal on its way does not make the name ambiguous.
func TestCurrentWhileBeingRenewed(t *testing.T) {
	db := fresh(t)
	first := issue(t, db, 1, "a", "client", 0)
	_, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(2), Name: "a", Role: "client", Replaces: first, At: noon})
	require.NoError(t, err)
	current, err := db.Current(t.Context(), "a", noon)
	require.NoError(t, err)
	assert.Equal(t, first, current.ID)
}

func TestListFilters(t *testing.T) {
	db := fresh(t)
	issue(t, db, 1, "a", "client", 0)
	issue(t, db, 2, "b", "server", 0)
	revoked := issue(t, db, 3, "c", "client", 0)
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(revoked, noon, 0) }))
	_, err := reserve(t.Context(), db, Reservation{Serial: big.NewInt(4), Name: "d", Role: "client", Issuer: "root"})
	require.NoError(t, err)
	later := noon.AddDate(2, 0, 0)

	for _, tc := range []struct {
		name   string
		filter Filter
		want   []string
	}{
		{"all, in the order of issue", Filter{}, []string{"a", "b", "c", "d"}},
		{"by role", Filter{Roles: []string{"client", "bridge"}}, []string{"a", "c", "d"}},
		{"issued", Filter{States: []State{Issued}, Now: noon}, []string{"a", "b"}},
		{"expired now", Filter{States: []State{Expired}, Now: noon}, nil},
		{"expired later", Filter{States: []State{Expired, Reserved}, Now: later}, []string{"a", "b", "d"}},
		{"revoked stays revoked", Filter{States: []State{Revoked}}, []string{"c"}},
		{"revoked since", Filter{RevokedSince: noon}, []string{"c"}},
		{"revoked since later", Filter{RevokedSince: noon.Add(time.Second)}, nil},
		{"expiring", Filter{ExpiringBefore: later}, []string{"a", "b", "c"}},
		{"still valid then", Filter{ExpiringAfter: later}, nil},
		{"by issuer", Filter{Issuer: "root"}, []string{"d"}},
		{"by name", Filter{Name: "b"}, []string{"b"}},
		{"names are exact", Filter{Name: "B"}, nil},
		{"by id", Filter{IDs: []int64{2, 4, 99}}, []string{"b", "d"}},
		{"by no id", Filter{IDs: []int64{}}, nil},
		{"a page", Filter{AfterID: 1, Limit: 2}, []string{"b", "c"}},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, names(list(t, db, tc.filter))) })
	}
	for _, err := range db.List(t.Context(), Filter{States: []State{Issued}}) {
		assert.Error(t, err, "issued without a clock")
	}

	counts, err := db.Counts(t.Context(), later)
	require.NoError(t, err)
	assert.Equal(t, []Count{{"client", Expired, 1}, {"client", Reserved, 1}, {"client", Revoked, 1}, {"server", Expired, 1}}, counts)
}

func TestWritingWhileListing(t *testing.T) {
	db := fresh(t)
	for serial := range int64(50) {
		issue(t, db, serial+1, "n"+big.NewInt(serial).String(), "client", 0)
	}
	n := 0
	for e, err := range db.List(t.Context(), Filter{}) {
		require.NoError(t, err)
		require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.Revoke(e.ID, noon, 0) }))
		n++
	}
	assert.Equal(t, 50, n)
	assert.Len(t, list(t, db, Filter{States: []State{Revoked}}), 50)
}

func TestCRLNumbersOnlyRise(t *testing.T) {
	db := fresh(t)
	_, err := db.LastCRL(t.Context(), "root")
	require.ErrorIs(t, err, ErrNotFound)
	next := func(issuer string, atLeast int64) (n int64) {
		require.NoError(t, db.Batch(t.Context(), func(b *Batch) (err error) {
			n, err = b.ReserveCRLNumber(issuer, atLeast)
			return err
		}))
		return n
	}
	assert.EqualValues(t, 1, next("root", 0))
	assert.EqualValues(t, 2, next("root", 0))
	assert.EqualValues(t, 1, next("issuing", 0))
	assert.EqualValues(t, 500, next("issuing", 500))
	assert.EqualValues(t, 501, next("issuing", 3))

	want := CRL{Issuer: "issuing", Number: 500, ThisUpdate: noon, NextUpdate: noon.AddDate(0, 0, 30), Entries: 2, SHA256: "ab"}
	older := want
	older.Number = 7
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.RecordCRL(want) }))
	require.NoError(t, db.Batch(t.Context(), func(b *Batch) error { return b.RecordCRL(older) }))
	assert.Error(t, db.Batch(t.Context(), func(b *Batch) error { return b.RecordCRL(want) }), "a number twice")
	got, err := db.LastCRL(t.Context(), "issuing")
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, do func(path string)) string {
		path := filepath.Join(dir, name)
		do(path)
		return path
	}
	file := func(content string) func(string) {
		return func(path string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	statement := func(sqls ...string) func(string) {
		return func(path string) {
			db, err := Open(t.Context(), path, Options{Create: true})
			require.NoError(t, err)
			require.NoError(t, db.Close())
			raw, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			for _, s := range sqls {
				_, err = raw.Exec(s)
				require.NoError(t, err)
			}
			require.NoError(t, raw.Close())
		}
	}
	for _, tc := range []struct {
		name string
		path string
		want error
		says string
	}{
		{"nothing there", filepath.Join(dir, "none"), ErrNotFound, "none"},
		{"a directory", make("dir", func(p string) { require.NoError(t, os.Mkdir(p, 0o700)) }), keystore.ErrFormat, "regular"},
		{"text", make("text", file("this is no database, but it is long enough to look like a header of one........")), keystore.ErrFormat, "text"},
		{"an empty file", make("empty", file("")), keystore.ErrFormat, "no inventory"},
		{"somebody else's database", make("other", statement(`DROP TABLE meta`)), keystore.ErrFormat, "no inventory"},
		{"a newer layout", make("newer", statement(`UPDATE meta SET value = '7'`)), ErrVersion, `version "7"`},
		{"no version", make("noversion", statement(`DELETE FROM meta`)), keystore.ErrFormat, "no inventory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(t.Context(), tc.path, Options{})
			require.ErrorIs(t, err, tc.want)
			assert.Contains(t, err.Error(), tc.says)
		})
	}
	_, err := Open(t.Context(), filepath.Join(dir, "text"), Options{Create: true})
	require.ErrorIs(t, err, keystore.ErrExists)
}

func TestOddPathsAndExactMode(t *testing.T) {
	for _, name := range []string{"a b%20c", "q#x", "ümlaut", "per%cent", "amp&=+"} {
		dir := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.Mkdir(dir, 0o700))
		path := filepath.Join(dir, "inventory.db")
		db, err := Open(t.Context(), path, Options{Create: true})
		require.NoError(t, err, name)
		issue(t, db, 1, "a", "client", 0)
		if runtime.GOOS != "windows" {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				info, err := os.Stat(path + suffix)
				require.NoError(t, err)
				assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
			}
		}
		require.NoError(t, db.Close())
		db, err = Open(t.Context(), path, Options{})
		require.NoError(t, err, name)
		assert.Len(t, list(t, db, Filter{}), 1)
		require.NoError(t, db.Close())
	}
}

func TestAnEndedContextLeavesNothing(t *testing.T) {
	db := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Batch(ctx, func(b *Batch) error {
		_, err := b.Reserve(Reservation{Serial: big.NewInt(1), Issuer: "i", Name: "a", At: noon})
		cancel()
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, list(t, db, Filter{}))
	issue(t, db, 1, "a", "client", 0)
}

func TestReasonsAndStatesAreReadByName(t *testing.T) {
	for _, name := range Reasons() {
		r, err := ParseReason(name)
		require.NoError(t, err)
		assert.Equal(t, name, r.String())
	}
	r, err := ParseReason("key-compromise")
	require.NoError(t, err)
	assert.Equal(t, Reason(1), r)
	_, err = ParseReason("certificateHold")
	assert.ErrorContains(t, err, "keyCompromise")
	for _, s := range States() {
		got, err := ParseState(string(s))
		require.NoError(t, err)
		assert.Equal(t, s, got)
	}
	_, err = ParseState("gone")
	assert.Error(t, err)
}
