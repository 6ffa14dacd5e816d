//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package cli

import "golang.org/x/term"

// readLineUnseen reads a line from a terminal without showing it. The end of input is io.EOF.
func readLineUnseen(fd int) ([]byte, error) { return term.ReadPassword(fd) }
