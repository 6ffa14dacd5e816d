package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestACrashAtAnyStepLosesNothing ends a child process, without warning, before each step of a commit. What the next
// start finds must be all old or, from the journal on, all new; the old key is there in any case.
func TestACrashAtAnyStepLosesNothing(t *testing.T) {
	if dir := os.Getenv("SAFEFILE_CRASH_DIR"); dir != "" {
		crashingChild(t, dir, os.Getenv("SAFEFILE_CRASH_STEP"))
		return
	}
	dir, files := scene(t)
	for _, step := range steps(t, files, Options{Force: true, Now: noon, Journal: filepath.Join(dir, "journal")}) {
		t.Run(step, func(t *testing.T) {
			dir, _ := scene(t)
			before := tree(t, dir)
			child := exec.Command(os.Args[0], "-test.run=^TestACrashAtAnyStepLosesNothing$")
			child.Env = append(os.Environ(), "SAFEFILE_CRASH_DIR="+dir, "SAFEFILE_CRASH_STEP="+step)
			out, err := child.CombinedOutput()
			require.Error(t, err, "the child should have been killed: %s", out)

			_, err = Recover(filepath.Join(dir, "journal"))
			require.NoError(t, err)
			removeLeftovers(t, dir, "x.key", "x.crt", "journal")
			removeLeftovers(t, filepath.Join(dir, "sub"), "x.p12")
			after := tree(t, dir)

			const backup = "x.key.20260504T120000Z.bak"
			if after["x.key"] == oldKey {
				delete(after, backup) // made already, the key not yet replaced
				assert.Equal(t, before, after)
				assert.Less(t, step, "4", "from the journal on the commit is decided")
				return
			}
			assert.Equal(t, map[string]string{"x.key": newKey, "x.crt": "new certificate", "sub/x.p12": "new store",
				backup: oldKey}, after)
			assert.GreaterOrEqual(t, step, "4")
		})
	}
}

// temporary matches what a crashed commit leaves: what newStaged and setAside put behind a dot and the target's name, a random
// number, or ".old" and a small one.
var temporary = regexp.MustCompile(`^(\d{1,20}|\.old\d{1,3})$`)

// removeLeftovers removes what a crashed commit to these targets left in dir.
func removeLeftovers(t *testing.T, dir string, targets ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	require.NoError(t, err)
	for _, e := range entries {
		for _, target := range targets {
			if rest, ok := strings.CutPrefix(e.Name(), "."+target); ok && temporary.MatchString(rest) {
				require.NoError(t, os.Remove(filepath.Join(dir, e.Name())))
				break
			}
		}
	}
}

// crashingChild commits the scene in dir and dies before step.
func crashingChild(t *testing.T, dir, step string) {
	files := []File{
		{Path: filepath.Join(dir, "x.key"), Data: []byte(newKey), Secret: true},
		{Path: filepath.Join(dir, "x.crt"), Data: []byte("new certificate"), Mode: ModePublic},
		{Path: filepath.Join(dir, "sub", "x.p12"), Data: []byte("new store"), Secret: true},
	}
	_, err := Commit(files, Options{Force: true, Now: noon, Journal: filepath.Join(dir, "journal"),
		fault: func(at string) error {
			if at == step {
				self, _ := os.FindProcess(os.Getpid())
				_ = self.Kill()
				time.Sleep(time.Minute) // killed long before
			}
			return nil
		}})
	t.Fatalf("survived: %v", err)
}

func TestRecoverRefusesWhatItDoesNotKnow(t *testing.T) {
	dir := t.TempDir()
	result, err := Recover(filepath.Join(dir, "none"))
	require.NoError(t, err)
	assert.Empty(t, result.Written)

	for name, content := range map[string]string{"empty": "", "text": "hello", "newer": `{"schema":"safefile.journal/9","moves":[]}`} {
		path := filepath.Join(dir, name)
		write(t, path, content, 0o600)
		_, err := Recover(path)
		require.Error(t, err, name)
		assert.FileExists(t, path)
	}
}

func TestRecoverDoesNotOverwriteWhatCameLater(t *testing.T) {
	dir := t.TempDir()
	staged, target, path := filepath.Join(dir, ".x123456"), filepath.Join(dir, "x"), filepath.Join(dir, "journal")
	write(t, staged, "new", 0o600)
	write(t, target, "somebody's", 0o600)
	write(t, path, fmt.Sprintf(`{"schema":%q,"moves":[{"staged":%q,"path":%q}]}`, journalSchema, staged, target), 0o600)
	_, err := Recover(path)
	require.Error(t, err)
	assert.Equal(t, "somebody's", tree(t, dir)["x"])
}
