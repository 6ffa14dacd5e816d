package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// linkError names the symbolic link on the way to a target.
type linkError struct{ link string }

func (e *linkError) Error() string {
	return fmt.Sprintf("%v: %q belongs to somebody else", ErrUnsafe, e.link)
}

func (e *linkError) Unwrap() error { return ErrUnsafe }

// temporary matches what newStaged and setAside put behind a dot and the target's name: a random number, or ".old" and
// a small one.
var temporary = regexp.MustCompile(`^(\d{1,20}|\.old\d{1,3})$`)

// Leftovers returns the temporary files directly in dir that a crashed commit to one of the named targets (base
// names) left behind. The caller holds the lock that the crashed process had held, and may remove them: no target is
// among them. A missing directory has none.
func Leftovers(dir string, targets ...string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for leftovers in %q: %w", dir, cause(err))
	}
	var found []string
	for _, e := range entries {
		isLeftover := func(target string) bool {
			rest, ok := strings.CutPrefix(e.Name(), "."+target)
			return ok && temporary.MatchString(rest)
		}
		if e.Type().IsRegular() && slices.ContainsFunc(targets, isLeftover) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, nil
}
