package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mqttpki/mqttpki/"

// owners names, for every library, the only packages that may import it. Tests may use a library as an oracle.
var owners = map[string][]string{
	"github.com/spf13/cobra":                     {"cmd"},
	"github.com/spf13/pflag":                     {"cmd"},
	"golang.org/x/term":                          {"cmd"},
	"software.sslmate.com/src/go-pkcs12":         {"keystore/p12file"},
	"github.com/pavlo-v-chernykh/keystore-go/v4": {"keystore/jksfile"},
	"github.com/google/renameio/v2":              {"keystore/safefile"},
	"github.com/gofrs/flock":                     {"keystore/safefile"},
	"github.com/mochi-mqtt/server/v2":            {"channels/broker"},
	"github.com/gorilla/websocket":               {"channels/wsconn", "channels/broker"},
	"github.com/fsnotify/fsnotify":               {"channels/broker"},
	"go.etcd.io/bbolt":                           {"channels/broker"},
	"github.com/eclipse/paho.golang":             {"channels/probe"},
	"github.com/eclipse/paho.mqtt.golang":        {"channels/probe"},
	"github.com/goccy/go-yaml":                   {"channels/strictyaml"},
	"modernc.org/sqlite":                         {"ca/inventory"},
	"github.com/zmap/zlint/v3":                   {"ca/lint"},
	"github.com/zmap/zcrypto":                    {"ca/lint"},
	"golang.org/x/crypto":                        {"keystore", "ca", "channels"},
	"golang.org/x/sys":                           {"keystore/safefile", "channels/broker", "cmd"},
	"golang.org/x/text":                          {"keystore", "ca", "cmd"},
	"golang.org/x/net":                           {"ca", "channels"},
	"golang.org/x/sync":                          {"ca", "channels", "convert", "cmd"},
	"github.com/stretchr/testify":                {},
	"github.com/rogpeppe/go-internal":            {},
}

// above lists what each layer may import of ours: imports point one way.
var above = map[string][]string{
	"keystore": {"keystore"},
	"ca":       {"ca", "keystore"},
	"convert":  {"convert", "keystore"},
	"channels": {"channels", "keystore"},
	"cmd":      {"cmd", "ca", "convert", "channels", "keystore"},
	"testdata": {"testdata", "keystore"}, // bench measures the codecs by themselves too
	"scripts":  {"scripts"},
}

// forbidden are calls that only cmd may make: the rest is given its clock, randomness, settings and streams.
var forbidden = []string{
	"os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout",
	"os.Stderr", "os.Stdin", "time.Now", "rand.Reader", "log.Print", "log.Printf", "log.Println", "log.Fatal",
}

// topFolders is all that may stand beside go.mod; a new idea goes into one of them.
var topFolders = []string{"cmd", "ca", "keystore", "convert", "channels", "scripts", "testdata", "docs"}

// maxLines is where a file is surely more than one idea.
const maxLines = 420

type source struct {
	path string // slash-separated, from the root of the module
	pkg  string // its folder
	test bool
	file *ast.File
	text string
}

// sources parses every Go file of the module.
func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	fset := token.NewFileSet()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg, _, _ := cutLast(rel)
		// A package called ...test serves tests alone, as net/http/httptest does; nothing else may import it.
		all = append(all, source{rel, pkg, strings.HasSuffix(name, "_test.go") || strings.HasSuffix(pkg, "test"), file, string(text)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found; the test looks in the wrong place", len(all))
	}
	return fset, all
}

func cutLast(path string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// under reports whether pkg is folder or lies in it.
func under(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func TestImportsPointOneWay(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		layer, _, _ := strings.Cut(s.pkg, "/")
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			ours, ok := strings.CutPrefix(path, module)
			if !ok || s.test {
				continue
			}
			target, _, _ := strings.Cut(ours, "/")
			if (target == "testdata" && !under(s.pkg, "testdata")) || strings.HasSuffix(ours, "test") {
				t.Errorf("%s imports %s, which is for tests", s.path, ours)
				continue
			}
			if !slices.Contains(above[layer], target) {
				t.Errorf("%s imports %s: imports point cmd -> {ca, convert, channels} -> keystore", s.path, ours)
			}
			if layer == "convert" && under(ours, "keystore") && ours != "keystore" && ours != "keystore/inspect" && ours != "keystore/safefile" {
				t.Errorf("%s imports %s: convert is handed its codecs", s.path, ours)
			}
		}
	}
}

func TestEveryLibraryHasOneOwner(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if s.test || under(s.pkg, "testdata") {
			continue
		}
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(path, module) {
				continue // the standard library, or ours
			}
			owned := false
			for library, packages := range owners {
				if !under(path, library) {
					continue
				}
				owned = true
				if !slices.ContainsFunc(packages, func(p string) bool { return under(s.pkg, p) }) {
					t.Errorf("%s imports %s, which belongs to %v", s.path, path, packages)
				}
			}
			if !owned {
				t.Errorf("%s imports %s, which has no owner: say in docs/decisions what it is for, and name the owner here", s.path, path)
			}
		}
	}
}

func TestOnlyCmdTouchesTheWorld(t *testing.T) {
	fset, all := sources(t)
	for _, s := range all {
		if s.test || under(s.pkg, "cmd") || under(s.pkg, "testdata") || under(s.pkg, "scripts") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(forbidden, x.Name+"."+sel.Sel.Name) {
				t.Errorf("%s uses %s.%s: it is cmd that reads the environment and the clock, prints and exits",
					fset.Position(n.Pos()), x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	_, all := sources(t)
	described := map[string]bool{}
	for _, s := range all {
		if s.test {
			continue
		}
		described[s.pkg] = described[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range described {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestFilesHoldOneIdea(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if n := strings.Count(s.text, "\n"); n > maxLines && !s.test {
			t.Errorf("%s has %d lines; is it one idea? (at most %d)", s.path, n, maxLines)
		}
	}
}

func TestTopFolders(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		top, _, ok := strings.Cut(s.path, "/")
		if !ok || !slices.Contains(topFolders, top) {
			t.Errorf("%s stands outside %v", s.path, topFolders)
		}
	}
}
