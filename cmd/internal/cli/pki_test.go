package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// testWorld is a command line whose clock is the test's.
type testWorld struct {
	t   *testing.T
	dir string
	now time.Time
}

func newTestWorld(t *testing.T) *testWorld {
	return &testWorld{t: t, dir: filepath.Join(t.TempDir(), "pki"), now: time.Now().UTC()}
}

// run runs one command and returns its exit code and both streams.
func (w *testWorld) run(args ...string) (code int, out, errs string) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	d := &deps{
		in: strings.NewReader(""), out: &stdout, err: &stderr, env: func(string) (string, bool) { return "", false },
		now: func() time.Time { return w.now }, random: rand.Reader, pki: w.dir,
	}
	code = run(w.t.Context(), d, args)
	return code, stdout.String(), stderr.String()
}

// must runs a command that has to succeed.
func (w *testWorld) must(args ...string) string {
	w.t.Helper()
	code, out, errs := w.run(args...)
	require.Zero(w.t, code, "%v: %s", args, errs)
	return out
}

// TestStatusSaysWhatIsDueAsTimePasses moves the clock over the lives of a CRL, two certificates and the CAs.
func TestStatusSaysWhatIsDueAsTimePasses(t *testing.T) {
	w := newTestWorld(t)
	w.must("init-ca", "--ca-pass", "none", "-q")
	w.must("issue", "client", "year", "--format", "pem")
	w.must("issue", "client", "week", "--format", "pem", "--validity", "7d")
	start := w.now
	for _, tc := range []struct {
		name string
		days int
		want string // what is due, in order
	}{
		{"all is new", 0, ""},
		{"a short certificate is due in its last third", 5, "week"},
		{"and once it has expired", 8, "week"},
		{"a CRL a week before its end", 24, "ca/issuing.crl week"},
		{"what expired long ago is gone", 45, "ca/issuing.crl"},
		{"a month before a year is over", 340, "ca/issuing.crl year"},
		{"the root's CRL", 360, "ca/issuing.crl ca/root.crl year"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.now = start.AddDate(0, 0, tc.days)
			code, out, _ := w.run("status", "--json")
			var report statusReport
			require.NoError(t, json.Unmarshal([]byte(out), &report))
			var due []string
			for _, d := range report.Due {
				due = append(due, d.Name)
				assert.NotEmpty(t, d.Command)
			}
			assert.Equal(t, tc.want, strings.Join(due, " "))
			assert.Equal(t, tc.want != "", code == exitFound)
		})
	}
	w.now = start.AddDate(5, 0, -100)
	_, out, _ := w.run("status")
	assert.Contains(t, out, "expires soon: new certificates are cut short")

	// Renewed, and made anew, nothing is due.
	w.now = start.AddDate(0, 0, 340)
	w.must("renew", "year")
	w.must("crl")
	w.must("crl", "--root")
	w.must("status")
}

// TestAnInterruptedIssueIsSettledAndShown leaves what a crash leaves: a reserved serial, and a pending certificate.
func TestAnInterruptedIssueIsSettledAndShown(t *testing.T) {
	w := newTestWorld(t)
	w.must("init-ca", "--ca-pass", "none", "-q")
	inv, err := inventory.Open(t.Context(), filepath.Join(w.dir, ca.InventoryPath), inventory.Options{})
	require.NoError(t, err)
	require.NoError(t, inv.Batch(t.Context(), func(b *inventory.Batch) error {
		_, err := b.Reserve(inventory.Reservation{Serial: big.NewInt(7), Issuer: "x", Name: "cut-short", Role: "client", At: w.now})
		return err
	}))
	require.NoError(t, inv.Close())

	assert.Contains(t, w.must("status"), "client: 1 abandoned, 1 revoked")
	assert.Contains(t, w.must("list", "cut-short", "--csv"), "cut-short,client,abandoned,7,")
	w.must("issue", "client", "cut-short", "--format", "pem")
}

