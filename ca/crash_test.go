package ca_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

// helperDir makes the test program issue certificates into a PKI instead of testing; see issueMany.
const helperDir = "MQTTPKI_TEST_ISSUE_INTO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		if err := issueMany(dir, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// issueMany issues count clients named prefix-0, prefix-1, ... and then one that everybody wants, and prints each that it
// got.
func issueMany(dir, prefix, count string) error {
	ctx := context.Background()
	h, err := ca.Open(ctx, dir, ca.Options{Now: time.Now, Random: rand.Reader})
	if err != nil {
		return err
	}
	a, err := h.Unlock(caPassword)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for i := range n {
		name := fmt.Sprintf("%s-%d", prefix, i)
		if _, err := h.Issue(ctx, a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: name}}); err != nil {
			return err
		}
		fmt.Println(name)
	}
	_, err = h.Issue(ctx, a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "shared"}})
	switch {
	case err == nil:
		fmt.Println("shared")
	case !errors.Is(err, keystore.ErrExists):
		return err
	}
	return h.Close()
}

// helper starts issueMany in a process of its own.
func helper(t *testing.T, dir, prefix string, count int) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, prefix, strconv.Itoa(count))
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestSeveralProcesses: processes issue into one PKI at once; all succeed, no serial is used twice, and of those who want
// one name, one gets it.
func TestSeveralProcesses(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{}, time.Now)
	const processes, each = 4, 5
	var all sync.WaitGroup
	outputs := make([]string, processes)
	errs := make([]error, processes)
	for i := range processes {
		cmd := helper(t, h.Dir(), "p"+strconv.Itoa(i), each)
		all.Go(func() {
			out, err := cmd.Output()
			outputs[i], errs[i] = string(out), err
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Equal(t, 1, strings.Count(strings.Join(outputs, ""), "shared\n"))
	assert.Equal(t, processes*each+1, checkWhole(t, h))
}

// TestSeveralGoroutines: the same within one process, servers and clients mixed, while somebody revokes.
func TestSeveralGoroutines(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, time.Now)
	_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "victim"}})
	require.NoError(t, err)
	var all sync.WaitGroup
	const workers, each = 4, 4
	errs := make([]error, workers+1)
	for w := range workers {
		all.Go(func() {
			for i := range each {
				role := ca.LeafRoles()[(w+i)%3]
				_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: role, Name: fmt.Sprintf("w%d-%d", w, i)}})
				errs[w] = errors.Join(errs[w], err)
			}
		})
	}
	all.Go(func() {
		_, err := h.Revoke(t.Context(), []string{"victim"}, 0)
		if err == nil {
			_, err = h.SignCRL(t.Context(), a)
		}
		errs[workers] = err
	})
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Equal(t, workers*each, checkWhole(t, h))
}

// TestKilled: a process that issues is killed at some moment, again and again. Whatever the moment, the next command
// opens the PKI, every certificate on the disk is known, and every issued one is there with its key.
func TestKilled(t *testing.T) {
	h, _ := newHome(t, ca.InitRequest{}, time.Now)
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		cmd := helper(t, h.Dir(), "r"+strconv.Itoa(round), 1000)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = bufio.NewReader(out).ReadString('\n') // the first is issued: it is at work
		require.NoError(t, err)
		time.Sleep(time.Duration(round) * 1700 * time.Microsecond)
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		again, err := ca.Open(t.Context(), h.Dir(), ca.Options{Now: time.Now, Random: rand.Reader})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, checkWhole(t, again), round+1)
		require.NoError(t, again.Close())
	}
}

// checkWhole checks that nothing is unsettled, that every issued leaf lies on the disk with its key, and that every
// certificate on the disk is known. It returns how many live leaves there are.
func checkWhole(t *testing.T, h *ca.Home) int {
	t.Helper()
	known := map[string]bool{}
	live := 0
	for e, err := range h.Inventory().List(t.Context(), inventory.Filter{}) {
		require.NoError(t, err)
		require.NotEqual(t, inventory.Reserved, e.State, e.Name)
		require.NotEqual(t, inventory.Pending, e.State, e.Name)
		known[e.Serial] = true
		role := ca.Role(e.Role)
		if e.State != inventory.Issued || role.IsCA() {
			continue
		}
		live++
		files := ca.FilesOf(role, e.Name)
		pair, err := tls.LoadX509KeyPair(h.Path(files.Chain), h.Path(files.Key))
		require.NoError(t, err, e.Name)
		require.Equal(t, e.Serial, pair.Leaf.SerialNumber.Text(16))
		for _, path := range e.Files {
			require.FileExists(t, h.Path(path))
		}
	}
	found, err := filepath.Glob(h.Path("*/*/*.crt"))
	require.NoError(t, err)
	for _, path := range found {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		block, _ := pem.Decode(data)
		require.NotNil(t, block, path)
		cert, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		require.True(t, known[cert.SerialNumber.Text(16)], "%s is not in the inventory", path)
	}
	return live
}

// TestCrashAtEachStep: what the next command makes of an issue that ended before a step.
func TestCrashAtEachStep(t *testing.T) {
	for _, tc := range []struct {
		step  string
		state inventory.State
		files bool
	}{
		{"sign", inventory.Abandoned, false},
		{"record", inventory.Abandoned, false},
		{"write", inventory.Revoked, false},
		{"issued", inventory.Issued, true},
	} {
		t.Run("before "+tc.step, func(t *testing.T) {
			h, a := newHome(t, ca.InitRequest{}, time.Now)
			order := ca.Order{Request: ca.Request{Role: ca.RoleServer, Name: "mqtt.example.com"}}
			h.SetFault(func(step string) error {
				if step == tc.step {
					return ca.ErrCrash
				}
				return nil
			})
			_, err := h.Issue(t.Context(), a, order)
			require.ErrorIs(t, err, ca.ErrCrash)
			again, err := ca.Open(t.Context(), h.Dir(), ca.Options{Now: time.Now, Random: rand.Reader})
			require.NoError(t, err)
			defer again.Close()
			found, err := again.Inventory().Find(t.Context(), "mqtt.example.com")
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, tc.state, found[0].State)
			if tc.files {
				require.FileExists(t, h.Path("server/mqtt.example.com/mqtt.example.com.key"))
				order.Replace = true
			} else {
				require.NoDirExists(t, h.Path("server/mqtt.example.com"))
			}
			_, err = again.Issue(t.Context(), a, order)
			require.NoError(t, err)
			assert.Equal(t, 1, checkWhole(t, again))
		})
	}
}

// TestFailureAtEachStep: the same steps fail, and the process goes on: nothing is left and the name is free.
func TestFailureAtEachStep(t *testing.T) {
	for _, step := range []string{"sign", "record", "write"} {
		t.Run(step, func(t *testing.T) {
			h, a := newHome(t, ca.InitRequest{}, time.Now)
			full := errors.New("disk full")
			h.SetFault(func(at string) error {
				if at == step {
					return full
				}
				return nil
			})
			order := ca.Order{Request: ca.Request{Role: ca.RoleServer, Name: "mqtt.example.com"}}
			_, err := h.Issue(t.Context(), a, order)
			require.ErrorIs(t, err, full)
			found, err := h.Inventory().Find(t.Context(), "mqtt.example.com")
			require.NoError(t, err)
			assert.Equal(t, inventory.Abandoned, found[0].State)
			require.NoDirExists(t, h.Path("server"))
			h.SetFault(nil)
			_, err = h.Issue(t.Context(), a, order)
			require.NoError(t, err)
		})
	}
}
