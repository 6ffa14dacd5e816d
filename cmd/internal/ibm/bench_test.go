package ibm

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkCASigned makes the CA, server and client and every file of that path in an empty folder. What deriving the
// CA's key at rest costs is the difference between the last two.
func BenchmarkCASigned(b *testing.B) {
	for _, bc := range []struct {
		name, algorithm string
		iterations      int
	}{
		{"P-256", "EC", 1}, {"RSA-2048", "RSA", 1}, {"P-256 with the CA's key under 600,000 rounds", "EC", 0},
	} {
		b.Run(bc.name, func(b *testing.B) {
			dir := b.TempDir()
			for n := 0; b.Loop(); n++ {
				vars := variables(b, filepath.Join(dir, strconv.Itoa(n)))
				vars["algorithm"], vars["password"] = bc.algorithm, "secret"
				job := newJob(b, vars, time.Now())
				job.CAIterations = bc.iterations
				_, err := job.CASigned(context.Background())
				require.NoError(b, err)
			}
		})
	}
}