// TestKilledAtAnyMoment kills real processes in the midst of issuing. Whatever the moment, the next command opens the
// PKI, no name is half there, and every issued certificate has all its files.
func TestKilledAtAnyMoment(t *testing.T) {
	w := newTestWorld(t)
	w.must("init-ca", "--ca-pass", "none", "-q")
	program := mqttpkiOf(t)
	issue := func(name string) *exec.Cmd {
		return exec.Command(program, "issue", "client", name, "--pki", w.dir, "--format", "pem,p12")
	}
	start := time.Now()
	out, err := issue("whole").CombinedOutput()
	require.NoError(t, err, "%s", out)
	whole := time.Since(start)
	const rounds = 12
	for i := range rounds { // from before the beginning to about the end
		child := issue(fmt.Sprint("c", i))
		require.NoError(t, child.Start())
		time.Sleep(whole * time.Duration(i) / rounds)
		_ = child.Process.Kill()
		_ = child.Wait()
	}
	w.must("crl") // a certificate of which a part was seen is revoked; status asks for the list that says so
	w.must("status")
	var doc struct{ Rows []row }
	require.NoError(t, json.Unmarshal([]byte(w.must("list", "--json", "--role", "client")), &doc))
	known := map[string]bool{}
	for _, r := range doc.Rows {
		require.NotEqual(t, "reserved", r.State)
		require.NotEqual(t, "pending", r.State)
		if r.State != "issued" {
			continue
		}
		known[r.Name] = true
		for _, f := range r.Files {
			assert.FileExists(t, filepath.Join(w.dir, filepath.FromSlash(f)), r.Name)
		}
	}
	assert.True(t, known["whole"])
	for i := range rounds { // a name that was cut short can be issued now
		if name := fmt.Sprint("c", i); !known[name] {
			w.must("issue", "client", name, "--format", "pem,p12")
		}
	}
}

// mqttpkiOf returns the program for a test that has to kill it: the test binary under mqttpki's name, which TestMain
// looks at.
func mqttpkiOf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mqttpki")
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	return path
}

func TestEveryRuntimeHasItsSettings(t *testing.T) {
	for _, r := range runtimesFor(ca.RoleServer) {
		assert.Contains(t, r.text(runtimeValues{}), "mqttpki channels emit "+r.name)
		assert.NotEmpty(t, r.formats, r.name)
	}
	for _, r := range clientRuntimes {
		text := r.text(runtimeValues{Dir: "DIR", File: "FILE", Name: "NAME", Host: "broker.example", Topic: "t"})
		assert.Contains(t, text, "DIR/", r.name)
		assert.Contains(t, text, "broker.example", r.name)
		assert.NotContains(t, text, "<no value>")
		assert.NotEmpty(t, r.formats)
	}
}

func TestSettings(t *testing.T) {
	good, err := parseSettings(settingsText(nil, ca.RSA2048))
	require.NoError(t, err)
	assert.Equal(t, ca.RSA2048, good.Profiles[ca.RoleServer].KeyType)
	assert.Equal(t, 397*day, good.Profiles[ca.RoleServer].Validity)
	assert.Equal(t, 30*day, good.CRLValidity)

	for _, tc := range []struct {
		name, text, says string
	}{
		{"no schema", "renew_before: 30d\n", "schema: is missing"},
		{"a profile of no role", "schema: mqttpki.pki/1\nprofiles:\n  lamp: {validity: 7d}\n", "line 3, column"},
		{"a role's profile for another role", "schema: mqttpki.pki/1\nprofiles:\n  client: {role: server}\n", "line 3, column 18"},
		{"a subject with a CN", "schema: mqttpki.pki/1\nsubject: \"CN=x\"\n", "line 2, column 10"},
		{"a key type", "schema: mqttpki.pki/1\nprofiles: {client: {key_type: dsa}}\n", "profiles.client.key_type"},
		{"several at once", "schema: mqttpki.pki/1\ncrl: {validity: x}\nrenew_before: y\n", "line 3"},
	} {
		_, err := parseSettings([]byte(tc.text))
		require.Error(t, err, tc.name)
		assert.Contains(t, err.Error(), tc.says, tc.name)
	}
}

func TestACommandThatIsInterruptedSaysSoAndLeavesNothing(t *testing.T) {
	w := newTestWorld(t)
	w.must("init-ca", "--ca-pass", "none", "-q")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	d := &deps{in: strings.NewReader(""), out: io.Discard, err: &stderr, now: func() time.Time { return w.now }, random: rand.Reader, pki: w.dir}
	assert.Equal(t, exitInterrupted, run(ctx, d, []string{"issue", "client", "a"}))
	assert.Contains(t, stderr.String(), "hint: ")
	assert.NoDirExists(t, filepath.Join(w.dir, "client"))
}

func TestALockedPKIIsExitSeven(t *testing.T) {
	w := newTestWorld(t)
	w.must("init-ca", "--ca-pass", "none", "-q")
	held, err := safefile.Lock(t.Context(), filepath.Join(w.dir, cleanLock), 0)
	require.NoError(t, err)
	code, _, errs := w.run("clean", "--yes")
	assert.Equal(t, exitLocked, code)
	assert.Contains(t, errs, "locked by another process")
	require.NoError(t, held.Release())
	w.must("clean", "--yes")
	assert.NoDirExists(t, w.dir)
}

func TestNamesInHintsCanBePasted(t *testing.T) {
	for name, want := range map[string]string{
		"sensor-17": "sensor-17", "a b": "'a b'", "-rf": "-- '-rf'", "$(reboot)": "'$(reboot)'", "it's": `'it'\''s'`, "": "''",
	} {
		assert.Equal(t, want, word(name))
	}
}
