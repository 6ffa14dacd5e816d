package cli

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// fileWord is what stands for a file's name in a remedy, and for its folder's.
var fileWord = regexp.MustCompile(`\b(FILE|DIRECTORY)\b`)

// remedied gives an error that brings its remedy the hint that this is, for the file at path.
func remedied(err error, path string) error {
	remedy := keystore.Remedy(err)
	if remedy == "" {
		return err
	}
	// Within the quotes of a script a shell's own would be wrong, and nothing can be put in for standard input.
	inScript := strings.Contains(remedy, `"FILE"`) && !plainWord.MatchString(path)
	if path != standardStream && !inScript {
		remedy = fileWord.ReplaceAllStringFunc(remedy, func(word string) string {
			if word == "DIRECTORY" {
				return quoted(filepath.Dir(path))
			}
			return quoted(path)
		})
	}
	return withHint(err, "%s", remedy)
}
