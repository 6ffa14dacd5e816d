// Package safefile writes several files as one step, reads one file within a bound, and locks.
//
// [Commit] builds every file beside its target, flushes it, renames all of them and flushes the directories; when any
// step fails, everything it did is undone. It is atomic against errors. Against a crash between two renames it is as
// atomic as a journal makes it: name one in Options.Journal and call [Recover] on the next start. Each single file is
// whole at every moment in any case.
//
// It knows nothing of what the files mean, except that an old file which may hold a private key is never lost.
// It trusts the directories it is told to write to, but not the symbolic links in them: see [ErrUnsafe].
// Modes are those of Unix; on Windows a file gets the access rules of its directory.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// The kinds of error of this package, beside keystore's ErrExists, ErrLocked, ErrTooLarge and ErrFormat and the
// fs.ErrNotExist and fs.ErrPermission of the standard library.
var (
	ErrNotRegular = errors.New("not a regular file")      // a directory, FIFO, socket or device
	ErrUnsafe     = errors.New("refusing to follow link") // a symbolic link that somebody else may have laid
)

// Modes that callers mean by a name.
const (
	ModePrivate fs.FileMode = 0o600 // keys and passwords
	ModePublic  fs.FileMode = 0o644 // certificates, CRLs, configuration
	ModeDir     fs.FileMode = 0o700 // what new directories get unless Options.DirMode says otherwise
)

// File is one file to be written.
type File struct {
	Path   string      // in the operating system's spelling, absolute or relative to the working directory
	Mode   fs.FileMode // exactly this, whatever the umask; 0 means ModePrivate
	Secret bool        // holds a private key or a password: what it replaces is kept as a backup
	Data   []byte
}

// Options tunes one commit. The zero value refuses to overwrite anything.
type Options struct {
	Force   bool             // replace existing files; private keys among them are kept as dated backups
	DirMode fs.FileMode      // of directories that have to be made; 0 means ModeDir
	Now     func() time.Time // dates the backups; must be set together with Force
	Journal string           // where to note the renames to come, for Recover; "": no journal

	fault func(step string) error // tests only: fails, or ends the process, before the named step
}

// Result says what a commit did.
type Result struct {
	Written []string // the paths, in the order given
	Backups []Backup // old files that were kept
}

// Backup is an old file that was kept under another name, mode 0600.
type Backup struct {
	Of   string // the path it was replaced at
	Path string // where it is now: NAME.20060102T150405Z.bak in the same directory
}

// FromArtifacts returns artifacts as files under dir. It fails when a path is not local to dir.
func FromArtifacts(dir string, artifacts []keystore.Artifact) ([]File, error) {
	files := make([]File, 0, len(artifacts))
	for _, a := range artifacts {
		local := filepath.FromSlash(a.Path)
		if !filepath.IsLocal(local) {
			return nil, fmt.Errorf("writing %q: the path leaves its directory", a.Path)
		}
		files = append(files, File{Path: filepath.Join(dir, local), Mode: a.Mode, Secret: a.Secret, Data: a.Data})
	}
	return files, nil
}

// Commit writes all files or none. It makes missing directories, refuses existing files with keystore.ErrExists
// unless Force is set, and refuses symbolic links as targets. When it fails, everything is as it was before; should
// even that be impossible, the error says what is left where.
func Commit(files []File, opts Options) (Result, error) {
	result, err, left := commitAll(files, opts)
	return result, errors.Join(err, left)
}

// commitAll is Commit. What could not be undone it returns apart.
func commitAll(files []File, opts Options) (result Result, err, left error) {
	c := &commit{opts: opts}
	if err := c.plan(files); err != nil {
		return Result{}, err, nil
	}
	if err := c.run(); err != nil {
		return Result{}, err, c.undo()
	}
	result, err = c.finish()
	return result, err, nil
}

// commit is one run of Commit.
type commit struct {
	opts      Options
	items     []*item
	made      []string // directories that this commit made, parents first
	flushed   []string // directories whose names are on the disk
	journaled bool     // Options.Journal is on the disk, and ours
}

// item is one file on its way.
type item struct {
	File
	exists  bool    // there is an old file at Path
	keep    bool    // the old file stays as a backup
	reserve string  // the old file's second name, "" while it has none
	staged  *staged // the new file beside its target, nil while there is none
	placed  bool    // the new file is at Path
}

// plan checks the targets without touching anything.
func (c *commit) plan(files []File) error {
	if c.opts.Force && c.opts.Now == nil {
		return errors.New("writing files: Options.Now is not set")
	}
	if c.opts.DirMode == 0 {
		c.opts.DirMode = ModeDir
	}
	seen := map[string]bool{}
	var taken []string
	for _, f := range files {
		f.Path = filepath.Clean(f.Path)
		if f.Mode == 0 {
			f.Mode = ModePrivate
		}
		if seen[f.Path] {
			return fmt.Errorf("writing %q: named twice in one step", f.Path)
		}
		seen[f.Path] = true
		it := &item{File: f}
		if err := it.look(); err != nil {
			return fmt.Errorf("writing %q: %w", f.Path, err)
		}
		if it.exists && !c.opts.Force {
			taken = append(taken, f.Path)
		}
		c.items = append(c.items, it)
	}
	return existsError(taken)
}

