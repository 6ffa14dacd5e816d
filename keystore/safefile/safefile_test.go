package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// noon is the clock of these tests.
func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

const (
	oldKey = "-----BEGIN PRIVATE KEY-----\nb2xk\n-----END PRIVATE KEY-----\n"
	newKey = "-----BEGIN PRIVATE KEY-----\nbmV3\n-----END PRIVATE KEY-----\n"
)

// tree returns the regular files under dir with their content, by path relative to it.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(rel)] = string(data)
		return err
	}))
	return found
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func write(t *testing.T, path, data string, mode fs.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(data), mode))
	require.NoError(t, os.Chmod(path, mode))
}

func TestCommitWritesEverythingWithExactModes(t *testing.T) {
	dir := t.TempDir()
	result, err := Commit([]File{
		{Path: filepath.Join(dir, "a", "b", "key"), Data: []byte("k"), Secret: true},
		{Path: filepath.Join(dir, "a", "open"), Data: []byte("o"), Mode: 0o666},
		{Path: filepath.Join(dir, "a", "empty"), Mode: ModePublic},
	}, Options{DirMode: 0o751})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a/b/key": "k", "a/open": "o", "a/empty": ""}, tree(t, dir))
	assert.Len(t, result.Written, 3)
	assert.Empty(t, result.Backups)
	if runtime.GOOS == "windows" {
		return
	}
	assert.Equal(t, fs.FileMode(0o600), mode(t, filepath.Join(dir, "a", "b", "key")))
	assert.Equal(t, fs.FileMode(0o666), mode(t, filepath.Join(dir, "a", "open")), "whatever the umask")
	assert.Equal(t, fs.FileMode(0o644), mode(t, filepath.Join(dir, "a", "empty")))
	assert.Equal(t, fs.FileMode(0o751), mode(t, filepath.Join(dir, "a", "b")))
}

func TestCommitRefusesBeforeItTouchesAnything(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lay   func(t *testing.T, dir string)
		files []string
		force bool
		want  error
		says  string
	}{
		{"an existing file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "b"), "old", 0o600) },
			[]string{"a", "b"}, false, keystore.ErrExists, `b"`},
		{"a directory in its place", func(t *testing.T, dir string) { require.NoError(t, os.Mkdir(filepath.Join(dir, "b"), 0o700)) },
			[]string{"a", "b"}, true, ErrNotRegular, "directory"},
		{"a symbolic link in its place", func(t *testing.T, dir string) { require.NoError(t, os.Symlink("else", filepath.Join(dir, "b"))) },
			[]string{"a", "b"}, true, ErrUnsafe, "symbolic link"},
		{"a file where a directory should be", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "b"), "old", 0o600) },
			[]string{"a", "b/c"}, true, nil, "directory"},
		{"the same name twice", func(*testing.T, string) {}, []string{"a", "./x/../a"}, true, nil, "twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			tc.lay(t, dir)
			before, _ := os.ReadDir(dir)
			var files []File
			for _, name := range tc.files {
				files = append(files, File{Path: dir + "/" + name, Data: []byte("new")})
			}
			_, err := Commit(files, Options{Force: tc.force, Now: noon})
			require.Error(t, err)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
			assert.Contains(t, err.Error(), tc.says)
			after, _ := os.ReadDir(dir)
			assert.Equal(t, len(before), len(after), "nothing may be left: %v", after)
		})
	}
}

