package safefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mqttpki/mqttpki/keystore"
)

// journalLimit bounds a journal file: some 10,000 files in one commit.
const journalLimit = 16 << 20

// journalSchema stands first in the file. A journal of another schema is left alone with an error.
const journalSchema = "safefile.journal/1"

// journal lists the renames that were decided on. From the moment it is on disk the commit goes forward: every file
// named in it was flushed before.
type journal struct {
	Schema string        `json:"schema"`
	Moves  []journalMove `json:"moves"`
}

type journalMove struct {
	Staged  string `json:"staged"`            // absolute path of the complete new file
	Path    string `json:"path"`              // absolute path of its target
	Reserve string `json:"reserve,omitempty"` // absolute path of the old file's second name
	Keep    bool   `json:"keep,omitempty"`    // the reserve is a backup that stays
}

// writeJournal notes what is about to be renamed.
func (c *commit) writeJournal() error {
	if c.opts.Journal == "" {
		return nil
	}
	j := journal{Schema: journalSchema}
	for _, it := range c.items {
		j.Moves = append(j.Moves, journalMove{
			Staged: absolute(it.staged.Name()), Path: absolute(it.Path), Reserve: absolute(it.reserve), Keep: it.keep,
		})
	}
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if _, err = Commit([]File{{Path: c.opts.Journal, Data: data}}, Options{}); err != nil {
		return fmt.Errorf("beginning to write %d files: %w", len(c.items), err)
	}
	c.journaled = true
	return nil
}

// absolute makes a path independent of the working directory; "" stays "".
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func (c *commit) removeJournal() error {
	if !c.journaled {
		return nil
	}
	return removeJournal(c.opts.Journal)
}

func removeJournal(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Recover completes the commit that a crash interrupted after its journal was written: all its files come into place.
// A commit that had no journal yet left only temporary files beside the targets. Without a journal at path there is
// nothing to do and the result is empty. The caller holds the lock that the interrupted process had held.
func Recover(path string) (Result, error) {
	data, err := Read(path, journalLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil || j.Schema != journalSchema {
		return Result{}, fmt.Errorf("reading journal %q: not one of this version; the files it speaks of are as they were left", path)
	}
	var result Result
	for _, m := range j.Moves {
		if err := m.redo(); err != nil {
			return Result{}, fmt.Errorf("completing %q: %w", m.Path, cause(err))
		}
		result.Written = append(result.Written, m.Path)
		if m.Keep {
			result.Backups = append(result.Backups, Backup{Of: m.Path, Path: m.Reserve})
		}
	}
	return result, removeJournal(path)
}

// redo does one rename, or finds it done.
func (m journalMove) redo() error {
	if staged, err := os.Lstat(m.Staged); err == nil {
		old, err := os.Lstat(m.Path)
		if err == nil && m.Reserve == "" && !os.SameFile(staged, old) {
			return keystore.ErrExists // laid there after the crash, and there is no backup of it
		}
		if err := replaceFile(m.Staged, m.Path); err != nil {
			return err
		}
		// Where the target was another link to the staged file, the rename did nothing and left both names.
		if err := os.Remove(m.Staged); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if m.Reserve != "" {
		err := os.Chmod(m.Reserve, ModePrivate)
		if !m.Keep {
			err = os.Remove(m.Reserve)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(filepath.Dir(m.Path))
}
