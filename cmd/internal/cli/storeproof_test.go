package cli

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// lyingCodec writes sound PKCS12 files that hold something else than they were to hold.
type lyingCodec struct {
	p12file.Codec
	lie func(s *keystore.Store)
}

func (c lyingCodec) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	other := *s
	other.Identities = append([]keystore.Identity(nil), s.Identities...)
	other.Anchors = append([]keystore.Anchor(nil), s.Anchors...)
	c.lie(&other)
	return c.Codec.Encode(&other, opts)
}

// TestAResultThatIsNotWhatItShouldBeIsNotWritten: convert reads back what it wrote and compares keys, certificates and
// aliases before the file gets its name; on a mismatch it fails, and the old file is as it was, with --force too.
func TestAResultThatIsNotWhatItShouldBeIsNotWritten(t *testing.T) {
	t.Chdir(stores(t))
	old, err := os.ReadFile("again.p12")
	require.NoError(t, err)
	for name, lie := range map[string]func(s *keystore.Store){
		"another key":    func(s *keystore.Store) { s.Identities[0] = withAlias(testIdentity(t, "dev"), s.Identities[0].Alias) },
		"another alias":  func(s *keystore.Store) { s.Identities[0].Alias = "other" },
		"no chain":       func(s *keystore.Store) { s.Identities[0].Chain = nil },
		"nothing at all": func(s *keystore.Store) { s.Identities = nil },
		"something to be trusted": func(s *keystore.Store) {
			s.Anchors = []keystore.Anchor{{Alias: "evil", Certificate: testIdentity(t, "evil").Chain[0]}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &person{}
			d := &deps{out: io.Discard, err: io.Discard, random: mathReader(1), now: func() time.Time { return mint.Day }, quiet: true,
				env: func(string) (string, bool) { return "", false }, readSafe: p.read}
			o := &convertOptions{deps: d, Force: true}
			require.NoError(t, o.InPass.Set("pass:storepass"))
			require.NoError(t, o.OutPass.Set("pass:storepass"))
			o.form, err = o.parse([]string{"dev.p12", "again.p12"})
			require.NoError(t, err)
			require.NoError(t, o.prepare())
			o.form.Target = lyingCodec{lie: lie}
			sources, err := o.openAll(o.form.Inputs)
			require.NoError(t, err)
			_, err = o.convertOne(o.job(sources, "again.p12"))
			require.Error(t, err)
			assert.NotEqual(t, exitDone, outcomeOf(err).code)
			now, err := os.ReadFile("again.p12")
			require.NoError(t, err)
			assert.Equal(t, old, now)
		})
	}
	backups, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range backups {
		assert.NotContains(t, entry.Name(), ".bak")
	}
}

// withAlias is an identity under another name.
func withAlias(id keystore.Identity, alias string) keystore.Identity {
	id.Alias = alias
	return id
}
