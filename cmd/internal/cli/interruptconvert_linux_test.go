package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEndOfInputAtThePrompt: Ctrl-D at a prompt is no password, and ends the command; behind some text it is the Enter key.
func TestEndOfInputAtThePrompt(t *testing.T) {
	const endOfInput = "\x04"
	t.Chdir(stores(t))
	for _, tc := range []struct {
		typed string
		args  []string
		code  int
		says  string
	}{
		{endOfInput, []string{"convert", "dev.p12", "out.pem", "--out-pass", "none"}, exitPassword, "hint: name where the password is kept: --in-pass file:PATH"},
		{endOfInput, []string{"convert", "empty.p12", "out.pem", "--out-pass", "prompt"}, exitUsage, "mqttpki: no password was typed for the result"},
		{"storepass" + endOfInput + endOfInput, []string{"convert", "dev.p12", "out.pem", "--out-pass", "none"}, exitDone, "out.pem  1 key"},
	} {
		term := newTerminal(t)
		before := term.modes()
		cmd := term.run(nil, nil, tc.args...)
		term.waitFor("assword for ")
		term.silent()
		term.enter(tc.typed)
		_ = cmd.Wait()
		assert.Equal(t, tc.code, cmd.ProcessState.ExitCode(), term.text())
		term.waitFor(tc.says)
		assert.Equal(t, before, term.modes(), "the terminal's settings")
	}
}
