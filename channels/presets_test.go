package channels

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPresets(t *testing.T) {
	for _, name := range PresetNames() {
		t.Run(name, func(t *testing.T) {
			d, err := Preset(name, "mqtt.example.com")
			require.NoError(t, err)
			assert.Empty(t, d.Validate().Errors())
			back, err := Parse(d.YAML())
			require.NoError(t, err, "%s", d.YAML())
			assert.Equal(t, string(d.YAML()), string(back.YAML()))
			assert.Equal(t, d.Listeners, back.Listeners)
			assert.Equal(t, d.Access, back.Access)
		})
	}
	_, err := Preset("open", "a")
	require.EqualError(t, err, `there is no preset "open"; there are mtls and ibm-sample`)
}
