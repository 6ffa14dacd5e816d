//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package cli

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// readLineUnseen reads a line from a terminal without showing it. The end of input, Ctrl-D at the beginning of a line, is
// io.EOF; term.ReadPassword passes over it and waits on.
func readLineUnseen(fd int) ([]byte, error) {
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	unseen := *before
	unseen.Lflag &^= unix.ECHO
	unseen.Lflag |= unix.ICANON | unix.ISIG
	unseen.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTermios, &unseen); err != nil {
		return nil, err
	}
	defer func() { _ = unix.IoctlSetTermios(fd, setTermios, before) }()
	return readLine(func(p []byte) (int, error) { return unix.Read(fd, p) })
}

// readLine reads up to the end of a line, and nothing behind it, which may be the answer to the next question.
func readLine(read func([]byte) (int, error)) ([]byte, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < passwordBytes; {
		n, err := read(one)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		case n == 0 && len(line) == 0:
			return nil, io.EOF
		case n == 0 || one[0] == '\n':
			return line, nil
		}
		line = append(line, one[0])
	}
	return line, nil
}
