// Package interop finds the real programs that tests try our files against.
//
// A test that needs one calls [Need]: without the program it is skipped, by name; where interop was promised
// (MQTTPKI_INTEROP=required, as continuous integration sets it) it fails instead. Only tests import this package.
package interop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// limit is how long one run of an outside program may take; a JVM on a busy machine needs seconds.
const limit = 60 * time.Second

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

// Need returns the path of a program, or skips or fails the test as [Missing] does. Names with a slash are taken as
// they are; mosquitto and its like are also looked for in sbin, which a user's PATH may lack.
func Need(t testing.TB, program string) string {
	t.Helper()
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

// JDK is a Java installation.
type JDK struct {
	Version int    // 17, 25
	Home    string // keytool is Home/bin/keytool
}

// Tool returns the path of one of the JDK's programs.
func (j JDK) Tool(name string) string { return filepath.Join(j.Home, "bin", name) }

// javaVersion matches the line of the release file that every JDK since 9 has.
var javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="(\d+)`)

// JDKs returns every JDK on the machine, oldest first and one of a version; it skips or fails when there is none.
func JDKs(t testing.TB) []JDK {
	t.Helper()
	found := InstalledJDKs()
	if len(found) == 0 {
		Missing(t, "a JDK with keytool")
	}
	return found
}

// InstalledJDKs is [JDKs] for whoever can do without.
func InstalledJDKs() []JDK {
	homes := []string{os.Getenv("JAVA_HOME")}
	if path, err := exec.LookPath("keytool"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(real)))
		}
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*")
	var found []JDK
	for _, home := range append(homes, installed...) {
		release, err := os.ReadFile(filepath.Join(home, "release"))
		match := javaVersion.FindSubmatch(release)
		if home == "" || err != nil || match == nil {
			continue
		}
		jdk := JDK{Home: home}
		jdk.Version, _ = strconv.Atoi(string(match[1]))
		if _, err := os.Stat(jdk.Tool("keytool")); err != nil {
			continue
		}
		if !slices.ContainsFunc(found, func(j JDK) bool { return j.Version == jdk.Version }) {
			found = append(found, jdk)
		}
	}
	slices.SortFunc(found, func(a, b JDK) int { return a.Version - b.Version })
	return found
}

// Run runs a program in dir and returns what it printed, both streams together. It fails the test when the program
// fails or takes longer than a minute.
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
