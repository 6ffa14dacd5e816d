package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
)

// unnamedKeys writes a PEM file with a key for each password, and a file of that name for the password. No key has a name,
// and the first none but its own certificate to go by; the others have not even that.
func unnamedKeys(t *testing.T, name string, passwords ...string) {
	t.Helper()
	var all []byte
	for i, password := range passwords {
		id := testIdentity(t, "first")
		id.Alias = ""
		if i > 0 {
			id.Chain = nil
		}
		writeStore(t, ".", "part.pem", "pem", &keystore.Store{Identities: []keystore.Identity{id}}, password, "")
		part, err := os.ReadFile("part.pem")
		require.NoError(t, err)
		all = append(all, part...)
		require.NoError(t, os.WriteFile(password, []byte(password+"\n"), 0o600))
	}
	require.NoError(t, os.Remove("part.pem"))
	require.NoError(t, os.WriteFile(name, all, 0o600))
}

// TestUnnamedKeysHaveTheirOwnPasswords: keys without a name are told apart by their place, so that in whatever order
// their passwords come, each opens its key.
func TestUnnamedKeysHaveTheirOwnPasswords(t *testing.T) {
	t.Chdir(t.TempDir())
	passwords := []string{"alpha", "bravo", "charlie"}
	unnamedKeys(t, "keys.pem", passwords...)
	keysIn := func(path string) int {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return bytes.Count(data, []byte("BEGIN PRIVATE KEY"))
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		args := []string{"convert", "keys.pem", "out.pem", "--out-pass", "none", "--force"}
		for _, i := range order {
			args = append(args, "--in-pass", "file:"+passwords[i])
		}
		out, errs, code := alone(context.Background(), nil, args...)
		require.Equal(t, exitDone, code, "%v: %s%s", order, out, errs)
		assert.Equal(t, 3, keysIn("out.pem"))
	}
	for _, first := range passwords {
		rest := slices.DeleteFunc(slices.Clone(passwords), func(p string) bool { return p == first })
		p := &person{answers: rest}
		out, errs, code := atTerminal(p, "convert", "keys.pem", "typed.pem", "--out-pass", "none", "--in-pass", "file:"+first, "--force")
		require.Equal(t, exitDone, code, "%s: %s%s", first, out, errs)
		assert.Len(t, asked(errs), 2, first)
		assert.Equal(t, 3, keysIn("typed.pem"))
	}
	_, errs, code := atTerminal(&person{answers: []string{"wrong"}}, "convert", "keys.pem", "typed.pem", "--out-pass", "none", "--in-pass", "file:alpha", "--force")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, errs, "Password for the key in keys.pem that is number 2: ")
	assert.Contains(t, errs, "hint: name where the key's password is kept: --in-key-pass file:PATH\n")
	assert.NotContains(t, errs, `""`)
	_, errs, code = alone(context.Background(), nil, "convert", "keys.pem", "typed.pem", "--out-pass", "none", "--in-pass", "file:alpha", "--force")
	assert.Equal(t, exitPassword, code)
	assert.NotContains(t, errs, "--remove", "there is nothing to call it by")
}

// TestSelectorOf: what a hint says to remove is the entry, and none but that.
func TestSelectorOf(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, alias := range []string{"dev", "type=key", "a=b", "every*", "one?", "[x]", `back\slash`, "o'clock", "two words"} {
		text := selectorOf(alias)
		if strings.HasPrefix(text, "'") {
			text = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(text, "'"), "'"), `'\''`, "'")
		}
		writeStore(t, ".", "two.pem", "pem", &keystore.Store{Identities: []keystore.Identity{testIdentity(t, alias), testIdentity(t, "everything x")}}, "", "")
		_, err := convert.ParseSelector(text)
		require.NoError(t, err, alias)
		out, errs, code := alone(context.Background(), nil, "convert", "two.pem", filepath.Join(t.TempDir(), "out.pem"), "--remove", text, "--out-pass", "none")
		require.Equal(t, exitDone, code, "%s: %s", alias, errs)
		assert.Contains(t, out, "kept     everything x", alias)
		assert.NotContains(t, out, "kept     "+alias, alias)
	}
}
