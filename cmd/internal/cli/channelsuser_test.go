package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// TestConcurrentUsers adds users at the same time: none is lost.
func TestConcurrentUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.passwd")
	o := &channelsUserOptions{deps: &deps{now: time.Now}}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := o.changeUsers(t.Context(), path, func(users *channels.UserFile) error {
				return users.Set(fmt.Sprint("user", i), keystore.Secret("x"), 1, bytes.NewReader(make([]byte, 100)))
			})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	users, err := readUsers(path)
	require.NoError(t, err)
	assert.Len(t, users.Names(), 8)
}
