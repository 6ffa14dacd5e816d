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
	shared bool // the prefix was given from outside: other tests may be using it
}

// NewWine returns a wine that can run Go programs, or skips or fails the test when there is none. Its prefix is the
// folder that MQTTPKI_WINEPREFIX names, else the one given; it is made on first use, which takes some ten seconds. Call
// Stop before that folder is removed.
func NewWine(t testing.TB, prefix string) *Wine {
	t.Helper()
	w := &Wine{path: Need(t, "wine"), prefix: prefix}
	if given := os.Getenv("MQTTPKI_WINEPREFIX"); given != "" {
		w.prefix, w.shared = given, true
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

// Stop ends the processes of the prefix, unless others may be using it: its server ends by itself when it is idle.
func (w *Wine) Stop() {
	if w.shared {
		return
	}
	for _, server := range []string{"wineserver", "/usr/lib/wine/wineserver", "/usr/lib/wine/wineserver64"} {
		cmd := exec.Command(server, "--kill", "--wait")
		cmd.Env = append(os.Environ(), "WINEPREFIX="+w.prefix)
		if cmd.Run() == nil {
			return
		}
	}
}
