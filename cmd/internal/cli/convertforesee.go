package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// longestName is how many bytes a file's name may have on the systems that there are.
const longestName = 255

// foresee completes the report of --dry-run: which files there would be, and what is in their way.
func (o *convertOptions) foresee(j convertJob, plan *convert.Plan, pass outPassword, r *conversion) error {
	if j.Output == standardStream {
		return nil
	}
	files := []safefile.File{{Path: j.Output}}
	if o.Split { // only building it tells its files
		var err error
		if files, err = compute(o, func() ([]safefile.File, error) { return o.build(j, plan, pass) }); err != nil {
			return err
		}
	} else if pass.file != "" {
		files = append(files, safefile.File{Path: pass.file})
	}
	if err := nameable(files); err != nil {
		return err
	}
	for _, f := range files {
		r.Planned = append(r.Planned, f.Path)
		if hint := ownNameHint(f.Path); hint != "" {
			r.Noted = append(r.Noted, notedEntry{f.Path, "nothing would be written: " + hint})
		} else if !o.Force && !o.form.InPlace && fileExists(f.Path) {
			r.Noted = append(r.Noted, notedEntry{f.Path, "exists already; without --force nothing would be written"})
		}
	}
	for _, path := range o.leftovers(j.Output, files) {
		r.Noted = append(r.Noted, notedEntry{path, leftoverText})
	}
	return nil
}

// nameable fails when a file's name, which may be made of an alias, is longer than a file's name can be.
func nameable(files []safefile.File) error {
	for _, f := range files {
		if name := filepath.Base(f.Path); len(name) > longestName {
			err := usagef("%q would be a file name of %d bytes, and %d is what systems take", name[:32]+"...", len(name), longestName)
			return withHint(err, "give the entry or the result a shorter name: --rename OLD=NEW")
		}
	}
	return nil
}

// leftoverText is what is said of a file that somebody could take for a part of a result.
const leftoverText = "is there from before, and no part of this result"

// leftovers are files beside a split result that have the name of a part which it does not have: an earlier result had, and
// a server that is given them would go on trusting what that one trusted.
func (o *convertOptions) leftovers(output string, files []safefile.File) (paths []string) {
	if !o.Split {
		return nil
	}
	base, l := strings.TrimSuffix(output, filepath.Ext(output)), o.layout()
	for _, path := range []string{base + l.Key, base + l.Cert, base + "-chain" + l.Cert, base + "-ca" + l.Cert} {
		written := slices.ContainsFunc(files, func(f safefile.File) bool { return filepath.Clean(f.Path) == filepath.Clean(path) })
		if !written && fileExists(path) {
			paths = append(paths, path)
		}
	}
	return paths
}
