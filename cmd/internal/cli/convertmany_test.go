package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestConvertManySaysThingsInTurn: what the workers have to say of their files comes a whole line each. With -race it also
// finds what they use at the same time and should not.
func TestConvertManySaysThingsInTurn(t *testing.T) {
	const many = 100
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("in", 0o700))
	id := testIdentity(t, "dev")
	trust := &keystore.Store{Anchors: []keystore.Anchor{{Alias: "ca", Certificate: id.Chain[0]}}}
	for i := range many {
		writeStore(t, "in", fmt.Sprintf("%03d.jks", i), "pem", trust, "", "")
	}
	out, errs, code := alone(context.Background(), nil, "convert", "jks", "p12", "--in-dir", "in", "--out-dir", "out", "--out-pass", "random")
	require.Equal(t, exitDone, code, errs)
	assert.Equal(t, 2*many, strings.Count(out, "\n"), "a store and its password each")
	said := 0
	for line := range strings.Lines(errs) {
		if strings.Contains(line, "by its content") {
			assert.Regexp(t, `^note: in/\d{3}\.jks is PEM by its content, not JKS\n$`, filepath.ToSlash(line))
			said++
		}
	}
	assert.Equal(t, many, said)
}
