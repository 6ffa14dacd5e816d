package safefile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"

	"github.com/mqttpki/mqttpki/keystore"
)

// retryDelay is how often a waiting Lock looks again; flock has no fair queue.
const retryDelay = 20 * time.Millisecond

// Held is a lock that is held until Release, or the end of the process.
type Held struct {
	lock *flock.Flock
}

// Lock takes the exclusive lock on the file at path, which it makes (mode 0600, empty) in an existing directory and
// never removes. While another process has it, Lock waits up to wait, then fails with keystore.ErrLocked; with wait 0
// it tries once. A context that ends first ends the wait with the context's error.
//
// The lock is advisory, between processes that call Lock, and within one process between its calls.
func Lock(ctx context.Context, path string, wait time.Duration) (*Held, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	lock := flock.New(path, flock.SetPermissions(ModePrivate))
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	got, err := lock.TryLock()
	if err == nil && !got && wait > 0 {
		got, err = lock.TryLockContext(bounded, retryDelay)
	}
	switch {
	case got:
		return &Held{lock}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("locking %q: %w", path, ctx.Err())
	case err == nil, errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("locking %q: %w", path, keystore.ErrLocked)
	default:
		return nil, fmt.Errorf("locking %q: %w", path, cause(err))
	}
}

// Release gives the lock back. Releasing twice is harmless.
func (h *Held) Release() error { return h.lock.Unlock() }
