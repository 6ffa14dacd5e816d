package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestInterruptEndsWaiting: Ctrl-C at a password prompt, at a question and at a pipe that says nothing ends the command
// with exit code 130 and leaves nothing behind.
func TestInterruptEndsWaiting(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
	}{
		{"at the prompt for a password", []string{"init-ca", "--ca-pass", "prompt"}},
		{"at a pipe for a password", []string{"init-ca", "--ca-pass", "stdin"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			silent, _ := io.Pipe()
			waiting := make(chan struct{}, 1)
			reader := readerFunc(func(p []byte) (int, error) {
				waiting <- struct{}{}
				return silent.Read(p)
			})
			var stderr bytes.Buffer
			dir := filepath.Join(t.TempDir(), "pki")
			d := &deps{
				in: untilDone{ctx, reader}, out: io.Discard, err: &stderr, now: time.Now, random: rand.Reader, isTerm: true, pki: dir,
				env: func(string) (string, bool) { return "", false },
			}
			d.stdinLine = &lineReader{r: d.in}
			d.readSafe = func() ([]byte, error) {
				return orDone(ctx, func() ([]byte, error) { return io.ReadAll(reader) })
			}
			go func() {
				<-waiting
				cancel()
			}()
			assert.Equal(t, exitInterrupted, run(ctx, d, tc.args))
			assert.Contains(t, stderr.String(), "mqttpki: interrupted\n")
			assert.NoDirExists(t, dir)
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
