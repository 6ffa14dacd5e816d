package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
)

// person is a terminal with somebody at it who types the answers, one a question.
type person struct {
	answers []string
	asked   int
	env     map[string]string // variables
}

func (p *person) read() ([]byte, error) {
	p.asked++
	if p.asked > len(p.answers) {
		return nil, io.EOF
	}
	return []byte(p.answers[p.asked-1]), nil
}

// atTerminal runs a command line with a person at the terminal and returns what it printed and its exit code.
func atTerminal(p *person, args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	d := &deps{
		in: strings.NewReader(""), out: &stdout, err: &stderr, now: time.Now, random: rand.Reader, isTerm: true, readSafe: p.read, pki: "pki",
		env: func(name string) (string, bool) { value, ok := p.env[name]; return value, ok },
	}
	d.stdinLine = &lineReader{r: d.in}
	code = run(context.Background(), d, args)
	return stdout.String(), stderr.String(), code
}

// stores writes one key with its certificate as every format, and returns the folder. The JKS's key has another
// password than its store.
func stores(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	id := testIdentity(t, "dev")
	identity := &keystore.Store{Identities: []keystore.Identity{id}}
	trust := &keystore.Store{Anchors: []keystore.Anchor{{Alias: "ca", Certificate: id.Chain[0]}}}
	writeStore(t, dir, "dev.p12", "p12", identity, "storepass", "")
	writeStore(t, dir, "again.p12", "p12", identity, "storepass", "")
	writeStore(t, dir, "dev.jks", "jks", identity, "storepass", "keypass")
	writeStore(t, dir, "dev.pem", "pem", identity, "storepass", "")
	writeStore(t, dir, "empty.p12", "p12", identity, "", "")
	writeStore(t, dir, "trust.jks", "jks", trust, "storepass", "")
	return dir
}

// testIdentity is a key with a certificate that it signed itself.
func testIdentity(t *testing.T, alias string) keystore.Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: alias}, NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private, err := keystore.NewPrivateKey(pkcs8)
	require.NoError(t, err)
	return keystore.Identity{Alias: alias, Key: private, Chain: []keystore.Certificate{keystore.NewCertificate(der)}}
}

// writeStore writes a store at the cost of one round; an empty key password is the store's.
func writeStore(t *testing.T, dir, name, format string, s *keystore.Store, pass, keyPass string) {
	t.Helper()
	o := keystore.EncodeOptions{Password: keystore.Secret(pass), Iterations: 1, Random: rand.Reader, Now: time.Now()}
	if keyPass != "" {
		o.KeyPassword = keystore.Secret(keyPass)
	}
	data, _, err := formats.Encode(format, s, o)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

// TestPasswordsAreAskedForAsAPersonWants: only where one is needed, once a file, and never where a flag, a file beside the
// store or the empty password will do.
func TestPasswordsAreAskedForAsAPersonWants(t *testing.T) {
	dir := stores(t)
	for _, tc := range []struct {
		name    string
		answers []string
		args    []string
		asked   int
		code    int
	}{
		{"a store", []string{"storepass"}, []string{"convert", "dev.p12", "out.pem", "--out-pass", "none"}, 1, exitDone},
		{"an encrypted key", []string{"storepass"}, []string{"convert", "dev.pem", "out.pem", "--out-pass", "none"}, 1, exitDone},
		{"a store and its key", []string{"storepass", "keypass"}, []string{"convert", "dev.jks", "out.pem", "--out-pass", "none"}, 2, exitDone},
		{"the empty one is tried silently", nil, []string{"convert", "empty.p12", "out.pem", "--out-pass", "none"}, 0, exitDone},
		{"a wrong one is an error, and not asked for again", []string{"wrong"}, []string{"convert", "dev.p12", "out.pem", "--out-pass", "none"}, 1, exitPassword},
		{"none at all", []string{""}, []string{"convert", "dev.p12", "out.pem", "--out-pass", "none"}, 1, exitPassword},
		{"a JKS trust store can do without", []string{""}, []string{"convert", "trust.jks", "out.pem"}, 1, exitDone},
		{"a new one is asked for twice", []string{"storepass", "new", "new"}, []string{"convert", "dev.p12", "out.p12", "--out-pass", "prompt"}, 3, exitDone},
		{"a slip in the new one", []string{"storepass", "new", "newer"}, []string{"convert", "dev.p12", "out.p12", "--out-pass", "prompt"}, 3, exitUsage},
		{"inspect without", []string{""}, []string{"inspect", "dev.p12"}, 1, exitDone},
		{"inspect with", []string{"storepass"}, []string{"inspect", "dev.p12"}, 1, exitDone},
		{"inspect of what is open", nil, []string{"inspect", "empty.p12"}, 0, exitDone},
		{"of many files once for all", []string{"storepass"}, []string{"convert", "auto", "pem", "dev.p12", "again.p12", "empty.p12", "--out-dir", "many", "--out-pass", "none"}, 1, exitDone},
		{"of many files, and nothing said", []string{""}, []string{"convert", "auto", "pem", "dev.p12", "again.p12", "--out-dir", "none", "--out-pass", "none"}, 1, exitPassword},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(dir)
			for _, name := range []string{"out.pem", "out.p12"} {
				_ = os.Remove(name)
			}
			p := &person{answers: tc.answers}
			out, errs, code := atTerminal(p, tc.args...)
			assert.Equal(t, tc.code, code, "%s%s", out, errs)
			assert.Equal(t, tc.asked, p.asked, "how often somebody was asked")
			if tc.code != exitDone {
				assert.NoFileExists(t, "out.pem")
				assert.NoFileExists(t, "out.p12")
			}
		})
	}
}

// TestTrustStoreWithoutItsPasswordIsSaidToBeUnchecked: what was not vouched for is reported, and can be changed in place
// only by who knows the password.
func TestTrustStoreWithoutItsPasswordIsSaidToBeUnchecked(t *testing.T) {
	t.Chdir(stores(t))
	out, _, code := atTerminal(&person{answers: []string{""}}, "convert", "trust.jks", "out.pem")
	assert.Equal(t, exitDone, code)
	assert.Contains(t, out, "its integrity was not checked")
	_, errs, code := atTerminal(&person{answers: []string{""}}, "convert", "--in-place", "trust.jks", "--rename", "ca=new")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, errs, "--in-pass")
}

// TestInPlaceSeesAnotherHand: a file that somebody changed since it was read is not overwritten.
func TestInPlaceSeesAnotherHand(t *testing.T) {
	t.Chdir(stores(t))
	s := &openedStore{Path: "dev.p12", Data: []byte("what it was")}
	assert.ErrorContains(t, s.unchanged(), "changed by somebody else")
	data, err := os.ReadFile("dev.p12")
	require.NoError(t, err)
	s.Data = data
	assert.NoError(t, s.unchanged())
}

// TestPrintable: what comes from a file cannot move the cursor, nor make a line read as another.
func TestPrintable(t *testing.T) {
	assert.Equal(t, "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\nf\tü", printable("a\x1bb\u202ec\u2066d\u200fe\nf\tü"))
}
