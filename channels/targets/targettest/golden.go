package targettest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels/targets"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares text with testdata/NAME.golden, or writes that file with -update.
func Golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	if string(want) != text {
		t.Errorf("%s differs; if intended: go test ./channels/targets/... -update\n%s", path, text)
	}
}

// Listing is a configuration as text: every file with its modes and owner, and the contents of those that hold no
// key, certificate, CRL or password hash, since these differ every time.
func Listing(files []targets.File) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "=== %s %04o", f.Path, f.Mode)
		if f.Dest != "" {
			fmt.Fprintf(&b, " -> %s %s %04o", f.Dest, f.Owner, f.DestMode)
		}
		if f.Secret {
			b.WriteString(" secret")
		}
		b.WriteByte('\n')
		text := string(f.Data)
		if strings.HasPrefix(text, "-----BEGIN") || strings.Contains(text, "$7$") || strings.ContainsRune(text, 0) {
			b.WriteString("(not shown)\n")
			continue
		}
		b.WriteString(text)
	}
	return b.String()
}
