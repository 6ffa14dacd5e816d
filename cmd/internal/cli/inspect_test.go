package cli

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInspectGolden: what inspect prints of each kind of file, to the last character. Each archive in testdata/inspect
// begins with the arguments; its files whose names end in .b64 are binary, and "want" is what is printed on the day
// below. go test ./cmd/internal/cli -run TestInspectGolden -update rewrites that part.
func TestInspectGolden(t *testing.T) {
	day := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	folder, err := filepath.Abs(filepath.Join("testdata", "inspect")) // the test goes elsewhere
	require.NoError(t, err)
	archives, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			var want *txtar.File
			dir := t.TempDir()
			for i := range archive.Files {
				f := &archive.Files[i]
				if f.Name == "want" {
					want = f
					continue
				}
				path, data := filepath.Join(dir, strings.TrimSuffix(f.Name, ".b64")), f.Data
				if strings.HasSuffix(f.Name, ".b64") {
					data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(string(f.Data), "\n", ""))
					require.NoError(t, err)
				}
				require.NoError(t, os.WriteFile(path, data, 0o600))
			}
			require.NotNil(t, want, "there is no part called want")

			var out, errs bytes.Buffer
			d := testDeps(&out, &errs)
			d.now = func() time.Time { return day }
			t.Chdir(dir)
			words := strings.Fields(strings.TrimSpace(string(archive.Comment)))
			code := run(t.Context(), d, words)
			assert.Contains(t, []int{exitDone, exitFound}, code, errs.String())
			for _, line := range strings.Split(out.String(), "\n") {
				if d.json {
					break
				}
				assert.LessOrEqual(t, len([]rune(line)), reportWidth, line)
			}
			if *update {
				want.Data = out.Bytes()
				require.NoError(t, os.WriteFile(name, txtar.Format(archive), 0o644))
				return
			}
			assert.Equal(t, string(want.Data), out.String())
		})
	}
}
