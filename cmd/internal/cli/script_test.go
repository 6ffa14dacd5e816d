package cli

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// update rewrites the golden parts of the scripts with what was really printed: go test ./cmd/internal/cli -update.
var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mqttpki": func() { os.Exit(Main()) },
	})
}

// TestScripts runs every script in testdata/script: what each command prints, how it fails and what it leaves.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Abs("../../../scripts")
	if err != nil {
		t.Fatal(err)
	}
	params := testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("SCRIPTS", scripts)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"mode":  mode,
			"leaks": leaks,
			"ports": ports,
		},
		RequireExplicitExec: true,
	}
	if testing.Short() {
		// Under the race detector each command takes seconds: those that do several things at once.
		params.Dir = ""
		for _, name := range []string{"quickstart", "verify", "issue-concurrent", "convert-many", "ibm"} {
			params.Files = append(params.Files, filepath.Join("testdata", "script", name+".txtar"))
		}
	}
	testscript.Run(t, params)
}

// exits runs a program and requires its exit code, which testscript alone tells only as success or failure:
// exits 5 mqttpki convert ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %q is no exit code", args[0])
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		coded, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("exits: %v", err)
		}
		got = coded.ExitCode()
	}
	if got != want {
		ts.Fatalf("exits: %v ended with %d, want %d", args[1:], got, want)
	}
}

// mode requires the permission bits of files: mode 600 pki/ca/root.key ...
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode OCTAL FILES...")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		ts.Fatalf("mode: %v", err)
	}
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		if err != nil {
			ts.Fatalf("mode: %v", err)
		}
		if got := info.Mode().Perm(); got != os.FileMode(want) {
			ts.Fatalf("mode: %s is %o, want %o", name, got, want)
		}
	}
}

// portLine is a listener's port in a model.
var portLine = regexp.MustCompile(`(?m)^( *port: )\d+`)

// ports gives the listeners of a model ports that nobody listens on, since scripts run side by side: ports FILE.
func ports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ports MODELFILE")
	}
	text, err := withFreePorts(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// withFreePorts replaces every port of a model.
func withFreePorts(model string) (string, error) {
	used := map[int]bool{}
	var failed error
	text := portLine.ReplaceAllStringFunc(model, func(line string) string {
		port, err := freePort(loopback, used)
		failed = errors.Join(failed, err)
		return portLine.FindStringSubmatch(line)[1] + strconv.Itoa(port)
	})
	return text, failed
}

// leaks requires that a password file's content stands in what the last program printed; with ! that it does not.
func leaks(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: [!] leaks PASSWORDFILES...")
	}
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	for _, name := range args {
		secret := strings.TrimSpace(ts.ReadFile(name))
		if secret == "" {
			ts.Fatalf("leaks: %s is empty", name)
		}
		if strings.Contains(printed, secret) == neg {
			ts.Fatalf("leaks: the password of %s in the output: %v", name, neg)
		}
	}
}
