package safefile

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// nobody is a user without rights.
const nobody = 65534

// asNobody gives the calling goroutine's thread the file rights of nobody, if it had more, until the test ends.
func asNobody(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	_, err := unix.SetfsuidRetUid(nobody)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = unix.SetfsuidRetUid(0) })
}

func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret"), "s", 0o000)
	open, closed := filepath.Join(dir, "open"), filepath.Join(dir, "closed")
	require.NoError(t, os.Mkdir(open, 0o777))
	require.NoError(t, os.Chmod(open, 0o777))
	require.NoError(t, os.Mkdir(closed, 0o555))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o755))
	asNobody(t)

	_, err := Read(filepath.Join(dir, "secret"), 0)
	require.ErrorIs(t, err, fs.ErrPermission)
	_, err = Commit([]File{
		{Path: filepath.Join(open, "a"), Data: []byte("a")},
		{Path: filepath.Join(closed, "b"), Data: []byte("b")},
	}, Options{})
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Contains(t, err.Error(), filepath.Join(closed, "b"))
	assert.Empty(t, tree(t, dir+"/open"), "the file that could be written is taken back")
	_, err = Lock(t.Context(), filepath.Join(closed, "lock"), 0)
	require.ErrorIs(t, err, fs.ErrPermission)
}

func TestReadNeverWaitsForAPipeOrOpensADevice(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for path, says := range map[string]string{fifo: "named pipe", "/dev/zero": "device"} {
		_, err := Read(path, 10)
		require.ErrorIs(t, err, ErrNotRegular)
		assert.Contains(t, err.Error(), says)
	}
	_, err := Commit([]File{{Path: fifo}}, Options{Force: true, Now: noon})
	require.ErrorIs(t, err, ErrNotRegular)
}

func TestReadMeasuresWhatLiesAboutItsSize(t *testing.T) {
	info, err := os.Stat("/proc/self/maps")
	if err != nil || info.Size() != 0 {
		t.Skip("no /proc here")
	}
	data, err := Read("/proc/self/maps", 1<<20)
	require.NoError(t, err)
	assert.NotEmpty(t, data)
}

// TestStrangersLinksAreNotFollowed needs root to lay a link that belongs to somebody else.
func TestStrangersLinksAreNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a link to another user")
	}
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	shared := filepath.Join(dir, "shared")
	require.NoError(t, os.Mkdir(real, 0o700))
	require.NoError(t, os.Mkdir(shared, 0o777))
	require.NoError(t, os.Chmod(shared, 0o777|fs.ModeSticky))
	link := filepath.Join(shared, "pki")
	require.NoError(t, os.Symlink(real, link))

	_, err := Commit([]File{{Path: filepath.Join(link, "ours"), Data: []byte("x")}}, Options{})
	require.NoError(t, err, "a link of our own is fine")

	require.NoError(t, os.Lchown(link, nobody, nobody))
	_, err = Commit([]File{{Path: filepath.Join(link, "sub", "theirs"), Data: []byte("x")}}, Options{})
	require.ErrorIs(t, err, ErrUnsafe)
	assert.Contains(t, err.Error(), link)
	assert.Equal(t, map[string]string{"ours": "x"}, tree(t, real))
}

// TestFullDisk runs in a mount namespace of its own, on a file system of 64 KiB.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("SAFEFILE_FULL_DISK"); dir != "" {
		fullDiskChild(t, dir)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	child.Env = append(os.Environ(), "SAFEFILE_FULL_DISK="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := child.CombinedOutput()
	if len(out) == 0 || strings.Contains(string(out), "SKIP") {
		t.Skipf("no user and mount namespaces here: %v %s", err, out)
	}
	require.NoError(t, err, "%s", out)
}

func fullDiskChild(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	write(t, filepath.Join(dir, "x.key"), oldKey, 0o600)
	before := tree(t, dir)
	big := bytes.Repeat([]byte("x"), 40<<10)
	for _, force := range []bool{true, false} {
		_, err := Commit([]File{
			{Path: filepath.Join(dir, "sub", "first"), Data: big},
			{Path: filepath.Join(dir, "sub", "second"), Data: big},
		}, Options{Force: force, Now: noon})
		require.ErrorIs(t, err, syscall.ENOSPC)
		assert.Contains(t, err.Error(), "second")
		assert.Equal(t, before, tree(t, dir))
		assert.NoDirExists(t, filepath.Join(dir, "sub"))
	}
	_, err := Commit([]File{
		{Path: filepath.Join(dir, "x.key"), Data: append([]byte(newKey), big...), Secret: true},
		{Path: filepath.Join(dir, "second"), Data: big},
	}, Options{Force: true, Now: noon})
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, before, tree(t, dir), "the old key, and nothing else")
}
