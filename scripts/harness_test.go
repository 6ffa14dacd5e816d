// Package scripts_test runs the scripts as their users do, on Unix and under wine, and has keytool and openssl say what
// they made.
package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// built is what tests share, in a folder that TestMain removes: programs of this module for each platform, and wine.
var built = struct {
	sync.Mutex
	dir  string
	done map[string]bool
	wine *interop.Wine // nil until a test needs it
}{done: map[string]bool{}}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mqttpki-scripts-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.dir = dir
	code := m.Run()
	if built.wine != nil {
		built.wine.Stop()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build returns the path of a Go program that was built for a platform.
func build(t *testing.T, goos, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	path := filepath.Join(built.dir, goos, filepath.Base(pkg))
	if goos == "windows" {
		path += ".exe"
	}
	if built.done[path] {
		return path
	}
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	if goos == "windows" {
		cmd.Env = append(cmd.Env, "GOARCH=amd64")
	}
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	built.done[path] = true
	return path
}

// wine returns the one that all tests share.
func wine(t *testing.T) *interop.Wine {
	t.Helper()
	if built.wine == nil {
		built.wine = interop.NewWine(t, filepath.Join(built.dir, "prefix"))
	}
	return built.wine
}

// place is a copy of the scripts with mqttpki beside them, and a folder for what they make. Both have blanks and
// parentheses in their names, as Windows' own folders do.
type place struct {
	t       *testing.T
	scripts string
	sdk     string // SDKRoot
	certs   string // certpath
	env     map[string]string
	wine    *interop.Wine // nil: sh
}

func newPlace(t *testing.T, wine *interop.Wine) *place {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out the scripts' own runs")
	}
	if wine == nil && runtime.GOOS == "windows" {
		t.Skip("the .sh files are for Unix")
	}
	dir := t.TempDir()
	p := &place{
		t: t, wine: wine,
		scripts: filepath.Join(dir, "the scripts (x86)"),
		sdk:     filepath.Join(dir, "my mqtt (x86)"),
		env:     map[string]string{"password": "pass word & more"},
	}
	p.certs = filepath.Join(p.sdk, "Certificates")
	p.env["SDKRoot"] = p.path(p.sdk)
	require.NoError(t, os.CopyFS(p.scripts, os.DirFS(".")))
	goos := runtime.GOOS
	if wine != nil {
		goos = "windows"
	}
	p.install(build(t, goos, "github.com/mqttpki/mqttpki/cmd/mqttpki"), p.scripts)
	return p
}

// install puts a program into a folder.
func (p *place) install(program, dir string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(dir, 0o700))
	require.NoError(p.t, os.Link(program, filepath.Join(dir, filepath.Base(program))))
}

// path spells a path as the scripts' platform does.
func (p *place) path(unix string) string {
	if p.wine == nil {
		return unix
	}
	return p.wine.Path(unix)
}

// file is a path under certpath.
func (p *place) file(name string) string { return filepath.Join(p.certs, name) }

// run runs a script and requires that it succeeds.
func (p *place) run(script string, args ...string) string {
	p.t.Helper()
	out, err := p.try(script, args...)
	require.NoErrorf(p.t, err, "%s: %s", script, out)
	return out
}

// try runs a script.
func (p *place) try(script string, args ...string) (string, error) {
	p.t.Helper()
	var cmd *exec.Cmd
	if p.wine == nil {
		cmd = exec.Command("sh", append([]string{filepath.Join(p.scripts, script+".sh")}, args...)...)
		cmd.Env = os.Environ()
	} else {
		// Without its path: cmd takes the quotes off one with parentheses.
		cmd = p.wine.Command("cmd", append([]string{"/c", script + ".bat"}, args...)...)
	}
	cmd.Dir = p.scripts
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// files names what is directly in certpath, folders with a slash.
func (p *place) files() []string {
	p.t.Helper()
	entries, err := os.ReadDir(p.certs)
	require.NoError(p.t, err)
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		if !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
