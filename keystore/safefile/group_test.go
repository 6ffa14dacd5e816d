package safefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

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

// TestGroupHandsOn: who commits for others does so once, and then the next of those that wait does. Its own files are on the
// disk by then, and it has other things to do.
func TestGroupHandsOn(t *testing.T) {
	dir := t.TempDir()
	g := &Group{working: true} // somebody is committing
	var all sync.WaitGroup
	returned := make(chan struct{}) // the first has
	for i := range maxGroup + 1 {
		all.Go(func() {
			_, err := g.Commit([]File{{Path: filepath.Join(dir, fmt.Sprint(i)), Data: []byte("x")}})
			assert.NoError(t, err)
			if i == 0 {
				close(returned)
			}
		})
		for n := 0; n != i+1; runtime.Gosched() {
			g.mu.Lock()
			n = len(g.waiting)
			g.mu.Unlock()
		}
	}
	steps := 0
	g.Options.fault = func(step string) error {
		if step != "0.0" {
			return nil
		}
		if steps++; steps == 2 {
			select {
			case <-returned:
			case <-time.After(10 * time.Second):
				t.Error("the first still commits for others")
			}
		}
		return nil
	}
	g.waiting[0].turn <- true
	all.Wait()
	assert.Equal(t, 2, steps, "one for as many as there is room for, and one for the last")
	assert.Empty(t, g.waiting)
	assert.False(t, g.working)
	assert.Len(t, tree(t, dir), maxGroup+1)
}

// TestGroupTellsWhatCouldNotBeUndone: where a joint step fails, is not undone, and each caller's own step is done instead, what
// is left of the first is said to all.
func TestGroupTellsWhatCouldNotBeUndone(t *testing.T) {
	dir := t.TempDir()
	g := &Group{Options: Options{Force: true, Now: noon}}
	var members []*member
	for _, name := range []string{"a.key", "b.key"} {
		members = append(members, &member{files: []File{{Path: filepath.Join(dir, name), Data: []byte(newKey), Secret: true}}})
	}
	write(t, members[0].files[0].Path, oldKey, 0o600)
	spoilt := false
	g.Options.fault = func(step string) error {
		if step != "5.1" || spoilt { // the second file gets its name
			return nil
		}
		spoilt = true
		backups, err := filepath.Glob(filepath.Join(dir, "a.key.*.bak"))
		require.NoError(t, err)
		require.Len(t, backups, 1)
		require.NoError(t, os.Remove(backups[0])) // so that the first cannot be brought back
		return errors.New("no")
	}
	g.commit(members)
	for _, m := range members {
		assert.ErrorContains(t, m.err, "undoing")
		assert.Len(t, m.result.Written, 1)
	}
}
