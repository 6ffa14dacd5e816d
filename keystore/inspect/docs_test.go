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

// problemRow is a row of the table of problems: code and severities.
var problemRow = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| ([a-z, ]+) \\|")

// TestProblemsAreDocumented: docs/inspect.md has every code that this package or a decoder reports, and no other, with its
// severity; two, where what is found decides.
func TestProblemsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	documented, order := map[string][]string{}, []string{}
	for _, row := range problemRow.FindAllStringSubmatch(string(text), -1) {
		order = append(order, row[1])
		documented[row[1]] = strings.Split(row[2], ", ")
		slices.Sort(documented[row[1]])
	}
	assert.True(t, slices.IsSorted(order), "the table is in no order")
	assert.Equal(t, reportedCodes(t), documented)
}

// reportedCodes reads the sources of all packages of keystore for calls that report a problem: codes with severities.
func reportedCodes(t *testing.T) map[string][]string {
	t.Helper()
	severities := []string{"error", "notice", "warning"}
	found := map[string][]string{}
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
			code, severity := "", "warning" // which addPart does not name
			for _, arg := range call.Args[:min(2, len(call.Args))] {
				word := ""
				switch a := arg.(type) {
				case *ast.BasicLit:
					word, _ = strconv.Unquote(a.Value)
				case *ast.Ident:
					word = strings.ToLower(a.Name)
					if !slices.Contains(severities, word) {
						continue
					}
				}
				if slices.Contains(severities, word) {
					severity = word
				} else if word != "" {
					code = word
				}
			}
			if code != "" && !slices.Contains(found[code], severity) {
				found[code] = append(found[code], severity)
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	for code := range found {
		slices.Sort(found[code])
	}
	return found
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
	for _, r := range inspect.Describe(&keystore.Store{Identities: []keystore.Identity{{}}}, inspect.Options{Format: "pem"}).Readers {
		want = append(want, fmt.Sprintf("| %s | %s | %s |", r.Program, r.Version, r.Source))
	}
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+heading+strings.Join(want, "\n")+"\n\n"+after), 0o644))
		return
	}
	assert.Equal(t, strings.Join(want, "\n"), table)
}
