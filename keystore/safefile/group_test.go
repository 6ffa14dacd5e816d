package safefile

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestGroupIsAsIfEachWereAlone: many commit at once, some of them files that are taken; each gets what it would have got
// alone, and leaves what it would have left.
func TestGroupIsAsIfEachWereAlone(t *testing.T) {
	dir := t.TempDir()
	const many = 200
	for i := 0; i < many; i += 7 {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.key", i)), oldKey, 0o600)
	}
	g := &Group{}
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			files := []File{
				{Path: filepath.Join(dir, fmt.Sprintf("%d.crt", i)), Data: fmt.Appendf(nil, "certificate %d", i), Mode: ModePublic},
				{Path: filepath.Join(dir, fmt.Sprintf("%d.key", i)), Data: fmt.Appendf(nil, "key %d", i)},
			}
			result, err := g.Commit(files)
			if i%7 == 0 {
				assert.ErrorIs(t, err, keystore.ErrExists)
				assert.ErrorContains(t, err, filepath.Base(files[1].Path))
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, []string{files[0].Path, files[1].Path}, result.Written)
		})
	}
	all.Wait()
	want := map[string]string{}
	for i := range many {
		if i%7 == 0 {
			want[fmt.Sprintf("%d.key", i)] = oldKey
			continue
		}
		want[fmt.Sprintf("%d.key", i)], want[fmt.Sprintf("%d.crt", i)] = fmt.Sprintf("key %d", i), fmt.Sprintf("certificate %d", i)
	}
	assert.Equal(t, want, tree(t, dir))
}

// TestGroupTellsBackupsApart: each caller hears of its own.
func TestGroupTellsBackupsApart(t *testing.T) {
	dir := t.TempDir()
	g := &Group{Options: Options{Force: true, Now: noon}}
	members := []*member{}
	for _, name := range []string{"a.key", "b.key", "c.key"} {
		path := filepath.Join(dir, name)
		if name != "b.key" {
			write(t, path, oldKey, 0o600)
		}
		members = append(members, &member{files: []File{{Path: path, Data: []byte(newKey), Secret: true}}})
	}
	g.commit(members)
	for i, m := range members {
		require.NoError(t, m.err)
		assert.Equal(t, []string{m.files[0].Path}, m.result.Written)
		if i == 1 {
			assert.Empty(t, m.result.Backups)
			continue
		}
		require.Len(t, m.result.Backups, 1)
		assert.Equal(t, m.files[0].Path, m.result.Backups[0].Of)
	}
}
