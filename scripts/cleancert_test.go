package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cleancert removes nothing unasked, then everything that the scripts made and nothing else; the CA and the password
// that its key is encrypted under can be had back.
func TestCleancert(t *testing.T) {
	shells(t, func(t *testing.T, p *place) {
		p.env["algorithm"] = "EC"
		delete(p.env, "password")
		p.run("cacerts")
		if p.wine == nil {
			p.run("sscerts")
			p.run("mqcerts")
		}
		require.NoError(t, os.WriteFile(p.file("notes.txt"), []byte("theirs"), 0o600))
		before := p.files()

		out, err := p.try("cleancert")
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		assert.Equal(t, 2, exit.ExitCode(), out)
		assert.Contains(t, out, "--yes")
		assert.Contains(t, out, "srvcertcasigned.cer")
		assert.Equal(t, before, p.files())

		p.run("cleancert", "--yes")
		left := p.files()
		require.Len(t, left, 3, "%s", left)
		assert.Equal(t, []string{"notes.txt", "password.txt"}, left[:2])
		assert.True(t, strings.HasPrefix(left[2], "pki.2") && strings.HasSuffix(left[2], ".bak/"), left[2])
		assert.FileExists(t, filepath.Join(p.file(left[2]), "ca", "root.key"))
		if p.wine == nil {
			assert.Contains(t, p.run("cleancert", "--yes"), "nothing to remove")
			p.run("cacerts")
		}
	})
}
