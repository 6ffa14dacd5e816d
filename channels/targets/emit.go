package targets

import (
	"encoding/base32"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Emit checks a model and its material for a target and returns the target's files. The problems come back in both
// cases; when one of them is an error there are no files and the error is [ErrRefused].
func Emit(t Target, m Model, mat Material) ([]File, []Problem, error) {
	problems := InFileOrder(append(t.Check(m), mat.Check(t.Product(), m)...))
	if len(Errors(problems)) > 0 {
		return nil, problems, fmt.Errorf("emitting %s: %w", t.Product().Name, ErrRefused)
	}
	files, err := t.Emit(m, mat)
	if err != nil {
		return nil, problems, fmt.Errorf("emitting %s: %w", t.Product().Name, err)
	}
	return files, problems, nil
}

// Public returns a file that everybody may read.
func Public(name, dest, note string, data []byte) File {
	return File{Artifact: keystore.Artifact{Path: name, Mode: 0o644, Data: data, Note: note}, Dest: dest, DestMode: 0o644}
}

// Sort puts files in the order of their paths.
func Sort(files []File) []File {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// InstallLines returns the shell commands that put the files where the broker looks for them, with owner and mode,
// to be run in the folder that holds them. Directories that are made belong to root and hide nothing but their files'
// own modes; paths are such as mean themselves in a shell ([PlainPath]).
func InstallLines(files []File) []string {
	var dirs, lines []string
	for _, f := range files {
		if f.Dest == "" {
			continue
		}
		if dir := path.Dir(f.Dest); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		owner, group := "root", "root"
		if f.Owner != "" {
			owner, group, _ = strings.Cut(f.Owner, ":")
		}
		lines = append(lines, fmt.Sprintf("install -o %s -g %s -m %04o %s %s", owner, group, f.DestMode, f.Path, f.Dest))
	}
	slices.Sort(dirs)
	for i, dir := range dirs {
		dirs[i] = "install -d -m 0755 " + dir
	}
	return append(dirs, lines...)
}

// RandomPassword makes up a password of so many bytes of randomness, in base 32: every shell, store and configuration
// file takes it without quoting.
func RandomPassword(random io.Reader, bytes int) (string, error) {
	raw := make([]byte, bytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("making a password: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)), nil
}