// existsError names the first of the files in the way.
func existsError(taken []string) error {
	switch len(taken) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("writing %q: %w", taken[0], keystore.ErrExists)
	default:
		return fmt.Errorf("writing %q (and %d more): %w", taken[0], len(taken)-1, keystore.ErrExists)
	}
}

// look finds out what is at the target now.
func (it *item) look() error {
	if err := checkLinks(filepath.Dir(it.Path)); err != nil {
		return err
	}
	info, err := os.Lstat(it.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cause(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: it is a symbolic link", ErrUnsafe)
	case !info.Mode().IsRegular():
		return notRegular(info.Mode())
	}
	it.exists = true
	return nil
}

// run does every step up to the last rename and the flush after it.
func (c *commit) run() error {
	steps := []struct {
		name string
		do   func(*item) error
		all  func() error // in the place of do
	}{
		{"making the directory of", func(it *item) error { return c.makeDirs(filepath.Dir(it.Path)) }, nil},
		{"writing", (*item).stage, nil},
		{"", nil, c.flushFiles},
		{"keeping the old", func(it *item) error { return it.setAside(c.opts) }, nil},
		{"", nil, c.writeJournal},
		{"writing", func(it *item) error { return it.place(c.opts.Force) }, nil},
		{"flushing the directory of", func(it *item) error { return c.flushDir(filepath.Dir(it.Path)) }, nil},
	}
	for n, s := range steps {
		if s.all != nil {
			if err := s.all(); err != nil {
				return err
			}
			continue
		}
		for i, it := range c.items {
			if err := c.fault(fmt.Sprintf("%d.%d", n, i)); err != nil {
				return fmt.Errorf("%s %q: %w", s.name, it.Path, err)
			}
			if err := s.do(it); err != nil {
				return fmt.Errorf("%s %q: %w", s.name, it.Path, cause(err))
			}
		}
	}
	return nil
}

// flushAtOnce is how many files are flushed at a time: a disk that is asked for many writes once for several.
const flushAtOnce = 16

// flushFiles brings the new files to the disk.
func (c *commit) flushFiles() error {
	errs := make([]error, len(c.items))
	next := make(chan int)
	var flushers sync.WaitGroup
	for range min(flushAtOnce, len(c.items)) {
		flushers.Go(func() {
			for i := range next {
				if err := c.items[i].staged.flush(); err != nil {
					errs[i] = fmt.Errorf("writing %q: %w", c.items[i].Path, cause(err))
				}
			}
		})
	}
	for i := range c.items {
		next <- i
	}
	close(next)
	flushers.Wait()
	return errors.Join(errs...)
}

// flushDir flushes the names in a directory, once for all files in it.
func (c *commit) flushDir(dir string) error {
	if slices.Contains(c.flushed, dir) {
		return nil
	}
	c.flushed = append(c.flushed, dir)
	return syncDir(dir)
}

// fault is the tests' way in.
func (c *commit) fault(step string) error {
	if c.opts.fault == nil {
		return nil
	}
	return c.opts.fault(step)
}

// makeDirs makes dir and its missing parents, each with exactly Options.DirMode.
func (c *commit) makeDirs(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%q is not a directory", dir)
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := c.makeDirs(parent); err != nil {
		return err
	}
	err := os.Mkdir(dir, c.opts.DirMode)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster; it is theirs
	}
	if err != nil {
		return err
	}
	c.made = append(c.made, dir)
	if err := os.Chmod(dir, c.opts.DirMode); err != nil {
		return err
	}
	return syncDir(parent)
}

// stage writes the new file beside its target.
func (it *item) stage() error {
	s, err := newStaged(it.Path, it.Mode)
	if err != nil {
		return err
	}
	it.staged = s
	_, err = s.Write(it.Data)
	return err
}

// place gives the staged file its name.
func (it *item) place(force bool) error {
	var err error
	if force && it.exists {
		err = it.staged.replace(it.Path)
	} else {
		err = it.staged.place(it.Path)
	}
	if errors.Is(err, fs.ErrExist) {
		return keystore.ErrExists // laid there since plan looked
	}
	it.placed = err == nil
	return err
}

// cause strips the operation and path that os puts around an error: our own context names the file that a person
// knows, theirs would name a temporary one.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path) && err == error(path):
		return path.Err
	case errors.As(err, &link) && err == error(link):
		return link.Err
	default:
		return err
	}
}

// notRegular says what a file is instead.
func notRegular(m fs.FileMode) error {
	switch {
	case m.IsDir():
		return fmt.Errorf("%w: it is a directory", ErrNotRegular)
	case m&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%w: it is a named pipe", ErrNotRegular)
	case m&fs.ModeSocket != 0:
		return fmt.Errorf("%w: it is a socket", ErrNotRegular)
	case m&fs.ModeDevice != 0:
		return fmt.Errorf("%w: it is a device", ErrNotRegular)
	default:
		return ErrNotRegular
	}
}
