package ber

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// A Reader goes through definite and indefinite lengths alike, converts what it must, and nothing else.
func TestReader(t *testing.T) {
	for _, in := range []string{
		"3080 3080 020105 3003ffffff 24800401aa0401bb0000 0000 0000 99",
		"3014 3012 020105 3003ffffff 24800401aa0401bb0000 99",
	} {
		r := NewReader(unhex(t, in), 8)
		outer, err := r.Enter(0x30)
		require.NoError(t, err)
		inner, err := outer.Enter(0x30)
		require.NoError(t, err)
		assert.EqualValues(t, 2, inner.Tag())
		var got []string
		for inner.More() {
			e, err := inner.Next()
			require.NoError(t, err)
			got = append(got, hex.EncodeToString(e))
		}
		assert.Equal(t, []string{"020105", "3003ffffff", "0402aabb"}, got, "what is inside a SEQUENCE in DER is not looked at")
		assert.Zero(t, inner.Tag())
		require.NoError(t, outer.Leave(inner))
		require.NoError(t, r.Leave(outer))
		assert.Equal(t, unhex(t, "99"), r.Rest())
	}
}

func TestReaderRefuses(t *testing.T) {
	_, err := NewReader(unhex(t, "3100"), 8).Enter(0x30)
	assert.ErrorIs(t, err, keystore.ErrFormat, "another tag")
	_, err = NewReader(unhex(t, "30"), 8).Enter(0x30)
	assert.ErrorIs(t, err, keystore.ErrFormat, "cut short")
	_, err = NewReader(unhex(t, "3000"), 1).Enter(0x30)
	assert.ErrorIs(t, err, keystore.ErrTooLarge)
	r := NewReader(unhex(t, "3080020105"), 8)
	inner, err := r.Enter(0x30)
	require.NoError(t, err)
	assert.ErrorIs(t, r.Leave(inner), keystore.ErrFormat, "not at the end")
	_, err = inner.Next()
	require.NoError(t, err)
	assert.True(t, inner.More(), "no end of contents")
	_, err = inner.Next()
	assert.ErrorIs(t, err, keystore.ErrFormat)
	assert.ErrorIs(t, r.Leave(inner), keystore.ErrFormat)
}
