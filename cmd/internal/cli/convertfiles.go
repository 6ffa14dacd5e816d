package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
// are an error of the second.
func (o *convertOptions) manyFiles(doc *conversions) (files []manyFile, err error) {
	add := func(path, name string) {
		output := filepath.Join(o.form.OutDir, strings.TrimSuffix(name, filepath.Ext(name))+o.form.Target.Extensions()[0])
		if o.SkipExisting && o.resultExists(output) {
			doc.Existing = append(doc.Existing, output)
			return
		}
		files = append(files, manyFile{path: path, output: output})
	}
	if o.form.InDir == "" {
		for _, path := range o.form.Inputs {
			add(path, filepath.Base(path))
		}
	} else if doc.Skipped, err = o.walk(add); err != nil {
		return nil, err
	}
	first := map[string]string{}
	for i := range files {
		f := &files[i]
		key := strings.ToLower(f.output)
		if other, taken := first[key]; taken {
			f.err = fmt.Errorf("converting %q: its result would have the same name as that of %q: %w", f.path, other, keystore.ErrExists)
			continue
		}
		first[key] = f.path
		f.err = o.refuseExisting(f.output)
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

// walk finds the files of --in-dir that are of the format FROM, by their ending or their content; with auto those of
// any format. What lies in --out-dir is no input, be it in the same folder.
func (o *convertOptions) walk(add func(path, name string)) (skipped []string, err error) {
	skipped = []string{}
	out, _ := filepath.Abs(o.form.OutDir)
	err = filepath.WalkDir(o.form.InDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if abs, err := filepath.Abs(path); err == nil && abs == out && path != o.form.InDir {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(o.form.InDir, path)
		if err != nil {
			return err
		}
		if o.isInput(path) {
			add(path, name)
		} else {
			skipped = append(skipped, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = ofKind(errNotFound, err)
	}
	return skipped, err
}

// isInput reports whether a file in --in-dir is to be converted.
func (o *convertOptions) isInput(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || strings.EqualFold(filepath.Ext(path), ".pass") {
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

// readHead reads the beginning of a file.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, formats.HeadBytes)
	n, err := f.Read(head)
	if n == 0 && err != nil {
		return nil, err
	}
	return head[:n], nil
}
