package safefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"

	"github.com/mqttpki/mqttpki/keystore"
)

// LockFile is [Lock] for whoever reads an existing file, changes it and replaces it by [Commit]: no two that call it do so
// at once, and the second one sees what the first one wrote. Nothing is left behind but on Windows, where a file that is
// locked can be neither read nor replaced, so that the lock is on ".NAME.lock" beside it. On a file system that has no
// locks there is none.
//
// It fails as Lock does, and with fs.ErrNotExist.
func LockFile(ctx context.Context, path string, wait time.Duration) (*Held, error) {
	if runtime.GOOS == "windows" {
		return Lock(ctx, filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock"), wait)
	}
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
		got, err := lock.TryLock()
		if err == nil && !got && wait > 0 {
			got, err = lock.TryLockContext(bounded, retryDelay)
		}
		switch {
		case got && isAt(lock, path):
			return &Held{lock}, nil
		case got: // whoever had it has replaced the file: this is a lock on the old one
			_ = lock.Unlock()
		case errors.Is(err, errors.ErrUnsupported):
			return &Held{lock}, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("locking %q: %w", path, ctx.Err())
		case err != nil && !errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("locking %q: %w", path, cause(err))
		}
		if !got || bounded.Err() != nil {
			return nil, fmt.Errorf("locking %q: %w", path, keystore.ErrLocked)
		}
	}
}

// isAt reports whether the file that is locked is the one at path.
func isAt(lock *flock.Flock, path string) bool {
	locked, err := lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(locked, there)
}
