package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestJSONHasTheMessages: with --json standard error is empty or one document, whatever there is to warn of; that is in
// the command's document or, when it failed, in that of the error.
func TestJSONHasTheMessages(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes are those of Unix")
	}
	t.Chdir(stores(t))
	require.NoError(t, os.WriteFile("seen", []byte("storepass\n"), 0o600))
	require.NoError(t, os.Chmod("seen", 0o644))
	require.NoError(t, os.WriteFile("wrong", []byte("wrong\n"), 0o600))
	require.NoError(t, os.Chmod("wrong", 0o644))
	const open = "can be read by others; chmod 600 it"
	for _, tc := range []struct {
		name     string
		args     []string
		code     int
		out, err []string // the messages in the document there; nil: there is no document
	}{
		{"done", []string{"dev.p12", "a.pem", "--in-pass", "file:seen", "--out-pass", "none"}, exitDone, []string{"warning: seen " + open}, nil},
		{"nothing to warn of", []string{"empty.p12", "b.pem", "--out-pass", "none"}, exitDone, []string{}, nil},
		{"failed", []string{"dev.p12", "c.pem", "--in-pass", "file:wrong", "--out-pass", "none"}, exitPassword, nil, []string{"warning: wrong " + open}},
		{"refused", []string{"dev.p12", "c.p7b", "--in-pass", "file:seen"}, exitFound, []string{"warning: seen " + open}, []string{}},
		{"to standard output", []string{"p12", "pem", "dev.p12", "-", "--in-pass", "file:seen", "--out-pass", "none"}, exitDone, nil, []string{"warning: seen " + open}},
		{"refused for standard output", []string{"p12", "p7b", "dev.p12", "-", "--in-pass", "file:seen", "--out-pass", "none"}, exitFound, nil, []string{"warning: seen " + open}},
		{"many", []string{"p12", "pem", "dev.pem", "--out-dir", "many", "--in-pass", "file:seen", "--out-pass", "none"}, exitDone,
			[]string{"warning: seen " + open, "note: dev.pem is PEM by its content, not P12"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, errs, code := alone(context.Background(), nil, append([]string{"convert", "--json"}, tc.args...)...)
			assert.Equal(t, tc.code, code, errs)
			if tc.name != "to standard output" {
				checkMessages(t, out, tc.out, exitDone)
			}
			checkMessages(t, errs, tc.err, code)
		})
	}
	_, errs, _ := alone(context.Background(), nil, "inspect", "--json=true", "dev.p12", "--in-pass", "file:wrong")
	checkMessages(t, errs, []string{"warning: wrong " + open}, exitPassword)
	var stderr bytes.Buffer
	d := &deps{err: &stderr, told: &messages{}}
	d.warn("%s", "late\x1b[2J")
	d.tellRest()
	d.tellRest()
	assert.Equal(t, "{\n  \"messages\": [\n    \"warning: late\\u001b[2J\"\n  ]\n}\n", stderr.String())
}

// checkMessages requires one document with these messages, and the exit code of its error.
func checkMessages(t *testing.T, text string, want []string, code int) {
	t.Helper()
	if want == nil {
		assert.Empty(t, text)
		return
	}
	var doc struct {
		Error struct {
			ExitCode int `json:"exit_code"`
		}
		Messages []string
	}
	require.NoError(t, json.Unmarshal([]byte(text), &doc), text)
	assert.ElementsMatch(t, want, doc.Messages)
	assert.Equal(t, code, doc.Error.ExitCode)
}
