package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// What the tests of convert and inspect with real programs share: storewrites_interop_test.go has what others make of
// the stores that convert writes, storereads_interop_test.go what convert and inspect make of those of others. The
// codecs have such tests of their own, for more variants of each format; these here go the whole way, from the command
// line to the file and back.

const (
	changeit = "changeit"      // what keytool's documentation calls every password
	pass     = "pass:changeit" // the same for our flags and openssl's
)

// mqttpki runs a command line that has to succeed, with nobody at a terminal, and returns what it printed.
func mqttpki(t testing.TB, args ...string) (out, errs string) {
	t.Helper()
	return mqttpkiExits(t, exitDone, args...)
}

// mqttpkiExits runs a command line that has to end with that code.
func mqttpkiExits(t testing.TB, want int, args ...string) (out, errs string) {
	t.Helper()
	out, errs, code := runWith(mathReader(1), args...)
	require.Equal(t, want, code, "mqttpki %q\n%s%s", args, out, errs)
	return out, errs
}

// runWith runs a command line on given randomness at a given moment.
func runWith(random io.Reader, args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	d := &deps{
		in: strings.NewReader(""), out: &stdout, err: &stderr, random: random, pki: "pki",
		now: func() time.Time { return mint.Day }, env: func(string) (string, bool) { return "", false },
	}
	d.stdinLine = &lineReader{r: d.in}
	code = run(context.Background(), d, args)
	return stdout.String(), stderr.String(), code
}

// mathReader is the same sequence of bytes for the same seed: salts need not be secret in a test.
func mathReader(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// look inspects a file, whatever there is to be said against it; args are more flags.
func look(t testing.TB, file string, args ...string) inspect.File {
	t.Helper()
	out, errs, code := runWith(mathReader(1), append([]string{"inspect", "--json", file}, args...)...)
	require.Contains(t, []int{exitDone, exitFound}, code, errs)
	var doc struct{ Files []inspect.File }
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	require.Len(t, doc.Files, 1)
	return doc.Files[0]
}

// counts says how many keys could be opened and how many certificates there are in a report.
func counts(f inspect.File) string {
	keys, certificates := 0, 0
	for _, e := range f.Entries {
		if e.Type == "key" && e.Locked == "" {
			keys++
		}
		certificates += len(e.Certificates)
	}
	return fmt.Sprintf("%d keys, %d certificates", keys, certificates)
}

// pemCounts is counts for what openssl printed.
func pemCounts(text string) string {
	keys, certificates := 0, 0
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			certificates++
		} else {
			keys++
		}
	}
	return fmt.Sprintf("%d keys, %d certificates", keys, certificates)
}

// hasProblem reports whether a report has a problem of that code.
func hasProblem(f inspect.File, code string) bool {
	for _, p := range f.Problems {
		if p.Code == code {
			return true
		}
	}
	return false
}

// decodeFile reads a store with our codecs, for what no report shows: the bytes of keys.
func decodeFile(t testing.TB, file, password string) *keystore.Store {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	s, _, err := formats.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(password)})
	require.NoError(t, err)
	return s
}

// plant is a set of keys and certificates as a broker has them: a root, an intermediate, two servers with RSA keys, a
// sensor with an EC key, all signed by the intermediate, and two CAs of others to be trusted.
type plant struct {
	dir   string
	keys  map[string]*mint.Identity // by alias
	chain []*mint.Identity          // intermediate, root
}

// newPlant makes them as PEM files in a folder of the test's, which becomes the working folder: NAME.key and NAME.crt of
// server-1, server-2 and sensor, chain.crt, partner.crt and customer.crt.
func newPlant(t *testing.T) plant {
	t.Helper()
	p := plant{dir: t.TempDir(), keys: map[string]*mint.Identity{}}
	t.Chdir(p.dir)
	root := mint.CA(t, "root", "ec")
	issuing := mint.New(t, "issuing", mint.Key(t, "ec"), root, true)
	p.chain = []*mint.Identity{issuing, root}
	for name, kind := range map[string]string{"server-1": "rsa", "server-2": "rsa", "sensor": "ec"} {
		id := mint.Leaf(t, name, kind, issuing)
		p.keys[name] = id
		writePEM(t, name+".key", "PRIVATE KEY", id.PKCS8)
		writePEM(t, name+".crt", "CERTIFICATE", id.DER)
	}
	writePEM(t, "chain.crt", "CERTIFICATE", issuing.DER, root.DER)
	writePEM(t, "partner.crt", "CERTIFICATE", mint.CA(t, "partner", "ec").DER)
	writePEM(t, "customer.crt", "CERTIFICATE", mint.CA(t, "customer", "ec").DER)
	return p
}

// aliases are those of the plant's keys.
var aliases = []string{"sensor", "server-1", "server-2"}

// store merges all of it into one store, and returns what was printed. Each key gets its name first: in one store of
// three unnamed keys there would be none to call them by. The root stays out, as it does of what a server sends.
func (p plant) store(t testing.TB, file string, flags ...string) string {
	t.Helper()
	args := []string{"convert"}
	for _, alias := range aliases {
		named := file + "-" + alias + ".pem"
		mqttpki(t, "convert", alias+".key", alias+".crt", "chain.crt", named, "--alias", alias, "--only", "type=key", "--out-pass", "none")
		args = append(args, named)
	}
	args = append(args, "--trust", "partner=partner.crt", "--trust", "customer=customer.crt", "--out", file)
	out, _ := mqttpki(t, append(args, flags...)...)
	return out
}

// writePEM writes blocks of one type.
func writePEM(t testing.TB, file, kind string, list ...[]byte) {
	t.Helper()
	var text []byte
	for _, der := range list {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

// openssl runs it in the working folder.
func openssl(t testing.TB, args ...string) string {
	t.Helper()
	return interop.Run(t, ".", interop.Need(t, "openssl"), args...)
}
