package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
)

// manyFile is one of many files to convert.
type manyFile struct {
	path   string
	output string
	err    error // found before anything was read
}

// manyFiles lists the inputs with the names of their results, and fills in what is left alone. Two inputs of one result
// are an error of the second, also where the result is there: it was made of the first.
func (o *convertOptions) manyFiles(doc *conversions) (files []manyFile, err error) {
	first := map[string]string{}
	add := func(path, name string) {
		f := manyFile{path: path, output: filepath.Join(o.form.OutDir, strings.TrimSuffix(name, filepath.Ext(name))+o.form.Target.Extensions()[0])}
		key := strings.ToLower(f.output)
		other, taken := first[key]
		switch {
		case taken:
			f.err = fmt.Errorf("converting %q: its result would have the same name as that of %q: %w", path, other, keystore.ErrExists)
			f.err = withHint(f.err, "convert it by itself, under another name: mqttpki convert %s OUT%s", quoted(path), o.form.Target.Extensions()[0])
		case o.SkipExisting && o.resultExists(f.output):
			first[key] = path
			doc.Existing = append(doc.Existing, f.output)
			return
		default:
			first[key] = path
			f.err = o.refuseExisting(f.output)
		}
		files = append(files, f)
	}
	if o.form.InDir == "" {
		for _, path := range o.form.Inputs {
			add(path, filepath.Base(path))
		}
	} else {
		found, err := o.walk()
		if err != nil {
			return nil, err
		}
		wanted := o.inputs(found)
		for i, f := range found {
			switch {
			case f.err != nil:
				files = append(files, manyFile{path: f.path, err: f.err})
			case wanted[i]:
				add(f.path, f.name)
			default:
				doc.Skipped = append(doc.Skipped, f.path)
			}
		}
	}
	return files, nil
}

// resultExists reports whether the result of an input is there: it is written whole, be it one file or several.
func (o *convertOptions) resultExists(output string) bool {
	if !o.Split {
		return fileExists(output)
	}
	base, layout := strings.TrimSuffix(output, filepath.Ext(output)), o.layout()
	return fileExists(base+layout.Key) || fileExists(base+layout.Cert) || fileExists(base+"-ca"+layout.Cert)
}

// isFolder reports whether a name is that of a folder, or of a link to one.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// checkFolders fails when what --in-dir and --out-dir name is something else than a folder. The latter need not be there.
func (o *convertOptions) checkFolders() error {
	if info, err := os.Stat(o.form.OutDir); err == nil && !info.IsDir() {
		return usagef("--out-dir is for a folder, and %q is a file", o.form.OutDir)
	}
	if o.form.InDir == "" {
		return nil
	}
	info, err := os.Stat(o.form.InDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("reading the folder %q: no such file or directory", o.form.InDir)
		return withHint(ofKind(errNotFound, err), "check the name after --in-dir")
	case err != nil:
		return fmt.Errorf("reading the folder %q: %w", o.form.InDir, pathReason(err))
	case !info.IsDir():
		return withHint(usagef("--in-dir is for a folder, and %q is a file", o.form.InDir), "name the file before --out-dir, without --in-dir")
	}
	return nil
}

// pathReason is why a file or folder cannot be read, without its name, which the message has already.
func pathReason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// foundFile is a file in --in-dir, or a folder in it that could not be read.
type foundFile struct {
	path string
	name string // its path in --in-dir
	err  error
}

// walk lists the files of --in-dir. What lies in --out-dir is no input, be it in the same folder.
func (o *convertOptions) walk() (found []foundFile, err error) {
	out, _ := filepath.Abs(o.form.OutDir)
	root := o.form.InDir + string(filepath.Separator) // of a link it is the folder behind it that is read
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			err = fmt.Errorf("reading the folder %q: %w", filepath.Clean(path), pathReason(err))
			if path == root {
				return err
			}
			found = append(found, foundFile{path: path, err: err})
			return nil
		}
		if entry.IsDir() {
			if abs, err := filepath.Abs(path); err == nil && abs == out && path != root {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(o.form.InDir, path)
		found = append(found, foundFile{path, name, err})
		return nil
	})
	return found, err
}

// lookedAt is how many files are looked at in one go; fewer are not worth a goroutine.
const lookedAt = 64

// inputs says of each file whether it is to be converted.
func (o *convertOptions) inputs(found []foundFile) []bool {
	wanted := make([]bool, len(found))
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	for begin := 0; begin < len(found); begin += lookedAt {
		end := min(begin+lookedAt, len(found))
		readers.Go(func() error {
			for i := begin; i < end; i++ {
				wanted[i] = found[i].err == nil && o.isInput(found[i].path)
			}
			return nil
		})
	}
	_ = readers.Wait()
	return wanted
}

// isInput reports whether a file in --in-dir is to be converted: one of the format FROM, by its ending or its content, or
// with auto of any format. The backups that --force makes have had their successors.
func (o *convertOptions) isInput(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || strings.EqualFold(filepath.Ext(path), ".pass") || datedBackup.MatchString(path) {
		return false
	}
	head, err := readHead(path)
	if err != nil {
		return true // the conversion will say why it cannot be read
	}
	codec, _, err := formats.Detect(head)
	if o.form.From == "" {
		return err == nil
	}
	if err == nil && codec.Name() == o.form.From {
		return true
	}
	from, err := formats.ByName(o.form.From)
	return err == nil && slices.Contains(from.Extensions(), strings.ToLower(filepath.Ext(path)))
}

// readHead reads the beginning of a file; an empty one has none, and is of no format.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, formats.HeadBytes)
	n, err := f.Read(head)
	if n == 0 && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}
