package interop

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// keytoolSource is a Java program that runs many commands of keytool; starting a JVM for each is what takes the time.
//
//go:embed Keytool.java
var keytoolSource []byte

// exportKeytool lets that program call keytool, which is no part of Java's API.
var exportKeytool = []string{"--add-exports", "java.base/sun.security.tools.keytool=ALL-UNNAMED"}

// keytoolClass is keytoolSource compiled, once in a process.
var keytoolClass struct {
	sync.Mutex
	bytes []byte
}

// compiledKeytool returns the program for the JVM, made with the oldest javac there is so that each runs it.
func compiledKeytool(t testing.TB) []byte {
	t.Helper()
	keytoolClass.Lock()
	defer keytoolClass.Unlock()
	if keytoolClass.bytes != nil {
		return keytoolClass.bytes
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Keytool.java"), keytoolSource)
	for _, jdk := range FoundJDKs() {
		if _, err := os.Stat(jdk.Tool("javac")); err == nil {
			Run(t, dir, jdk.Tool("javac"), append(exportKeytool, "Keytool.java")...)
			class, err := os.ReadFile(filepath.Join(dir, "Keytool.class"))
			if err != nil {
				t.Fatal(err)
			}
			keytoolClass.bytes = class
			return class
		}
	}
	Missing(t, "javac")
	return nil
}

// write writes a file of a test.
func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Keytool runs commands of the JDK's own keytool in dir, one after another in a single JVM, and returns what each
// printed, in English and UTC. A command is keytool's arguments; before them may stand "!", when it is expected to fail,
// then system properties as -J-DNAME=VALUE, which stay set for the commands that follow, and then lines for its standard
// input, each after a "<". No argument may have a tab or newline in it. The test fails at the first command that does
// not end as expected.
func (j JDK) Keytool(t testing.TB, dir string, commands ...[]string) []string {
	t.Helper()
	program := t.TempDir()
	write(t, filepath.Join(program, "Keytool.class"), compiledKeytool(t))
	var lines strings.Builder
	for _, command := range commands {
		lines.WriteString(strings.Join(command, "\t") + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, j.Tool("java"), append(exportKeytool, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Dfile.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC", "-cp", program, "Keytool")...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(lines.String())
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // or Java has no names for files with other than ASCII in theirs
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("keytool of JDK %d: %v\n%s", j.Version, err, out)
	}
	printed := strings.Split(string(out), "\x01")
	return printed[:len(printed)-1]
}
