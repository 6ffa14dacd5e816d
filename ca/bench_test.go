package ca_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
)

// BenchmarkIssue is one client with its four PEM files, the inventory's three commits included.
func BenchmarkIssue(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "pki")
	opts := ca.Options{Now: time.Now, Random: rand.Reader}
	_, err := ca.Init(b.Context(), dir, ca.InitRequest{}, opts)
	require.NoError(b, err)
	h, err := ca.Open(b.Context(), dir, opts)
	require.NoError(b, err)
	defer h.Close()
	a, err := h.Unlock(nil)
	require.NoError(b, err)
	for i := 0; b.Loop(); i++ {
		_, err := h.Issue(b.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: fmt.Sprintf("c%d", i)}})
		require.NoError(b, err)
	}
}

// BenchmarkInit is a PKI of two CAs without passwords.
func BenchmarkInit(b *testing.B) {
	opts := ca.Options{Now: time.Now, Random: rand.Reader}
	for b.Loop() {
		_, err := ca.Init(b.Context(), filepath.Join(b.TempDir(), "pki"), ca.InitRequest{}, opts)
		require.NoError(b, err)
	}
}
