package interop

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// keytoolSource is a Java program that runs many commands of keytool; starting a JVM for each is what takes the time.
//
//go:embed Keytool.java
var keytoolSource []byte

// Keytool runs commands of the JDK's own keytool in dir, one after another in a single JVM, and returns what each
// printed, in English and UTC. A command is keytool's arguments; before them may stand "!", when it is expected to fail,
// and then system properties as -J-DNAME=VALUE, which stay set for the commands that follow. No argument may have a
// tab or newline in it. The test fails at the first command that does not end as expected.
func (j JDK) Keytool(t testing.TB, dir string, commands ...[]string) []string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "Keytool.java")
	if err := os.WriteFile(program, keytoolSource, 0o600); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, command := range commands {
		lines.WriteString(strings.Join(command, "\t") + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, j.Tool("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8",
		"-Duser.language=en", "-Duser.country=US", "-Duser.timezone=UTC",
		"--add-exports", "java.base/sun.security.tools.keytool=ALL-UNNAMED", program)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(lines.String())
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // or Java has no names for files with other than ASCII in theirs
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("keytool of JDK %d: %v\n%s", j.Version, err, out)
	}
	printed := strings.Split(string(out), "\x01")
	return printed[:len(printed)-1]
}
