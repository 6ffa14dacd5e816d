package inventory

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// The children of these tests are this test binary again, told by this variable what to do.
const childVariable = "INVENTORY_CHILD"

func TestMain(m *testing.M) {
	if task, path, ok := strings.Cut(os.Getenv(childVariable), ":"); ok {
		if err := runChild(task, path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child returns a command that does task on the inventory at path.
func child(task, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+task+":"+path)
	return cmd
}

const perChild = 10

func runChild(task, path string) error {
	ctx := context.Background()
	db, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	switch task {
	case "contend": // everybody wants the same serials and the same names, and takes the first that is free
		for range perChild {
			if err := takeNext(ctx, db); err != nil {
				return err
			}
		}
		return db.Close()
	case "hold": // dies in the middle of a transaction, having finished one
		if _, err := reserve(ctx, db, Reservation{Serial: big.NewInt(1), Name: "kept", Role: "client"}); err != nil {
			return err
		}
		return db.Batch(ctx, func(b *Batch) error {
			_, err := b.Reserve(Reservation{Serial: big.NewInt(2), Issuer: "issuing", Name: "lost", Role: "client", At: noon})
			fmt.Println("holding", err)
			time.Sleep(time.Minute) // the parent kills this process long before
			return nil
		})
	}
	return fmt.Errorf("no task %q", task)
}

// takeNext issues under the first serial that is free, which is the name as well.
func takeNext(ctx context.Context, db *DB) error {
	for serial := int64(1); ; serial++ {
		name := fmt.Sprint("n", serial)
		_, err := reserve(ctx, db, Reservation{Serial: big.NewInt(serial), Name: name, Role: "client"})
		if err == nil {
			return nil
		}
		if !errors.Is(err, keystore.ErrExists) && !errors.Is(err, ErrSerialTaken) {
			return err
		}
	}
}

// TestProcessesShareOneFile has several processes take serials and names from one inventory at once.
func TestProcessesShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inventory.db")
	db, err := Open(t.Context(), path, Options{Create: true})
	require.NoError(t, err)
	defer db.Close()
	const children = 4
	var group sync.WaitGroup
	for range children {
		group.Go(func() {
			out, err := child("contend", path).CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	group.Wait()
	serials := map[string]bool{}
	for _, e := range list(t, db, Filter{}) {
		assert.False(t, serials[e.Serial], "serial %s twice", e.Serial)
		serials[e.Serial] = true
	}
	assert.Len(t, serials, children*perChild)
}

// TestACrashKeepsWhatWasCommitted kills a process in the middle of a transaction.
func TestACrashKeepsWhatWasCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inventory.db")
	db, err := Open(t.Context(), path, Options{Create: true})
	require.NoError(t, err)
	require.NoError(t, db.Close())

	cmd := child("hold", path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "holding <nil>\n", line)

	impatient, err := Open(t.Context(), path, Options{BusyTimeout: 10 * time.Millisecond})
	require.NoError(t, err)
	_, err = reserve(t.Context(), impatient, Reservation{Serial: big.NewInt(3), Name: "me", Role: "client"})
	assert.ErrorIs(t, err, keystore.ErrLocked, "while the other one holds the lock")
	assert.Equal(t, []string{"kept"}, names(list(t, impatient, Filter{})), "readers do not wait")
	require.NoError(t, impatient.Close())

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	db, err = Open(t.Context(), path, Options{})
	require.NoError(t, err)
	defer db.Close()
	assert.Equal(t, []string{"kept"}, names(list(t, db, Filter{States: []State{Reserved}})))
	_, err = reserve(t.Context(), db, Reservation{Serial: big.NewInt(2), Name: "lost", Role: "client"})
	require.NoError(t, err)
}
