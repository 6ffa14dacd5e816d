package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a real one, with a person at it who sees what is printed and types.
type terminal struct {
	t       *testing.T
	keys    *os.File // the person's end
	process *os.File // the process's end
	mu      sync.Mutex
	seen    strings.Builder
	more    chan struct{}
}

// newTerminal opens a pseudo-terminal.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0))
	process, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	term := &terminal{t: t, keys: keys, process: process, more: make(chan struct{}, 1)}
	t.Cleanup(func() {
		_ = process.Close()
		_ = keys.Close()
	})
	go term.watch()
	return term
}

// watch collects what is printed until the terminal is closed.
func (term *terminal) watch() {
	buf := make([]byte, 4096)
	for {
		n, err := term.keys.Read(buf)
		if err != nil {
			return
		}
		term.mu.Lock()
		term.seen.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.more <- struct{}{}:
		default:
		}
	}
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return strings.ReplaceAll(term.seen.String(), "\r\n", "\n")
}

// waitFor waits until the text stands on the screen.
func (term *terminal) waitFor(text string) {
	term.t.Helper()
	patience := time.After(time.Minute)
	for !strings.Contains(term.text(), text) {
		select {
		case <-term.more:
		case <-patience:
			term.t.Fatalf("%q did not appear on the terminal; there is: %q", text, term.text())
		}
	}
}

// run starts mqttpki as a shell would: in a session of its own, whose terminal this is. Only the streams that are nil
// belong to it.
func (term *terminal) run(stdin, stdout *os.File, args ...string) *exec.Cmd {
	term.t.Helper()
	cmd := exec.Command("mqttpki", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = term.process, term.process, term.process
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if stdout != nil {
		cmd.Stdout = stdout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	require.NoError(term.t, cmd.Start())
	return cmd
}

// enter types.
func (term *terminal) enter(text string) {
	_, err := term.keys.WriteString(text)
	require.NoError(term.t, err)
}

// modes are the terminal's settings.
func (term *terminal) modes() unix.Termios {
	modes, err := unix.IoctlGetTermios(int(term.process.Fd()), unix.TCGETS)
	require.NoError(term.t, err)
	return *modes
}

// silent waits until what is typed is not shown: only then a person would see the cursor wait for a password.
func (term *terminal) silent() {
	term.t.Helper()
	for end := time.Now().Add(time.Minute); term.modes().Lflag&unix.ECHO != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			term.t.Fatal("the terminal shows what is typed")
		}
	}
}

// TestPasswordIsTypedUnseen: on a real terminal the prompt names the file, what is typed is not shown, and the terminal is
// afterwards as it was.
func TestPasswordIsTypedUnseen(t *testing.T) {
	t.Chdir(stores(t))
	term := newTerminal(t)
	before := term.modes()
	cmd := term.run(nil, nil, "convert", "dev.jks", "out.pem", "--out-pass", "none")
	term.waitFor("Password for dev.jks: ")
	term.silent()
	term.enter("storepass\n")
	term.waitFor(`Password for the key "dev" in dev.jks: `)
	term.silent()
	term.enter("keypass\n")
	require.NoError(t, cmd.Wait(), term.text())
	term.waitFor("out.pem  1 key")
	assert.NotContains(t, term.text(), "storepass")
	assert.NotContains(t, term.text(), "keypass")
	assert.Equal(t, before, term.modes())
}

// TestInterruptAtThePrompt: Ctrl-C ends the command with 130, writes nothing, and gives the terminal back as it was.
func TestInterruptAtThePrompt(t *testing.T) {
	t.Chdir(stores(t))
	for _, args := range [][]string{
		{"convert", "dev.p12", "out.pem", "--out-pass", "none"},
		{"inspect", "dev.p12"},
		{"convert", "p12", "pem", "dev.p12", "again.p12", "--out-dir", "out", "--out-pass", "none"},
	} {
		term := newTerminal(t)
		before := term.modes()
		cmd := term.run(nil, nil, args...)
		term.waitFor("Password for ")
		term.silent()
		term.enter("half of a pass\x03")
		_ = cmd.Wait()
		assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode(), term.text())
		assert.Equal(t, before, term.modes(), "the terminal's settings")
		assert.NotContains(t, term.text(), "half of a pass")
		assert.NoFileExists(t, "out.pem")
		assert.NoDirExists(t, "out")
	}
}

// TestPasswordOfAPipedFile: a file that comes through a pipe has its password typed on the terminal all the same.
func TestPasswordOfAPipedFile(t *testing.T) {
	t.Chdir(stores(t))
	in, err := os.Open("dev.p12")
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create("out.pem")
	require.NoError(t, err)
	defer out.Close()
	term := newTerminal(t)
	cmd := term.run(in, out, "convert", "p12", "pem", "-", "-", "--out-pass", "none")
	term.waitFor("Password for standard input: ")
	term.silent()
	term.enter("storepass\n")
	require.NoError(t, cmd.Wait(), term.text())
	data, err := os.ReadFile("out.pem")
	require.NoError(t, err)
	assert.Contains(t, string(data), "-----BEGIN PRIVATE KEY-----")
	assert.NotContains(t, term.text(), "storepass")
}

// TestPasswordWhereMessagesGoToAFile: the question is put on the terminal itself, whatever else is redirected, be it asked
// for by a flag or because the file needs it; none of it is in the log.
func TestPasswordWhereMessagesGoToAFile(t *testing.T) {
	t.Chdir(stores(t))
	log := logFile(t)
	in, err := os.Open("dev.p12")
	require.NoError(t, err)
	defer in.Close()
	for _, tc := range []struct {
		name  string
		args  []string
		stdin *os.File
		seen  string
	}{
		{"a flag", []string{"convert", "dev.p12", "flag.pem", "--in-pass", "prompt", "--out-pass", "none"}, nil, "flag.pem  1 key"},
		{"no flag", []string{"inspect", "dev.p12"}, nil, "alias: dev"},
		{"the file is piped in, too", []string{"inspect", "-"}, in, "alias: dev"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			term := newTerminal(t)
			cmd := exec.Command("mqttpki", tc.args...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = term.process, term.process, log
			if tc.stdin != nil {
				cmd.Stdin = tc.stdin
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
			require.NoError(t, cmd.Start())
			term.waitFor("Password for ")
			term.silent()
			term.enter("storepass\n")
			require.NoError(t, cmd.Wait(), term.text())
			term.waitFor(tc.seen)
		})
	}
	text, err := os.ReadFile("log")
	require.NoError(t, err)
	assert.NotContains(t, string(text), "assword for ")
}

// TestNobodyIsAskedWithoutATerminal: where no stream is one, a script runs that was not meant to ask, though there is a
// terminal that it was begun from.
func TestNobodyIsAskedWithoutATerminal(t *testing.T) {
	t.Chdir(stores(t))
	term := newTerminal(t)
	log := logFile(t)
	cmd := exec.Command("mqttpki", "convert", "dev.p12", "out.pem", "--out-pass", "none")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{term.process}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	_ = cmd.Run()
	assert.Equal(t, exitPassword, cmd.ProcessState.ExitCode())
	text, err := os.ReadFile("log")
	require.NoError(t, err)
	assert.Contains(t, string(text), "hint: name where the password is kept: --in-pass file:PATH")
	assert.Empty(t, term.text())
}

// logFile is a file for messages.
func logFile(t *testing.T) *os.File {
	t.Helper()
	log, err := os.Create("log")
	require.NoError(t, err)
	t.Cleanup(func() { _ = log.Close() })
	return log
}
