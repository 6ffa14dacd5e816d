package formats

import (
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDetectLooksAtNoMoreThanTheHead: of a binary file, what lies behind the first HeadBytes is not looked at. It is
// memory here that cannot be read, so that one look at it ends the test.
func TestDetectLooksAtNoMoreThanTheHead(t *testing.T) {
	debug.SetPanicOnFault(true)
	const large = 500 << 20
	file, err := syscall.Mmap(-1, 0, large, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(file)) })
	require.NoError(t, syscall.Mprotect(file[:HeadBytes], syscall.PROT_READ|syscall.PROT_WRITE))
	heads := []string{
		"\xFE\xED\xFE\xED\x00\x00\x00\x02", "\xCE\xCE\xCE\xCE\x00\x00\x00\x02", "nothing that is known\x00",
		"\x30\x84\x1f\x00\x00\x00\x02\x01\x03\x30\x84\x1e\xff\xff\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01",
		"-----BEGIN CERTIFICATE-----\nMIIB",
	}
	for _, s := range foreignSamples {
		heads = append(heads, s.data)
	}
	for _, head := range heads {
		clear(file[:HeadBytes])
		copy(file, head)
		require.NotPanics(t, func() { _, _, _ = Detect(file) }, "%q", head)
	}
}
