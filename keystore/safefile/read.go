package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mqttpki/mqttpki/keystore"
)

// Read returns the content of a file of at most limit bytes; 0 means keystore.DefaultLimits.Bytes. It follows
// symbolic links and never waits for a pipe. Errors wrap one of: fs.ErrNotExist, fs.ErrPermission, [ErrNotRegular],
// keystore.ErrTooLarge, and keystore.ErrFormat for an empty file.
func Read(path string, limit int64) ([]byte, error) { return ReadIf(path, limit, 0, nil) }

// ReadIf is Read for a file that may not be worth reading: wanted is shown its first head bytes, or all of a shorter
// file. When it returns an error, no more is read, and that is ReadIf's error, with the same context as others.
func ReadIf(path string, limit, head int64, wanted func(head []byte) error) ([]byte, error) {
	if limit <= 0 {
		limit = keystore.DefaultLimits.Bytes
	}
	data, err := read(path, limit, head, wanted)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, cause(err))
	}
	return data, nil
}

func read(path string, limit, head int64, wanted func([]byte) error) ([]byte, error) {
	f, err := open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	if wanted != nil {
		n, err := io.Copy(&data, io.LimitReader(f, head))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			if err := wanted(data.Bytes()); err != nil {
				return nil, err
			}
		}
	}
	if info, err := f.Stat(); err == nil { // spares the growing of the buffer; the size is right or not
		data.Grow(int(min(max(info.Size(), 0), limit)) + bytes.MinRead)
	}
	// The file may grow meanwhile, and /proc lies about sizes.
	_, err = io.Copy(&data, io.LimitReader(f, limit+1-int64(data.Len())))
	switch {
	case err != nil:
		return nil, err
	case int64(data.Len()) > limit:
		return nil, fmt.Errorf("%w: more than %d bytes", keystore.ErrTooLarge, limit)
	case data.Len() == 0:
		return nil, errEmpty
	}
	return data.Bytes(), nil
}

// open opens a regular file of at most limit bytes.
func open(path string, limit int64) (*os.File, error) {
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
	info, err = f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = notRegular(info.Mode())
	case info.Size() > limit:
		err = fmt.Errorf("%w: %d bytes, at most %d are read", keystore.ErrTooLarge, info.Size(), limit)
	default:
		return f, nil
	}
	_ = f.Close() // it was not read, and the reason for that is the error
	return nil, err
}

// errEmpty is an empty file's error: no format that is read here has an empty form.
var errEmpty = fmt.Errorf("%w: the file is empty", keystore.ErrFormat)

// IsEmpty reports whether err says that a file was empty, for callers to whom that is content enough.
func IsEmpty(err error) bool { return errors.Is(err, errEmpty) }
