package safefile

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestLockFileKeepsEveryChange: many read, change and replace one file, and no change is lost, though each replaces the
// very file that the next one waits for.
func TestLockFileKeepsEveryChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.WriteFile(path, []byte("begin\n"), 0o600))
	const many = 20
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			held, err := LockFile(context.Background(), path, time.Minute)
			if !assert.NoError(t, err) {
				return
			}
			defer func() { assert.NoError(t, held.Release()) }()
			data, err := Read(path, 0)
			assert.NoError(t, err)
			_, err = Commit([]File{{Path: path, Data: fmt.Appendf(data, "%d\n", i)}}, Options{Force: true, Now: time.Now})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, many+1, strings.Count(string(data), "\n"))
}

func TestLockFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	_, err := LockFile(context.Background(), path, 0)
	if err == nil {
		t.Skip("here the lock is another file")
	}
	assert.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	held, err := LockFile(context.Background(), path, 0)
	require.NoError(t, err)
	for _, wait := range []time.Duration{0, 50 * time.Millisecond} {
		_, err = LockFile(context.Background(), path, wait)
		assert.ErrorIs(t, err, keystore.ErrLocked)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = LockFile(ended, path, time.Minute)
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, held.Release())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "something was left behind")
}
