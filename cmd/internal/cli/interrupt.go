package cli

import (
	"context"
	"io"

	"golang.org/x/term"
)

// Ctrl-C ends the context of a command; a read that waits for a person or a pipe would not notice, and the terminal would
// stay as a password prompt left it. So whoever waits for input waits for the end of the context as well. The read that
// is given up goes on in its goroutine until the process ends, which is soon: what it was for has failed.

// orDone returns what read returns, or the context's error when that comes first.
func orDone(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := read()
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// waiter is orDone for one context.
type waiter func(read func() ([]byte, error)) ([]byte, error)

// until returns what read returns, or before that the error of a context that has ended.
func (w waiter) until(read func() ([]byte, error)) ([]byte, error) {
	if w == nil {
		return read()
	}
	return w(read)
}

// readUnseen reads a line from a terminal without showing it, and leaves the terminal as it was.
func readUnseen(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	line, err := orDone(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
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
