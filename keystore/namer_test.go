package keystore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
)

// A name goes to the entry that asks for it, whoever comes first; what has none, or another one's, gets a free one. (The
// codecs' tests have what their formats can carry.)
func TestNamer(t *testing.T) {
	rules := keystore.NameRules{
		Suit: func(name string) (string, keystore.RenameReason, string) {
			return name, keystore.RenameInvalid, "invalid"
		},
		Cut:     func(name string, room int) string { return name[:min(len(name), 8-room)] },
		Missing: "missing", Duplicate: "duplicate",
	}
	asked := []string{"", "1", "Twin", "twin", "TWIN", "twin-2", "eightlen", "eightlen", ""}
	n := keystore.NewNamer(rules, asked)
	var got []string
	for _, name := range asked {
		got = append(got, n.Name(name, &keystore.Anchor{Alias: name, Certificate: keystore.Certificate{Raw: []byte("x")}}))
	}
	assert.Equal(t, []string{"2", "1", "Twin", "twin-3", "TWIN-4", "twin-2", "eightlen", "eightl-2", "3"}, got)
	var why []string
	for _, c := range n.Changes() {
		why = append(why, c.To+" "+c.Why+" "+string(c.Reason))
	}
	assert.Equal(t, []string{"2 missing missing", "twin-3 duplicate duplicate", "TWIN-4 duplicate duplicate", "eightl-2 duplicate duplicate", "3 missing missing"}, why)
	assert.Contains(t, n.Changes()[0].Entry, "sha256:", "what messages call an entry without a name")
}
