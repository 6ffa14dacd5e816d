package cli

import (
	"context"
	"io"

	"golang.org/x/term"
)

// Ctrl-C ends the context of a command; a read that waits for a person or a pipe would not notice, nor would a key
// derivation of millions of rounds, and the terminal would stay as a password prompt left it. So whoever waits for input or
// computes for long waits for the end of the context as well. What is given up goes on in its goroutine until the process
// ends, which is soon: what it was for has failed. Nothing that writes files is given up.

// orDone returns what do returns, or the context's error when that comes first. A nil context never ends.
func orDone[T any](ctx context.Context, do func() (T, error)) (T, error) {
	if ctx == nil {
		return do()
	}
	type result struct {
		value T
		err   error
	}
	var none T
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// ended is the error of a context that has ended.
func (d *deps) ended() error {
	if d.ctx == nil {
		return nil
	}
	return d.ctx.Err()
}

// readUnseen reads a line from a terminal without showing it, and leaves the terminal as it was.
func readUnseen(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	line, err := orDone(ctx, func() ([]byte, error) { return readLineUnseen(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before)
	}
	return line, err
}

// untilDone is a reader that stops waiting when its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	buf := make([]byte, len(p)) // p is the caller's again when the wait is given up
	data, err := orDone(u.ctx, func() ([]byte, error) {
		n, err := u.r.Read(buf)
		return buf[:n], err
	})
	return copy(p, data), err
}
