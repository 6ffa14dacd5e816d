package keystore_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// huge is a codec whose files are larger than any that is read.
type huge struct{ keystore.Codec }

func (huge) Name() string { return "huge" }

func (huge) Encode(*keystore.Store, keystore.EncodeOptions) ([]byte, error) {
	return make([]byte, keystore.DefaultLimits.Bytes+1), nil // never touched, so it takes no memory
}

// What nobody would read is not written, and that is no mistake of the codec.
func TestBuildRefusesWhatIsTooLargeToRead(t *testing.T) {
	data, err := keystore.Build(huge{}, &keystore.Store{}, keystore.EncodeOptions{})
	assert.Nil(t, data)
	assert.ErrorIs(t, err, keystore.ErrTooLarge)
	assert.NotErrorIs(t, err, keystore.ErrReadBack)
}

// What messages call a certificate is no longer than somebody reads.
func TestLabelOfALongName(t *testing.T) {
	short, long := mint.CA(t, strings.Repeat("x", 500), "ec"), mint.CA(t, strings.Repeat("\u00e4", 50_000), "ec")
	assert.Equal(t, "CN="+strings.Repeat("x", 500), keystore.NewCertificate(short.DER).Label())
	label := keystore.NewCertificate(long.DER).Label()
	assert.Less(t, len(label), 520)
	assert.True(t, utf8.ValidString(label))
	assert.True(t, strings.HasSuffix(label, "\u00e4..."))
}
