package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// openNoWait is nothing here: opening a file does not wait on Windows.
const openNoWait = 0

// Virus scanners and indexers hold a new file open for moments, in which it can be neither renamed nor replaced.
const (
	moveTries = 20
	moveDelay = 25 * time.Millisecond
)

// staged is a new file under a temporary name beside its target.
type staged struct {
	*os.File
	gone bool // renamed or removed
}

// newStaged opens a temporary file for the target at path. The mode means nothing to Windows.
func newStaged(path string, _ fs.FileMode) (*staged, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	if err != nil {
		return nil, err
	}
	return &staged{File: f}, nil
}

// flush brings the file to the disk and closes it: an open file cannot be renamed.
func (s *staged) flush() error {
	if err := s.Sync(); err != nil {
		return err
	}
	return s.Close()
}

// place gives the file the target's name and fails with fs.ErrExist when that is taken.
func (s *staged) place(path string) error {
	err := moveFile(s.Name(), path, windows.MOVEFILE_WRITE_THROUGH)
	s.gone = err == nil
	return err
}

// replace gives the file the target's name, in the place of what is there.
func (s *staged) replace(path string) error {
	err := replaceFile(s.Name(), path)
	s.gone = err == nil
	return err
}

// discard removes the temporary file, if it is still there.
func (s *staged) discard() error {
	if s.gone {
		return nil
	}
	_ = s.Close() // closed already by flush, or never
	s.gone = true
	return os.Remove(s.Name())
}

// replaceFile renames a file over another one.
func replaceFile(from, to string) error {
	return moveFile(from, to, windows.MOVEFILE_WRITE_THROUGH|windows.MOVEFILE_REPLACE_EXISTING)
}

// moveFile is MoveFileEx with patience.
func moveFile(from, to string, flags uint32) error {
	source, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	target, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err = windows.MoveFileEx(source, target, flags)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if err == nil || !busy || try == moveTries {
			return err
		}
		time.Sleep(moveDelay)
	}
}

// syncDir is nothing here: MOVEFILE_WRITE_THROUGH has flushed the names.
func syncDir(string) error { return nil }

// checkLinks is nothing here: making a symbolic link takes a privilege on Windows.
func checkLinks(string) error { return nil }
