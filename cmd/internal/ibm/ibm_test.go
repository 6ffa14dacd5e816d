package ibm

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// variables reads the defaults of scripts/initcert.sh, with certpath in dir.
func variables(t testing.TB, dir string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../../scripts/initcert.sh")
	require.NoError(t, err)
	vars := map[string]string{"certpath": dir}
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)="\$\{\w+:-(.*)\}"$`).FindAllStringSubmatch(string(text), -1) {
		if _, set := vars[m[1]]; !set {
			vars[m[1]] = os.Expand(m[2], func(name string) string { return vars[name] })
		}
	}
	vars["algorithm"] = "EC"
	return vars
}

func newJob(t testing.TB, vars map[string]string, now time.Time) *Job {
	t.Helper()
	look := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	settings, err := ReadSettings(look)
	require.NoError(t, err)
	return &Job{
		Settings: settings, Now: func() time.Time { return now }, Random: rand.Reader,
		Passwords: &Passwords{
			Look: look, File: settings.Password,
			Read: func(path string) (keystore.Secret, error) {
				data, err := os.ReadFile(path)
				return keystore.Secret(strings.TrimSuffix(string(data), "\n")), err
			},
			MakeUp: func() (keystore.Secret, error) { return keystore.Secret("made up"), nil },
		},
	}
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func lines(r *Report) (all []string) {
	for _, f := range r.Files {
		line := filepath.Base(f.Path) + ": " + f.What
		if f.Kept {
			line += " (unchanged)"
		}
		all = append(all, line)
	}
	return all
}

func TestCASignedInAnEmptyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certificates")
	job := newJob(t, variables(t, dir), noon)
	r, err := job.CASigned(context.Background())
	require.NoError(t, err)
	assert.Equal(t, []string{
		"cakeystore.jks: key caalias",
		"cacert.cer: the CA's certificate, PEM",
		"cltcertreq.csr: the client's certificate request, PEM",
		"cltcacertsigned.cer: the client's certificate, DER",
		"srvcertreq.csr: the server's certificate request, PEM",
		"srvcertcasigned.cer: the server's certificate, DER",
		"srvkeystore.jks: key srvalias, trusted caalias",
		"cltkeystore.jks: key cltalias",
		"cltkeystore.p12: key cltalias",
		"cltkeystore.pem: key cltalias",
		"cltcatruststore.jks: trusted caalias",
		"cltcatruststore.p12: trusted caalias",
		"cltcatruststore.pem: trusted caalias",
	}, lines(r))
	assert.Len(t, r.Warnings, 1)
	assert.Len(t, r.Notices, 1)
	data, err := os.ReadFile(job.Password)
	require.NoError(t, err)
	assert.Equal(t, "made up\n", string(data))

	// Again: nothing changes, and the CA's key is not needed.
	require.NoError(t, os.Rename(job.PKI+"/ca/root.key", job.PKI+"/ca/away"))
	r, err = newJob(t, variables(t, dir), noon).CASigned(context.Background())
	require.NoError(t, err)
	for _, f := range r.Files {
		assert.True(t, f.Kept, f.Path)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, "*.bak"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

// A certificate that has expired is made anew for the same key; it does not outlive the CA, and the report says so.
func TestExpiredCertificatesAreRenewed(t *testing.T) {
	vars := variables(t, t.TempDir())
	vars["validity"] = "10"
	_, err := newJob(t, vars, noon).CASigned(context.Background())
	require.NoError(t, err)
	later := newJob(t, vars, noon.Add(10*24*time.Hour+time.Minute))
	r, err := later.CASigned(context.Background())
	require.NoError(t, err)
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "ends with the CA's")
	data, err := os.ReadFile(later.Server.KeyStore)
	require.NoError(t, err)
	store, err := later.decode(later.Server.KeyStore, later.Server.KeyPassword, data)
	require.NoError(t, err)
	assert.Equal(t, later.Now().Add(24*time.Hour-time.Minute), store.Identities[0].Leaf().X509.NotAfter)
}

// A revoked certificate is not signed again for the same key; with the key gone, a new one is made, and the stores with
// the old key are not lost.
func TestRevokedCertificatesAreNotSignedAgain(t *testing.T) {
	ctx := context.Background()
	vars := variables(t, t.TempDir())
	job := newJob(t, vars, noon)
	_, err := job.CASigned(ctx)
	require.NoError(t, err)
	a, err := job.openCA(ctx)
	require.NoError(t, err)
	_, err = a.home.Revoke(ctx, []string{"mqttclient.ibm.id.com"}, inventory.Reason(1))
	require.NoError(t, err)
	require.NoError(t, a.home.Close())

	r, err := newJob(t, vars, noon).CASigned(ctx)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(r.Warnings, "\n"), "the client's certificate was revoked")
	before, err := os.ReadFile(job.ClientP12)
	require.NoError(t, err)
	require.NoError(t, os.Remove(job.Client.KeyStore))
	r, err = newJob(t, vars, noon).CASigned(ctx)
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(r.Warnings, "\n"), "revoked")
	old, err := os.ReadFile(job.ClientP12 + ".20260504T120000Z.bak")
	require.NoError(t, err)
	assert.Equal(t, before, old)
}

func TestServerNames(t *testing.T) {
	for _, tc := range []struct{ subject, host, want string }{
		{"CN=mqttserver.ibm.id.com, C=GB", "localhost", "dns:mqttserver.ibm.id.com dns:localhost"},
		{"CN=mqttserver.ibm.id.com, C=GB", "192.0.2.7", "dns:mqttserver.ibm.id.com ip:192.0.2.7 dns:localhost"},
		{"CN=Our Broker, C=GB", "mq.example.com", "dns:mq.example.com dns:localhost"},
	} {
		vars := variables(t, t.TempDir())
		vars["srvdname"], vars["host"] = tc.subject, tc.host
		job := newJob(t, vars, noon)
		_, err := job.CASigned(context.Background())
		require.NoError(t, err)
		der, err := os.ReadFile(job.Server.CASigned)
		require.NoError(t, err)
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		var got []string
		for _, san := range ca.CertificateSANs(cert) {
			got = append(got, san.String())
		}
		assert.ElementsMatch(t, strings.Fields(tc.want), got)
	}
}

// A subject that old scripts took and brokers may stumble over is still taken, and said.
func TestAnyClientName(t *testing.T) {
	vars := variables(t, t.TempDir())
	vars["cltdname"] = "CN=Fräulein Müller, O=IBM"
	r, err := newJob(t, vars, noon).CASigned(context.Background())
	require.NoError(t, err)
	assert.Greater(t, len(r.Warnings), 1)
}

func TestCleanKeepsTheCAAndWhatOthersMade(t *testing.T) {
	dir := t.TempDir()
	job := newJob(t, variables(t, dir), noon)
	_, err := job.CASigned(context.Background())
	require.NoError(t, err)
	other := *job
	other.PKI = dir
	made, err := other.Made()
	require.NoError(t, err)
	assert.NotContains(t, made, dir, "any folder at all would be moved away")
	theirs := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(theirs, []byte("theirs"), 0o600))

	made, err = job.Made()
	require.NoError(t, err)
	assert.Len(t, made, 14)
	backup, err := job.Clean(made)
	require.NoError(t, err)
	assert.Equal(t, job.PKI+".20260504T120000Z.bak", backup)
	assert.FileExists(t, backup+"/ca/root.key")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	assert.Equal(t, []string{lockName, "notes.txt", "password.txt", filepath.Base(backup)}, left)
	made, err = job.Made()
	require.NoError(t, err)
	assert.Empty(t, made)
}

// A folder of the old scripts is taken for what it is, whichever parts of it are missing.
func TestSettingsNameWhatIsWrong(t *testing.T) {
	vars := variables(t, t.TempDir())
	delete(vars, "certpath")
	vars["caalias"] = ""
	vars["validity"] = "forever"
	_, err := ReadSettings(func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	require.ErrorIs(t, err, ErrSetting)
	assert.Contains(t, err.Error(), "not set: certpath caalias")
	assert.Contains(t, err.Error(), `validity is "forever"`)
}

func TestPasswordsAreFoundInOrder(t *testing.T) {
	vars := map[string]string{"a": "own", "password": "common"}
	p := &Passwords{
		Look:   func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Read:   func(string) (keystore.Secret, error) { return nil, fs.ErrPermission },
		MakeUp: func() (keystore.Secret, error) { panic("none is needed") },
	}
	for name, want := range map[string]string{"a": "own", "b": "common"} {
		got, err := p.Of(name)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	delete(vars, "password")
	p.common = nil
	_, err := p.Of("b")
	assert.ErrorIs(t, err, fs.ErrPermission, "an unreadable password file is no reason to make up another password")
}
