package formats

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// Text that only nearly is PEM, as YAML, JSON and variables have it: the command that the error names makes PEM of it, with
// everything that was there.
func TestNearlyPEMIsMended(t *testing.T) {
	interop.Need(t, "awk")
	root := mint.CA(t, "root", "ec")
	leaf := mint.Leaf(t, "leaf", "rsa", root)
	whole := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.DER})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: leaf.PKCS8}))
	for name, text := range map[string]string{
		"indented":                   "    " + strings.ReplaceAll(whole, "\n", "\n\t  "),
		"line feeds spelled":         `"` + strings.ReplaceAll(whole, "\n", `\n`) + `"` + "\n",
		"blanks for line feeds":      strings.ReplaceAll(whole, "\n", " ") + "\n",
		"nothing for line feeds":     strings.ReplaceAll(whole, "\n", ""),
		"a block a line, and a name": "cert: " + strings.ReplaceAll(strings.TrimSuffix(whole, "\n"), "\n", " "),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := Decode([]byte(text), keystore.DecodeOptions{})
			require.ErrorIs(t, err, keystore.ErrFormat)
			command, _, found := strings.Cut(keystore.Remedy(err), " > OUT.pem ")
			require.True(t, found, "%v: %s", err, keystore.Remedy(err))
			dir := t.TempDir()
			putFile(t, dir, "in", []byte(text))
			interop.Run(t, dir, "sh", "-c", typed(command, "FILE", "in")+" > out")
			assert.Equal(t, whole, strings.ReplaceAll(string(getFile(t, dir, "out")), "\n\n", "\n"))
		})
	}
}
