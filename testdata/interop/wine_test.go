package interop_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// A Go program runs, finds randomness and is called from a batch file.
func TestWineRunsGoPrograms(t *testing.T) {
	dir := t.TempDir()
	wine := interop.NewWine(t, filepath.Join(dir, "wine"))
	t.Cleanup(wine.Stop)
	source := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(`package main

import (
	"crypto/rand"
	"fmt"
	"os"
)

func main() { fmt.Println(os.Args[1], len(rand.Text())) }
`), 0o600))
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "a program.exe"), source)
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)

	batch := filepath.Join(dir, "run.bat")
	require.NoError(t, os.WriteFile(batch, []byte("@\"%~dp0a program.exe\" \"two words\"\r\n@exit /b 7\r\n"), 0o600))
	out, err = wine.Command("cmd", "/c", wine.Path(batch)).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.ExitCode())
	assert.Contains(t, string(out), "two words 26")
}
