package p12file

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestFitManyOfOneNameAndDate: entries that all have the same name, and keys that all have the same date, take no more
// time each than others. Were each to look through all before it, this test would take minutes.
func TestFitManyOfOneNameAndDate(t *testing.T) {
	const n = 100_000
	h := issue(t, "h", edKey(t), nil, false)
	created := time.UnixMilli(1_700_000_000_000).UTC()
	s := &keystore.Store{Anchors: make([]keystore.Anchor, n)}
	for i := range s.Anchors {
		s.Anchors[i] = keystore.Anchor{Alias: "Same", Certificate: h.cert}
	}
	fitted, _, err := Codec{}.Fit(s, fast(ProfileModern))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, a := range fitted.Anchors {
		names[a.Alias] = true
	}
	assert.Len(t, names, n)
	assert.True(t, names["Same"] && names["Same-2"] && names["Same-100000"])

	f := &fitter{dates: map[int64]int64{}}
	for i := range int64(n) {
		wanted := created.Add(time.Duration(i%3) * time.Millisecond)
		f.date("", wanted)
	}
	assert.Len(t, f.dates, n)
	last := created.UnixMilli() + n - 1
	assert.Contains(t, f.dates, last)
	assert.NotContains(t, f.dates, last+1)
}
