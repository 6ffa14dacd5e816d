package matrix

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The programs in Java, Python and JavaScript are started once for everything that they write and once for all that
// they read. Each job is a line, fields apart by tabs, then the entries to be written, then "end":
//
//	read	KIND	PATH	PASSWORD
//	write	KIND	PATH	PASSWORD
//	key	ALIAS	PKCS8	CERTIFICATE,CERTIFICATE     (also trusted and cert, without a key)
//
// with bytes in base64. A program answers with a line "version TAB VERSION", and then for each job the entries that it
// found, or "error TAB TEXT", and "end".

// answer is what a program said of a job.
type answer struct {
	entries []entry
	err     string // "" when it did not fail
}

// limit is how long a program may take for all its jobs.
const limit = 5 * time.Minute

// helper is one of those programs.
type helper struct {
	path string
	args []string
	env  []string
	says string // its version, once it was run
}

// converse has the program do the jobs, and returns an answer for each.
func (h *helper) converse(t testing.TB, jobs []string) (answers []answer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.path, h.args...)
	cmd.Env = append(os.Environ(), append(h.env, "LC_ALL=C.UTF-8")...)
	cmd.Stdin = strings.NewReader(strings.Join(jobs, ""))
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, "%s %q: %s", h.path, h.args, complaints.String())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.True(t, strings.HasPrefix(lines[0], "version\t"), "%s %q answered %q", h.path, h.args, lines[0])
	var current answer
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		switch {
		case line == "end":
			answers = append(answers, current)
			current = answer{}
		case fields[0] == "error":
			current.err = fields[1]
		default:
			current.entries = append(current.entries, parseEntry(t, fields))
		}
	}
	require.Len(t, answers, len(jobs), "%s %q", h.path, h.args)
	h.says = lines[0][len("version\t"):]
	return answers
}

// read has the program read the files, each under the kind that kindOf gives it.
func (h *helper) read(kindOf func(*row) string) func(t *testing.T, rows []*row) []answer {
	return func(t *testing.T, rows []*row) []answer {
		var jobs []string
		for _, r := range rows {
			jobs = append(jobs, fmt.Sprintf("read\t%s\t%s\t%s\nend\n", kindOf(r), r.path, r.password))
		}
		return h.converse(t, jobs)
	}
}

// write has the program write the files, each as its how says.
func (h *helper) write(t *testing.T, rows []*row) {
	var jobs []string
	for _, r := range rows {
		job := fmt.Sprintf("write\t%s\t%s\t%s\n", r.how, r.path, r.password)
		for _, e := range r.want {
			var chain []string
			for _, c := range e.chain {
				chain = append(chain, base64.StdEncoding.EncodeToString(c))
			}
			job += strings.Join([]string{e.kind, e.alias, base64.StdEncoding.EncodeToString(e.pkcs8), strings.Join(chain, ",")}, "\t") + "\n"
		}
		jobs = append(jobs, job+"end\n")
	}
	for i, a := range h.converse(t, jobs) {
		require.Empty(t, a.err, rows[i].name())
	}
}

func parseEntry(t testing.TB, fields []string) entry {
	t.Helper()
	require.Len(t, fields, 4)
	decode := func(text string) []byte {
		der, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		return der
	}
	e := entry{kind: fields[0], alias: fields[1]}
	if fields[2] != "" {
		spki, err := publicOf(decode(fields[2]))
		require.NoError(t, err)
		e.spki = spki
	}
	if fields[3] != "" {
		for _, c := range strings.Split(fields[3], ",") {
			e.chain = append(e.chain, decode(c))
		}
	}
	return e
}

// programs is the folder of the programs' sources.
func programs(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("programs", name))
	require.NoError(t, err)
	return path
}
