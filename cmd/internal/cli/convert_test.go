package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// alone runs a command line with nobody to ask. Each line of results is handed to seen as it comes.
func alone(ctx context.Context, seen func(line string), args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	d := &deps{
		in: strings.NewReader(""), out: &stdout, err: &stderr, now: time.Now, random: rand.Reader, pki: "pki",
		env: func(string) (string, bool) { return "", false },
	}
	if seen != nil {
		d.out = writerFunc(func(p []byte) (int, error) {
			seen(string(p))
			return stdout.Write(p)
		})
	}
	d.stdinLine = &lineReader{r: d.in}
	code = run(ctx, d, args)
	return stdout.String(), stderr.String(), code
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// manyStores writes so many stores to in/, and the password of them all.
func manyStores(t *testing.T, n int) {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("in", 0o700))
	require.NoError(t, os.WriteFile("pass", []byte("storepass\n"), 0o600))
	id := testIdentity(t, "dev")
	for i := range n {
		writeStore(t, "in", fmt.Sprintf("%03d.jks", i), "jks", &keystore.Store{Identities: []keystore.Identity{id}}, "storepass", "")
	}
}

// TestConvertManyIsInterruptedAndGoesOn: what was begun is finished and told, nothing else is there, and the command that
// the hint names does the rest and no more.
func TestConvertManyIsInterruptedAndGoesOn(t *testing.T) {
	const many = 120
	manyStores(t, many)
	args := []string{"convert", "jks", "pem", "--in-dir", "in", "--out-dir", "out", "--in-pass", "file:pass", "--out-pass", "none"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, errs, code := alone(ctx, func(string) { cancel() }, args...)
	done := strings.Count(out, "\n")
	if done == many && code == exitDone {
		t.Skip("all were done before the interruption was seen")
	}
	require.Equal(t, exitInterrupted, code, errs)
	assert.Contains(t, errs, fmt.Sprintf("note: %d of %d files done, each of them whole", done, many))
	assert.Contains(t, errs, "hint: the same command with --skip-existing converts the")
	written, err := filepath.Glob("out/*")
	require.NoError(t, err)
	assert.Len(t, written, done, "told and written differ")
	for _, path := range written {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Contains(t, string(data), "END CERTIFICATE", path)
	}

	_, errs, code = alone(context.Background(), nil, args...)
	assert.Equal(t, exitExists, code, "what is there is kept: %s", errs)
	require.NoError(t, os.Remove("out/000.pem"))
	out, errs, code = alone(context.Background(), nil, append(args, "--skip-existing", "--json")...)
	require.Equal(t, exitDone, code, errs)
	var doc conversions
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, 1, doc.Converted)
	assert.Len(t, doc.Existing, many-1)
	assert.Zero(t, doc.Left)
}

// TestConvertLeavesNoKeyBetween: a store becomes another one directly. No temporary file is made but the result itself,
// beside its place, and none at all where the system keeps temporary files.
func TestConvertLeavesNoKeyBetween(t *testing.T) {
	for _, tc := range []struct{ from, to string }{{"dev.jks", "out.p12"}, {"dev.p12", "out.jks"}, {"dev.p12", "out.pem"}, {"dev.pem", "out.p12"}} {
		t.Run(tc.from+" to "+tc.to, func(t *testing.T) {
			dir, temp := stores(t), t.TempDir()
			t.Chdir(dir)
			for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
				t.Setenv(name, temp)
			}
			require.NoError(t, os.WriteFile("store", []byte("storepass\n"), 0o600))
			require.NoError(t, os.WriteFile("key", []byte("keypass\n"), 0o600))
			watcher, err := fsnotify.NewBufferedWatcher(1000)
			require.NoError(t, err)
			require.NoError(t, watcher.Add(dir))
			require.NoError(t, watcher.Add(temp))
			_, errs, code := alone(context.Background(), nil, "convert", tc.from, tc.to, "--in-pass", "file:store", "--in-key-pass", "file:key",
				"--out-pass", "file:store")
			require.Equal(t, exitDone, code, errs)
			result, err := os.ReadFile(tc.to)
			require.NoError(t, err)
			assert.NotContains(t, string(result), "BEGIN PRIVATE KEY")
			require.NoError(t, os.WriteFile("end", nil, 0o600))
			for event := range watcher.Events {
				name := filepath.Base(event.Name)
				if name == "end" {
					break
				}
				assert.Equal(t, dir, filepath.Dir(event.Name))
				assert.True(t, strings.HasPrefix(strings.TrimPrefix(name, "."), tc.to), event.String())
			}
			require.NoError(t, watcher.Close())
		})
	}
}

// TestConvertSaysWhatItPairs: a JKS whose keys have each other's certificates, which Java takes as it is.
func TestConvertSaysWhatItPairs(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("pass", []byte("storepass\n"), 0o600))
	a, b := testIdentity(t, "a"), testIdentity(t, "b")
	a.Chain, b.Chain = b.Chain, a.Chain
	writeStore(t, ".", "swapped.jks", "jks", &keystore.Store{Identities: []keystore.Identity{a, b}}, "storepass", "")
	args := []string{"convert", "swapped.jks", "right.jks", "--in-pass", "file:pass", "--out-pass", "file:pass", "--dry-run"}
	out, errs, code := alone(context.Background(), nil, args...)
	require.Equal(t, exitDone, code, errs)
	assert.Contains(t, out, "  re-paired a with CN=a, not with CN=b (the file had it with the certificate of another key)\n")
	assert.NotContains(t, out, "not for its private key", "said twice")
	out, _, _ = alone(context.Background(), nil, append(args, "--json")...)
	var doc conversion
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	require.Len(t, doc.Repaired, 2)
	assert.Equal(t, "CN=a", doc.Repaired[0].Certificate)
	assert.Equal(t, "CN=b", doc.Repaired[0].Instead)
	assert.Empty(t, doc.Reencrypted)
}

func TestKeySources(t *testing.T) {
	var k keySources
	require.NoError(t, k.Set("file:all"))
	require.NoError(t, k.Set("dev=file:x=y"))
	require.NoError(t, k.Set("a=b=env:NAME"))
	assert.ErrorContains(t, k.Set("pass:a=file:b"), "was given already", "a source as a whole is no alias, and there is one for all")
	assert.Equal(t, passwordSource{sourceFile, "all"}, k.all)
	assert.Equal(t, map[string]passwordSource{"dev": {sourceFile, "x=y"}, "a=b": {sourceEnv, "NAME"}}, k.one)
	for _, bad := range []string{"", "hunter2", "dev=hunter2", "=file:x", "dev="} {
		err := k.Set(bad)
		assert.ErrorAs(t, err, new(sourceError), bad)
		assert.NotContains(t, fmt.Sprint(err), "hunter2")
	}
}
