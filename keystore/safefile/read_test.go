package safefile

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestReadIsBounded(t *testing.T) {
	dir := t.TempDir()
	ten := filepath.Join(dir, "ten")
	write(t, ten, "0123456789", 0o600)
	empty := filepath.Join(dir, "empty")
	write(t, empty, "", 0o600)

	for _, tc := range []struct {
		name  string
		path  string
		limit int64
		want  error
	}{
		{"just fits", ten, 10, nil},
		{"default limit", ten, 0, nil},
		{"one byte too long", ten, 9, keystore.ErrTooLarge},
		{"empty", empty, 10, keystore.ErrFormat},
		{"missing", filepath.Join(dir, "no"), 10, fs.ErrNotExist},
		{"a directory", dir, 10, ErrNotRegular},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data, err := Read(tc.path, tc.limit)
			if tc.want == nil {
				require.NoError(t, err)
				assert.Equal(t, "0123456789", string(data))
				return
			}
			require.ErrorIs(t, err, tc.want)
			assert.Contains(t, err.Error(), filepath.Base(tc.path))
			assert.Nil(t, data)
		})
	}
	_, err := Read(empty, 0)
	assert.True(t, IsEmpty(err))
	_, err = Read(ten, 1)
	assert.False(t, IsEmpty(err))
}

func TestLockIsExclusiveAndWaitIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := Lock(t.Context(), path, 0)
	require.NoError(t, err)

	_, err = Lock(t.Context(), path, 0)
	require.ErrorIs(t, err, keystore.ErrLocked)
	assert.Contains(t, err.Error(), filepath.Base(path))
	_, err = Lock(t.Context(), path, 50*time.Millisecond)
	require.ErrorIs(t, err, keystore.ErrLocked)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = Lock(ctx, path, time.Hour)
	require.ErrorIs(t, err, context.Canceled)

	time.AfterFunc(50*time.Millisecond, func() { _ = held.Release() })
	again, err := Lock(t.Context(), path, time.Hour)
	require.NoError(t, err)
	require.NoError(t, again.Release())
	require.NoError(t, again.Release())

	_, err = Lock(t.Context(), filepath.Join(t.TempDir(), "no", "lock"), 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestLockEndsWithItsProcess kills a child that holds the lock: nothing has to be cleaned up by hand.
func TestLockEndsWithItsProcess(t *testing.T) {
	if path := os.Getenv("SAFEFILE_LOCK"); path != "" {
		_, err := Lock(t.Context(), path, 0)
		require.NoError(t, err)
		_, _ = os.Stdout.WriteString("held\n")
		time.Sleep(time.Minute) // killed long before
	}
	path := filepath.Join(t.TempDir(), "lock")
	child := exec.Command(os.Args[0], "-test.run=^TestLockEndsWithItsProcess$")
	child.Env = append(os.Environ(), "SAFEFILE_LOCK="+path)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	_, err = out.Read(make([]byte, 5))
	require.NoError(t, err)

	_, err = Lock(t.Context(), path, 0)
	assert.ErrorIs(t, err, keystore.ErrLocked)
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	held, err := Lock(t.Context(), path, time.Minute)
	require.NoError(t, err)
	require.NoError(t, held.Release())
}
