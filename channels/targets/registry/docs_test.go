package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// TestDocumentedExample reads the example of docs/channels.md, with a block for every target.
func TestDocumentedExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "channels.md"))
	require.NoError(t, err)
	_, example, found := strings.Cut(string(text), "```yaml\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```")
	d, err := channels.Parse([]byte(example))
	require.NoError(t, err)
	assert.Empty(t, CheckBlocks(d))
	assert.Empty(t, d.Validate())
	for _, target := range All() {
		assert.Contains(t, d.Targets, target.Product().Name)
		for _, p := range targets.Errors(target.Check(targets.Model{Deployment: d})) {
			assert.NotEmpty(t, p.Property, "%s: %s", target.Product().Name, p)
		}
	}
}
