package safefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// sniffBytes bounds how much of an old file is read to see whether it is worth keeping.
const sniffBytes = 1 << 20

// setAside gives the old file a second name, so that undo can bring it back without needing space on the disk: a
// lasting one when it looks private, otherwise one that finish removes.
func (it *item) setAside(opts Options) error {
	if !it.exists || !opts.Force {
		return nil
	}
	old, err := readHead(it.Path, sniffBytes)
	if err != nil {
		return err
	}
	it.keep = (it.Secret || looksPrivate(old)) && !bytes.Equal(old, it.Data)
	dir, base := filepath.Split(it.Path)
	for n := 1; ; n++ {
		name := "." + base + ".old" + strconv.Itoa(n)
		if it.keep {
			name = base + "." + opts.Now().UTC().Format("20060102T150405Z") + suffix(n) + ".bak"
		}
		err := linkOrCopy(it.Path, filepath.Join(dir, name))
		if errors.Is(err, fs.ErrExist) && n < 1000 {
			continue
		}
		if err != nil {
			return err
		}
		it.reserve = filepath.Join(dir, name)
		return nil
	}
}

// suffix tells backups of the same second apart.
func suffix(n int) string {
	if n == 1 {
		return ""
	}
	return "-" + strconv.Itoa(n)
}

// readHead reads at most limit bytes of a file.
func readHead(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// linkOrCopy gives a file a second name, or where the file system has no hard links, copies it. It never overwrites.
func linkOrCopy(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	s, err := newStaged(to, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err = io.Copy(s, in); err == nil {
		if err = s.flush(); err == nil {
			err = s.place(to)
		}
	}
	if err != nil {
		return errors.Join(err, s.discard())
	}
	return nil
}

// undo brings everything back to how it was. It returns what it could not do.
func (c *commit) undo() error {
	// The journal goes first: it promises that everything staged is still there.
	if err := c.removeJournal(); err != nil {
		return fmt.Errorf("undoing: %w; the next start completes the step instead", err)
	}
	var errs []error
	for i := len(c.items) - 1; i >= 0; i-- {
		if err := c.items[i].undo(); err != nil {
			errs = append(errs, fmt.Errorf("undoing %q: %w", c.items[i].Path, cause(err)))
		}
	}
	for i := len(c.made) - 1; i >= 0; i-- {
		// Not empty means that another process has begun to use it, and then it stays.
		_ = os.Remove(c.made[i])
	}
	return errors.Join(errs...)
}

func (it *item) undo() error {
	var errs []error
	if it.staged != nil {
		errs = append(errs, it.staged.discard())
	}
	switch {
	case it.placed && it.reserve != "":
		errs = append(errs, replaceFile(it.reserve, it.Path))
	case it.placed:
		errs = append(errs, os.Remove(it.Path))
	case it.reserve != "":
		errs = append(errs, os.Remove(it.reserve))
	}
	if it.placed {
		errs = append(errs, syncDir(filepath.Dir(it.Path)))
	}
	return errors.Join(errs...)
}

// finish clears away what undo would have needed. The files are all in place: what goes wrong here is reported, but
// nothing is taken back.
func (c *commit) finish() (Result, error) {
	var result Result
	var errs []error
	for _, it := range c.items {
		result.Written = append(result.Written, it.Path)
		switch {
		case it.reserve == "":
		case it.keep:
			result.Backups = append(result.Backups, Backup{Of: it.Path, Path: it.reserve})
			errs = append(errs, os.Chmod(it.reserve, ModePrivate))
		default:
			errs = append(errs, os.Remove(it.reserve))
		}
	}
	errs = append(errs, c.removeJournal())
	if err := errors.Join(errs...); err != nil {
		return result, fmt.Errorf("clearing up after writing %d files: %w", len(c.items), err)
	}
	return result, nil
}
