// Package interop finds the real programs that tests try our files against.
//
// A test that needs one calls [Need]: without the program it is skipped, by name; where interop was promised
// (MQTTPKI_INTEROP=required, as continuous integration sets it) it fails instead. With -short, which is for looking
// again at our own code alone, as under the race detector, all of them are skipped. Only tests import this package.
package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// limit is how long one run of an outside program may take; a JVM with many commands needs a minute on a busy machine.
const limit = 2 * time.Minute

// Required reports whether a missing program is a failure.
func Required() bool { return os.Getenv("MQTTPKI_INTEROP") == "required" }

// Missing skips the test for want of what, or fails it where interop was promised.
func Missing(t testing.TB, what string) {
	t.Helper()
	if Required() {
		t.Fatalf("%s is missing, and MQTTPKI_INTEROP=required", what)
	}
	t.Skipf("%s is not on this machine", what)
}

// notShort skips the test under -short.
func notShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("real programs are left out with -short")
	}
}

// Need returns the path of a program, or skips or fails the test as [Missing] does. Names with a slash are taken as
// they are; mosquitto and its like are also looked for in sbin, which a user's PATH may lack.
func Need(t testing.TB, program string) string {
	t.Helper()
	notShort(t)
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path
		}
	}
	Missing(t, program)
	return ""
}

// Run runs a program in dir and returns what it printed, both streams together. It fails the test when the program
// fails or takes longer than two minutes.
func Run(t testing.TB, dir, program string, args ...string) string {
	t.Helper()
	out, err := Try(t, dir, program, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return out
}

// Try is Run for programs that are expected to fail: the error is the caller's to judge.
func Try(t testing.TB, dir, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // a daemon that the program left must not hold its output open for ever
	out, err := cmd.CombinedOutput()
	return string(out), err
}
