//go:build !windows

package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// openNoWait keeps the opening of a named pipe from waiting for its other end.
const openNoWait = syscall.O_NONBLOCK

// staged is a new file under a temporary name beside its target.
type staged struct {
	*renameio.PendingFile
}

// newStaged opens a temporary file for the target at path. It is never more open than mode.
func newStaged(path string, mode fs.FileMode) (*staged, error) {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithStaticPermissions(mode))
	if err != nil {
		return nil, err
	}
	return &staged{f}, nil
}

// flush brings the file to the disk.
func (s *staged) flush() error { return s.Sync() }

// place gives the file the target's name and fails with fs.ErrExist when that is taken. A link, unlike a rename,
// never replaces, so that a file which came into being a moment ago is safe too.
func (s *staged) place(path string) error {
	err := os.Link(s.Name(), path)
	if err == nil {
		return s.Cleanup()
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	// A file system without links (FAT, some network shares), where looking first is the best there is.
	if _, statErr := os.Lstat(path); !errors.Is(statErr, fs.ErrNotExist) {
		return errors.Join(err, statErr)
	}
	return s.CloseAtomicallyReplace()
}

// replace gives the file the target's name, in the place of what is there.
func (s *staged) replace(string) error { return s.CloseAtomicallyReplace() }

// discard removes the temporary file, if it is still there.
func (s *staged) discard() error { return s.Cleanup() }

// replaceFile renames a file over another one.
func replaceFile(from, to string) error { return os.Rename(from, to) }

// syncDir flushes the names in a directory. File systems that cannot do that say so with EINVAL or ENOTSUP.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// checkLinks refuses a path that leads through a symbolic link which a stranger may have laid: one in a directory
// that everybody may write to, owned neither by us nor by the directory's owner. That is the rule of Linux's
// fs.protected_symlinks, which not every system has switched on.
func checkLinks(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for at := abs; ; at = filepath.Dir(at) {
		parent := filepath.Dir(at)
		if parent == at {
			return nil
		}
		info, err := os.Lstat(at)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			continue // what cannot be seen cannot be written to either
		}
		in, err := os.Stat(parent)
		if err != nil || in.Mode().Perm()&0o002 == 0 {
			continue
		}
		link, dir := owner(info), owner(in)
		if link != os.Geteuid() && link != dir {
			return &linkError{at}
		}
	}
}

// linkError names the symbolic link on the way to a target.
type linkError struct{ link string }

func (e *linkError) Error() string {
	return fmt.Sprintf("%v: %q belongs to somebody else", ErrUnsafe, e.link)
}

func (e *linkError) Unwrap() error { return ErrUnsafe }

// owner returns the user id that a file belongs to.
func owner(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}