func TestForceKeepsPrivateKeysAsDatedBackups(t *testing.T) {
	dir := t.TempDir()
	key, crt, none := filepath.Join(dir, "x.key"), filepath.Join(dir, "x.crt"), filepath.Join(dir, "x.p12")
	write(t, key, oldKey, 0o644)
	write(t, crt, "old certificate", 0o644)
	files := []File{
		{Path: key, Data: []byte(newKey), Secret: true},
		{Path: crt, Data: []byte("new certificate"), Mode: ModePublic},
		{Path: none, Data: []byte("new"), Secret: true},
	}
	for range 2 { // the second run is the same second, and finds a key again
		result, err := Commit(files, Options{Force: true, Now: noon})
		require.NoError(t, err)
		for _, b := range result.Backups {
			if runtime.GOOS != "windows" {
				assert.Equal(t, ModePrivate, mode(t, b.Path))
			}
		}
		files[0].Data = []byte(oldKey + "again")
	}
	assert.Equal(t, map[string]string{
		"x.key": oldKey + "again", "x.crt": "new certificate", "x.p12": "new",
		"x.key.20260504T120000Z.bak":   oldKey,
		"x.key.20260504T120000Z-2.bak": newKey,
	}, tree(t, dir))
}

func TestForceKeepsAKeyThatAPublicFileReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.pem")
	write(t, path, oldKey, 0o600)
	result, err := Commit([]File{{Path: path, Data: []byte("certificate"), Mode: ModePublic}}, Options{Force: true, Now: noon})
	require.NoError(t, err)
	require.Len(t, result.Backups, 1)
	assert.Equal(t, oldKey, tree(t, dir)[filepath.Base(result.Backups[0].Path)])
}

// steps returns the names of all steps of a commit, in order.
func steps(t *testing.T, files []File, opts Options) []string {
	t.Helper()
	var names []string
	opts.fault = func(step string) error { names = append(names, step); return nil }
	_, err := Commit(files, opts)
	require.NoError(t, err)
	return names
}

// scene lays a key and a certificate in a new directory and returns the commit that replaces them and adds one more.
func scene(t *testing.T) (dir string, files []File) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "x.key"), oldKey, 0o600)
	write(t, filepath.Join(dir, "x.crt"), "old certificate", 0o644)
	return dir, []File{
		{Path: filepath.Join(dir, "x.key"), Data: []byte(newKey), Secret: true},
		{Path: filepath.Join(dir, "x.crt"), Data: []byte("new certificate"), Mode: ModePublic},
		{Path: filepath.Join(dir, "sub", "x.p12"), Data: []byte("new store"), Secret: true},
	}
}

func TestAnyFailingStepIsUndone(t *testing.T) {
	dir, files := scene(t)
	for _, failing := range steps(t, files, Options{Force: true, Now: noon, Journal: filepath.Join(dir, "journal")}) {
		t.Run(failing, func(t *testing.T) {
			dir, files := scene(t)
			before := tree(t, dir)
			broken := errors.New("no space left on device")
			_, err := Commit(files, Options{Force: true, Now: noon, Journal: filepath.Join(dir, "journal"),
				fault: func(step string) error {
					if step == failing {
						return broken
					}
					return nil
				}})
			require.ErrorIs(t, err, broken)
			assert.Equal(t, before, tree(t, dir))
			assert.NoDirExists(t, filepath.Join(dir, "sub"))
		})
	}
}

func TestAFileLaidInBetweenIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.key")
	_, err := Commit([]File{{Path: path, Data: []byte(newKey)}}, Options{fault: func(step string) error {
		if strings.HasPrefix(step, "5.") {
			write(t, path, oldKey, 0o600)
		}
		return nil
	}})
	require.ErrorIs(t, err, keystore.ErrExists)
	assert.Equal(t, map[string]string{"x.key": oldKey}, tree(t, dir))
}

func TestFromArtifacts(t *testing.T) {
	files, err := FromArtifacts("out", []keystore.Artifact{{Path: "a/b.key", Mode: 0o600, Secret: true, Data: []byte("k")}})
	require.NoError(t, err)
	assert.Equal(t, []File{{Path: filepath.Join("out", "a", "b.key"), Mode: 0o600, Secret: true, Data: []byte("k")}}, files)
	for _, bad := range []string{"../x", "/etc/x", "a/../../x", ""} {
		_, err := FromArtifacts("out", []keystore.Artifact{{Path: bad}})
		assert.Error(t, err, bad)
	}
}
