package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestWhatIsNoStoreIsNotReadWhole: a disk image of the largest size that is read at all, given by mistake, is refused by
// its beginning.
func TestWhatIsNoStoreIsNotReadWhole(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, os.WriteFile(image, []byte("\x00image"), 0o600))
	require.NoError(t, os.Truncate(image, keystore.DefaultLimits.Bytes)) // takes no place
	for _, args := range [][]string{{"inspect", image}, {"convert", image, filepath.Join(t.TempDir(), "out.p12")}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, errs, code := atTerminal(&person{}, args...)
		runtime.ReadMemStats(&after)
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, errs, "no key, certificate or store of a known format")
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "%s read it", args[0])
	}
}
