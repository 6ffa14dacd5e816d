package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mqttpki/mqttpki/testdata/winedll"
)

// Wine runs Windows programs.
type Wine struct {
	path   string
	prefix string
}

// NewWine returns a wine that can run Go programs, or skips or fails the test when there is none. Its prefix is the
// folder that MQTTPKI_WINEPREFIX names, made on first use; without that one made for this test, which takes some ten
// seconds.
func NewWine(t testing.TB) *Wine {
	t.Helper()
	w := &Wine{path: Need(t, "wine"), prefix: os.Getenv("MQTTPKI_WINEPREFIX")}
	if w.prefix == "" {
		w.prefix = filepath.Join(t.TempDir(), "wine")
		t.Cleanup(w.stop) // a given prefix may be in use by other tests; its server ends by itself when idle
	}
	system := filepath.Join(w.prefix, "drive_c", "windows", "system32")
	dll := filepath.Join(system, winedll.Name)
	if _, err := os.Stat(dll); err == nil {
		return w
	}
	if out, err := w.Command("wineboot", "--init").CombinedOutput(); err != nil {
		t.Fatalf("making a wine prefix: %v\n%s", err, out)
	}
	if err := os.WriteFile(dll, winedll.Image(), 0o644); err != nil {
		t.Fatalf("making a wine prefix: %v", err)
	}
	return w
}

// Command prepares a run of a Windows program. Its environment has no display, so that nothing can open a window and
// wait, and may be added to.
func (w *Wine) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(w.path, append([]string{program}, args...)...)
	cmd.Env = append(os.Environ(), "WINEPREFIX="+w.prefix, "WINEDEBUG=-all", "DISPLAY=",
		"WINEDLLOVERRIDES=mscoree,mshtml=") // else wineboot asks whether to install Mono and Gecko
	return cmd
}

// Path returns how Windows programs name the file.
func (*Wine) Path(unix string) string {
	windows := []byte("Z:" + unix)
	for i, c := range windows {
		if c == '/' {
			windows[i] = '\\'
		}
	}
	return string(windows)
}

// stop ends the processes of the prefix, so that its folder can go. It touches those of this prefix alone.
func (w *Wine) stop() {
	for _, server := range []string{"wineserver", "/usr/lib/wine/wineserver", "/usr/lib/wine/wineserver64"} {
		cmd := exec.Command(server, "--kill", "--wait")
		cmd.Env = append(os.Environ(), "WINEPREFIX="+w.prefix)
		if cmd.Run() == nil {
			return
		}
	}
}
