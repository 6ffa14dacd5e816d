package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLostResultsAreAnError: what standard output did not take is not exit code 0, whatever printed it.
func TestLostResultsAreAnError(t *testing.T) {
	t.Chdir(stores(t))
	require.NoError(t, os.WriteFile("pass", []byte("storepass\n"), 0o600))
	for _, args := range [][]string{
		{"version"},
		{"version", "--json"},
		{"convert", "--help"},
		{"inspect", "dev.p12", "--in-pass", "file:pass"},
		{"convert", "dev.p12", "out.pem", "--in-pass", "file:pass", "--out-pass", "none"},
		{"convert", "dev.p12", "dry.pem", "--in-pass", "file:pass", "--out-pass", "none", "--dry-run"},
		{"convert", "p12", "pem", "dev.p12", "-", "--in-pass", "file:pass", "--out-pass", "none"},
		{"convert", "p12", "pem", "dev.p12", "--out-dir", "many", "--in-pass", "file:pass", "--out-pass", "none"},
	} {
		var stderr bytes.Buffer
		d := &deps{
			in: strings.NewReader(""), err: &stderr, now: time.Now, random: rand.Reader, pki: "pki",
			env: func(string) (string, bool) { return "", false },
			out: writerFunc(func([]byte) (int, error) {
				return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
			}),
		}
		d.stdinLine = &lineReader{r: d.in}
		assert.Equal(t, exitFailed, run(context.Background(), d, args), "%v: %s", args, &stderr)
		assert.Contains(t, stderr.String(), syscall.ENOSPC.Error(), args)
	}
	assert.FileExists(t, "out.pem", "the file itself is whole")
}
