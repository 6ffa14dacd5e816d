package winedll_test

import (
	"bytes"
	"debug/pe"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/winedll"
)

// Go's own PE reader takes the file for a DLL of one section that lies where its headers say.
func TestImageIsADLL(t *testing.T) {
	image := winedll.Image()
	f, err := pe.NewFile(bytes.NewReader(image))
	require.NoError(t, err)
	assert.EqualValues(t, pe.IMAGE_FILE_MACHINE_AMD64, f.Machine)
	assert.NotZero(t, f.Characteristics&pe.IMAGE_FILE_DLL)
	require.Len(t, f.Sections, 1)
	data, err := f.Sections[0].Data()
	require.NoError(t, err)
	assert.Contains(t, string(data), "ProcessPrng\x00ADVAPI32.SystemFunction036\x00")
	optional, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	require.True(t, ok)
	assert.Equal(t, f.Sections[0].VirtualAddress, optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress)
}
