package cli

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCollectAt(t *testing.T) {
	const before = 150
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	for _, tc := range []struct {
		name, gogc string
		want       int
	}{
		{"the person says nothing", "", garbageOfCommand},
		{"the person says when", "50", before},
		{"never", "off", before},
	} {
		d := &deps{env: func(name string) (string, bool) { return tc.gogc, name == "GOGC" && tc.gogc != "" }}
		d.collectAt(garbageOfCommand)
		assert.Equal(t, tc.want, debug.SetGCPercent(before), tc.name)
	}
}
