package main

import (
	"fmt"
	"os"
	"os/exec"
)

// broker runs the broker's own benchmarks: full handshakes beside a bare crypto/tls server, and memory of idle connections.
func (b *bench) broker() error {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchtime", "2s", "./channels/broker")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running the broker's benchmarks: %w", err)
	}
	return nil
}
