//go:build !unix

package broker

import "net"

// setBacklog leaves the accept queue as it is: Windows has its own, and grows it.
func setBacklog(net.Listener, int) error { return nil }
