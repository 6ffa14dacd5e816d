package pbe

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRC2 runs the vectors of RFC 2268 section 5.
func TestRC2(t *testing.T) {
	for _, tc := range []struct {
		bits               int
		key, plain, cipher string
	}{
		{63, "0000000000000000", "0000000000000000", "ebb773f993278eff"},
		{64, "ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{64, "3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{64, "88", "0000000000000000", "61a8a244adacccf0"},
		{64, "88bca90e90875a", "0000000000000000", "6ccf4308974c267f"},
		{64, "88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "1a807d272bbe5db1"},
		{128, "88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		c := newRC2(unhex(tc.key), tc.bits)
		got := make([]byte, rc2BlockSize)
		c.Encrypt(got, unhex(tc.plain))
		assert.Equal(t, tc.cipher, hex.EncodeToString(got))
		c.Decrypt(got, got)
		assert.Equal(t, tc.plain, hex.EncodeToString(got))
	}
}
