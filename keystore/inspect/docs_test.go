package inspect_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// page is where codes and readers are documented.
var page = filepath.Join("..", "..", "docs", "inspect.md")

// update rewrites the table of readers there: go test ./keystore/inspect -update.
var update = flag.Bool("update", false, "rewrite the table of readers in docs/inspect.md")

// problemRow is a row of the table of problems.
var problemRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|")

// TestProblemsAreDocumented: docs/inspect.md has every code that this package or a decoder reports, and no other.
func TestProblemsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var documented []string
	for _, row := range problemRow.FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	assert.True(t, slices.IsSorted(documented), "the table is in no order")
	assert.ElementsMatch(t, reportedCodes(t), documented)
}

// reportedCodes reads the sources of all packages of keystore for calls that report a problem.
func reportedCodes(t *testing.T) []string {
	t.Helper()
	severities := []string{"error", "warning", "notice"}
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"add", "addPart", "problem"}, method.Sel.Name) {
				return true
			}
			for _, arg := range call.Args[:min(2, len(call.Args))] {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if code, _ := strconv.Unquote(lit.Value); !slices.Contains(severities, code) {
						found[code] = true
					}
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	var codes []string
	for code := range found {
		codes = append(codes, code)
	}
	return codes
}

// TestReadersAreDocumented: docs/inspect.md has a row for each reader, with the source of its rules.
func TestReadersAreDocumented(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	const heading = "| program | version | from |\n| --- | --- | --- |\n"
	before, rest, found := strings.Cut(string(text), heading)
	require.True(t, found)
	table, after, found := strings.Cut(rest, "\n\n")
	require.True(t, found)
	var want []string
	for _, r := range inspect.Describe(&keystore.Store{}, inspect.Options{Format: "pem"}).Readers {
		want = append(want, fmt.Sprintf("| %s | %s | %s |", r.Program, r.Version, r.Source))
	}
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+heading+strings.Join(want, "\n")+"\n\n"+after), 0o644))
		return
	}
	assert.Equal(t, strings.Join(want, "\n"), table)
}
