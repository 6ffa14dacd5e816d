package ca_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// noon is when the tests take place, unless a program with a clock of its own has to agree.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

var caPassword = keystore.Secret("correct horse")

// newHome makes a PKI in a fresh folder, and opens and unlocks it.
func newHome(t *testing.T, req ca.InitRequest, now func() time.Time) (*ca.Home, *ca.Authority) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	req.Root.Password, req.Issuing.Password, req.Iterations = caPassword, caPassword, 1
	opts := ca.Options{Now: now, Random: rand.Reader}
	_, err := ca.Init(t.Context(), dir, req, opts)
	require.NoError(t, err)
	h, err := ca.Open(t.Context(), dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	a, err := h.Unlock(caPassword)
	require.NoError(t, err)
	return h, a
}

func TestIssueAndRevoke(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	p, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "sensor-17"}})
	require.NoError(t, err)
	require.FileExists(t, h.Path("client/sensor-17/sensor-17.key"))
	_, err = h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "Sensor-17"}})
	require.ErrorIs(t, err, keystore.ErrExists)
	revoked, err := h.Revoke(t.Context(), []string{"sensor-17"}, 1)
	require.NoError(t, err)
	require.Equal(t, inventory.Revoked, revoked[0].State)
	require.Equal(t, p.Certificate().SerialNumber.Text(16), revoked[0].Serial)
	crl, err := h.SignCRL(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, 2, crl.Entries)
	require.Equal(t, int64(2), crl.Number)
}
