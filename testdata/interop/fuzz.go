package interop

import (
	"flag"
	"os/exec"
	"testing"
)

// Seeding says how much a fuzzer should spend on the seeds that it adds.
type Seeding int

// The amounts of work that seeds are worth.
const (
	SeedsNone  Seeding = iota // a worker of a run that fuzzes: its inputs come from the coordinator
	SeedsQuick                // a plain run of the tests: programs that start at once
	SeedsAll                  // the coordinator: every program, a JVM included
)

// Seeds returns how much the process that it runs in should spend on the seeds of its fuzzers. Go runs a fuzzer's
// whole function, seeds and all, anew in each of its workers.
func Seeds() Seeding {
	switch {
	case isSet("test.fuzzworker", "false"):
		return SeedsNone
	case isSet("test.fuzz", ""):
		return SeedsAll
	}
	return SeedsQuick
}

// isSet reports whether a flag is there and has another value than unset.
func isSet(name, unset string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != unset
}

// Optional is [Need] for a program that a test can do without: it returns "" where that is missing, but fails the test
// where interop was promised.
func Optional(t testing.TB, program string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil || !Required() {
		return path
	}
	return Need(t, program)
}
