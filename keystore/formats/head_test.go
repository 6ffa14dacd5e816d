package formats

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestRefuse: what is refused by its beginning is refused whatever follows, and nothing that could be read is.
func TestRefuse(t *testing.T) {
	block := "\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	for _, tc := range []struct {
		name, head string
		want       error
	}{
		{"a known format", "\xFE\xED\xFE\xED\x00\x00\x00\x02", nil},
		{"text", "hello", nil},
		{"a foreign format", "PuTTY-User-Key-File-3: ssh-rsa\n", keystore.ErrUnsupported},
		{"something binary", "MZ\x90\x00", keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head := tc.head + strings.Repeat(tc.head[len(tc.head)-1:], HeadBytes-len(tc.head))
			err := Refuse([]byte(head))
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tc.want)
			_, _, err = Detect([]byte(head + block))
			assert.ErrorIs(t, err, tc.want)
		})
	}
}
