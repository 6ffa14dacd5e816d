package safefile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mqttpki/mqttpki/keystore"
)

// Read returns the content of a file of at most limit bytes; 0 means keystore.DefaultLimits.Bytes. It follows
// symbolic links and never waits for a pipe. Errors wrap one of: fs.ErrNotExist, fs.ErrPermission, [ErrNotRegular],
// keystore.ErrTooLarge, and keystore.ErrFormat for an empty file.
func Read(path string, limit int64) ([]byte, error) {
	data, err := read(path, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, cause(err))
	}
	return data, nil
}

func read(path string, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = keystore.DefaultLimits.Bytes
	}
	// Look before opening: to open a device can have effects. Look again afterwards: it may have been exchanged.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(info.Mode())
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openNoWait, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(info.Mode())
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", keystore.ErrTooLarge, info.Size(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1)) // it may grow meanwhile, and /proc lies about sizes
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", keystore.ErrTooLarge, limit)
	case len(data) == 0:
		return nil, errEmpty
	}
	return data, nil
}

// errEmpty is an empty file's error: no format that is read here has an empty form.
var errEmpty = fmt.Errorf("%w: the file is empty", keystore.ErrFormat)

// IsEmpty reports whether err says that a file was empty, for callers to whom that is content enough.
func IsEmpty(err error) bool { return errors.Is(err, errEmpty) }
