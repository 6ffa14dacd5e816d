package ca_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// TestFoundation: what a CA signs before it has a folder is recorded and written with the folder, and not before.
func TestFoundation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	f, err := ca.Found(dir, ca.InitRequest{Iterations: 1, Root: ca.CASpec{Password: keystore.Secret("root")}}, options())
	require.NoError(t, err)
	product, err := f.Issue(client("alpha"))
	require.NoError(t, err)
	left, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is written yet")

	_, err = f.Establish(t.Context())
	require.NoError(t, err)
	h, err := ca.Open(t.Context(), dir, options())
	require.NoError(t, err)
	defer h.Close()
	assert.Equal(t, f.Root().Raw, h.Root().Raw)
	entry, cert, err := h.Lookup(t.Context(), "alpha")
	require.NoError(t, err)
	assert.Equal(t, inventory.Issued, entry.State)
	assert.Equal(t, product.Certificate().Raw, cert.Raw)
	assert.Equal(t, product.Entry, entry.ID)
	assert.Equal(t, product.Files, entry.Files)
	for _, path := range entry.Files {
		assert.FileExists(t, h.Path(path))
	}
	checkWhole(t, h)
	a, err := h.Unlock(nil)
	require.NoError(t, err)
	_, err = h.Issue(t.Context(), a, client("alpha"))
	require.ErrorIs(t, err, keystore.ErrExists)
}

// TestFoundationFails: names that are in each other's way, and a folder that somebody else filled meanwhile. In either
// case nothing of the PKI is left.
func TestFoundationFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	f, err := ca.Found(dir, ca.InitRequest{}, options())
	require.NoError(t, err)
	for _, name := range []string{"alpha", "ALPHA"} {
		_, err = f.Issue(client(name))
		require.NoError(t, err)
	}
	_, err = f.Establish(t.Context())
	require.ErrorIs(t, err, keystore.ErrExists)
	assert.NoDirExists(t, dir)

	f, err = ca.Found(dir, ca.InitRequest{}, options())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600))
	_, err = f.Establish(t.Context())
	require.ErrorIs(t, err, keystore.ErrExists)
	left, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	assert.Len(t, left, 1, "the folder with somebody's file alone")
	assert.FileExists(t, filepath.Join(dir, "mine"))
}
