package matrix

import (
	"encoding/pem"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// friendlyName is how openssl and certtool print the name of what follows.
var friendlyName = regexp.MustCompile(`(?i)friendly ?name: (.*)`)

// printed turns the text that a program prints for a file, PEM blocks with their names before them, into entries.
func printed(t *testing.T, text string) []entry {
	t.Helper()
	var found []entry
	for rest := []byte(text); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return found
		}
		before := string(rest[:len(rest)-len(after)])
		e := entry{kind: kindCert}
		if names := friendlyName.FindAllStringSubmatch(before, -1); names != nil {
			e.alias = names[len(names)-1][1]
		}
		rest = after
		switch block.Type {
		case "PKCS7": // certtool shows the bundle after its certificates
			continue
		case "CERTIFICATE":
			e.chain = [][]byte{block.Bytes}
		default:
			spki, err := publicOf(block.Bytes)
			require.NoError(t, err)
			e.kind, e.spki = kindKey, spki
		}
		found = append(found, e)
	}
}

// pemBlock is one in what a program printed.
var pemBlock = regexp.MustCompile(`(?s)-----BEGIN .*?-----END [A-Z ]+-----`)

// failure is what a program complained of, in one line.
func failure(out string, err error) string {
	return err.Error() + ": " + strings.Join(strings.Fields(pemBlock.ReplaceAllString(out, "")), " ")
}

// aliasOf is the name that the files of the material have for the only key of a row, or for whose chain it holds.
func aliasOf(r *row) string {
	switch r.content {
	case rsaKey:
		return "rsa-client"
	case edKey:
		return "ed-client"
	}
	return "sensor-17"
}

// appendFile puts a second file behind the first.
func appendFile(t *testing.T, path, second string) {
	t.Helper()
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	more, err := os.ReadFile(second)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(first, more...), 0o600))
}
