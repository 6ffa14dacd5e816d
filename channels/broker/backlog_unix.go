//go:build unix

package broker

import (
	"errors"
	"net"
	"syscall"
)

// setBacklog gives a bound port another accept queue: to listen a second time only changes its length, and net offers
// no other way. The kernel's own limit (net.core.somaxconn) still holds.
func setBacklog(bound net.Listener, backlog int) error {
	tcp, ok := bound.(*net.TCPListener)
	if !ok {
		return errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return failed
}
