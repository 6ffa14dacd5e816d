package safefile

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadIfShowsTheBeginningFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ten")
	write(t, path, "0123456789", 0o600)
	for _, tc := range []struct {
		name string
		head int64
		want string
	}{
		{"a part", 4, "0123"},
		{"just all", 10, "0123456789"},
		{"more than there is", 100, "0123456789"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var seen string
			data, err := ReadIf(path, 10, tc.head, func(head []byte) error { seen = string(head); return nil })
			require.NoError(t, err)
			assert.Equal(t, tc.want, seen)
			assert.Equal(t, "0123456789", string(data))

			unwanted := errors.New("unwanted")
			data, err = ReadIf(path, 10, tc.head, func([]byte) error { return unwanted })
			require.ErrorIs(t, err, unwanted)
			assert.ErrorContains(t, err, "ten")
			assert.Nil(t, data)
		})
	}
	_, err := ReadIf(path, 9, 4, func([]byte) error { t.Error("shown, though it is too long"); return nil })
	assert.Error(t, err)
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, "", 0o600)
	_, err = ReadIf(empty, 0, 4, func([]byte) error { t.Error("shown, though there is nothing"); return nil })
	assert.True(t, IsEmpty(err))
}
