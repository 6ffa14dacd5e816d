package p12file

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestProfileOfIsTheProfileItWasWrittenIn: so that a store that is changed in place stays what its readers read.
func TestProfileOfIsTheProfileItWasWrittenIn(t *testing.T) {
	root := issue(t, "root", newKey(t), nil, true)
	for _, profile := range Profiles() {
		opts := fast(profile)
		data, _ := write(t, &keystore.Store{Anchors: []keystore.Anchor{{Alias: "root", Certificate: root.cert}}}, opts)
		got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: opts.Password})
		require.NoError(t, err)
		is, iterations := ProfileOf(got)
		assert.Equal(t, profile, is)
		if profile == ProfilePasswordlessTrust {
			assert.Zero(t, iterations)
		} else {
			assert.Equal(t, opts.Iterations, iterations)
		}
	}
}

func TestProfileOfWhatIsNeverWritten(t *testing.T) {
	for algorithm, want := range map[string]string{"PBE-SHA1-RC2-40": ProfileLegacy, "PBES2 scrypt AES-256-CBC": ProfileModern} {
		got, _ := ProfileOf(&keystore.Store{Protection: []keystore.Protection{{Part: "certificates", Algorithm: algorithm, Iterations: 16384}}})
		assert.Equal(t, want, got)
	}
}
