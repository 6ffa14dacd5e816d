package keystore_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// TestParseAll: whatever their number, certificates are completed where they are, each as it would be alone.
func TestParseAll(t *testing.T) {
	good := mint.CA(t, "root", "ec").Cert.Raw
	bad := bytes.Clone(good)
	at := bytes.Index(bad, []byte{0xA0, 3, 2, 1, 2}) // the version
	require.Positive(t, at)
	bad[at+4] = 9
	for _, n := range []int{0, 1, 63, 64, 65, 128, 327} {
		list := make([]*keystore.Certificate, n)
		for i := range list {
			der := good
			if i%3 == 1 {
				der = bad
			}
			c, err := (*keystore.Parsed)(nil).Outline(der)
			require.NoError(t, err)
			assert.Nil(t, c.X509)
			list[i] = &c
		}
		keystore.ParseAll(list)
		for i, c := range list {
			if i%3 == 1 {
				assert.Equal(t, keystore.Certificate{Raw: bad}, *c)
			} else {
				require.NotNil(t, c.X509, "%d of %d", i, n)
				assert.Equal(t, good, c.X509.Raw)
			}
		}
	}
}
