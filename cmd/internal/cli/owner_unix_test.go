//go:build unix

package cli

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInPlaceKeepsTheOwner: a store that root changes still belongs to the broker that reads it.
func TestInPlaceKeepsTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Chdir(stores(t))
	require.NoError(t, os.Chown("dev.p12", 1234, 2345))
	require.NoError(t, os.Chmod("dev.p12", 0o640))
	_, errs, code := atTerminal(&person{answers: []string{"storepass"}}, "convert", "--in-place", "dev.p12", "--rename", "dev=new")
	require.Equal(t, exitDone, code, errs)
	info, err := os.Stat("dev.p12")
	require.NoError(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	assert.EqualValues(t, 1234, owner.Uid)
	assert.EqualValues(t, 2345, owner.Gid)
	assert.EqualValues(t, 0o640, info.Mode().Perm())
}
