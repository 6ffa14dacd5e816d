package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestInterruptEndsAConversion: Ctrl-C while the result is made ends the command at once with exit code 130. There is no
// result, and a store that was to be changed in place is what it was.
func TestInterruptEndsAConversion(t *testing.T) {
	for _, args := range [][]string{
		{"convert", "dev.p12", "out.jks"},
		{"convert", "dev.p12", "out.pem"},
		{"convert", "dev.p12", "out.pem", "--split"},
		{"convert", "p12", "pem", "dev.p12", "-"},
		{"convert", "--in-place", "dev.p12"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			dir := stores(t)
			t.Chdir(dir)
			require.NoError(t, os.WriteFile("pass", []byte("storepass\n"), 0o600))
			before, err := filepath.Glob("*")
			require.NoError(t, err)
			store, err := os.ReadFile("dev.p12")
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			t.Cleanup(func() { close(ended) })
			var stdout, stderr bytes.Buffer
			d := &deps{
				in: strings.NewReader(""), out: &stdout, err: &stderr, now: time.Now, pki: "pki",
				env: func(string) (string, bool) { return "", false },
				random: readerFunc(func(p []byte) (int, error) { // for a salt: this is a derivation that takes for ever
					cancel()
					<-ended
					return rand.Read(p)
				}),
			}
			d.stdinLine = &lineReader{r: d.in}
			assert.Equal(t, exitInterrupted, run(ctx, d, append(args, "--in-pass", "file:pass", "--out-pass", "file:pass")))
			assert.Contains(t, stderr.String(), "mqttpki: interrupted\n")
			after, err := filepath.Glob("*")
			require.NoError(t, err)
			assert.Equal(t, before, after)
			same, err := os.ReadFile("dev.p12")
			require.NoError(t, err)
			assert.Equal(t, store, same)
			assert.NotContains(t, stdout.String(), "BEGIN")
		})
	}
}

// endlessCodec takes for ever to decode a file: it was given a huge number of iterations.
type endlessCodec struct {
	keystore.Codec
	begun func()
	ended chan struct{}
}

func (c endlessCodec) Decode([]byte, keystore.DecodeOptions) (*keystore.Store, error) {
	c.begun()
	<-c.ended
	return nil, keystore.ErrPassword
}

// TestInterruptEndsOpening: nor does the derivation of an input's key keep Ctrl-C waiting, whichever password it is for.
func TestInterruptEndsOpening(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	o := &storeOpener{deps: &deps{ctx: ctx}, given: []givenPassword{{secret: keystore.Secret("one")}, {secret: keystore.Secret("two")}}, Known: &keyring{}}
	err := o.decode(&openedStore{Codec: endlessCodec{begun: cancel, ended: ended}})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, keystore.ErrPassword)
}
