package matrix

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

var update = flag.Bool("update", false, "write docs/interop.md")

// cell is a file in a reader.
type cell struct {
	row     *row
	reader  string
	outcome outcome
	found   string // what the reader complained of, or what is different
	reason  int    // index into knownCells, or -1
}

// run is one run of the matrix: the programs that are here, the files they wrote, and what became of them.
type run struct {
	programs []*program
	rows     []*row
	cells    map[*row]map[string]*cell
	versions map[string]string
	missing  []string // programs
}

// TestMatrix has each program write its files and each read all of them, and compares what becomes of each with what
// is known, and the whole with docs/interop.md.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand readings by outside programs")
	}
	m := newMaterial(t)
	r := &run{cells: map[*row]map[string]*cell{}, versions: map[string]string{}}
	r.find(t, m)
	r.writeAll(t, m)
	r.readAll(t)
	page := readPage(t)
	r.judge(t, page)
	switch {
	case t.Failed():
	case len(r.missing) > 0 && *update:
		t.Errorf("docs/interop.md needs every program; missing are %s", strings.Join(r.missing, ", "))
	case len(r.missing) > 0:
		t.Logf("docs/interop.md was not compared: %s are missing", strings.Join(r.missing, ", "))
	case *update:
		writePage(t, r.page(r.versions))
	default:
		require.Equal(t, page, r.page(versionsOf(page)), "docs/interop.md is not of this run; if that is meant: make interop")
	}
}

// find finds the programs.
func (r *run) find(t *testing.T, m *material) {
	for _, f := range finders {
		var p *program
		t.Run("find "+f.name, func(t *testing.T) { p = f.find(t, m) })
		if p == nil {
			r.missing = append(r.missing, f.name)
			continue
		}
		r.programs = append(r.programs, p)
	}
}

// writeAll makes the files of every program that is here.
func (r *run) writeAll(t *testing.T, m *material) {
	files := prepare(m, t.TempDir())
	t.Run("write", func(t *testing.T) {
		for _, p := range r.programs {
			var its []*row
			for _, f := range files {
				if f.writer == p.name {
					its = append(its, f)
				}
			}
			if len(its) == 0 {
				continue
			}
			r.rows = append(r.rows, its...)
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.write(t, its)
			})
		}
	})
	require.False(t, t.Failed())
}

// readAll has every program read every file of the formats that it knows.
func (r *run) readAll(t *testing.T) {
	for _, f := range r.rows {
		r.cells[f] = map[string]*cell{}
	}
	t.Run("read", func(t *testing.T) {
		for _, p := range r.programs {
			var its []*row
			for _, f := range r.rows {
				if _, knows := p.shows[f.format]; knows {
					c := &cell{row: f, reader: p.name}
					r.cells[f][p.name] = c
					its = append(its, f)
				}
			}
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				for i, a := range p.read(t, its) {
					c := r.cells[its[i]][p.name]
					c.outcome, c.found = settle(a, its[i], p.shows[its[i].format])
				}
			})
		}
	})
	require.False(t, t.Failed())
	for _, p := range r.programs {
		r.versions[p.name] = p.version(t)
	}
}

// settle turns an answer into an outcome.
func settle(a answer, r *row, s shows) (outcome, string) {
	if a.err != "" {
		return no, a.err
	}
	if len(a.entries) == 0 {
		return no, "nothing is shown"
	}
	if different := differences(r.want, a.entries, s); len(different) > 0 {
		return part, strings.Join(different, "; ")
	}
	return yes, ""
}

// judge compares every cell with what is known. Of programs in other versions than the page's, surprises are failures
// where interop was promised, and elsewhere news.
func (r *run) judge(t *testing.T, page string) {
	published, used := versionsOf(page), map[int]bool{}
	for _, f := range r.rows {
		for reader, c := range r.cells[f] {
			var want outcome
			want, c.reason = expected(reader, f)
			used[c.reason] = true
			if c.outcome == want && (c.reason < 0 || knownCells[c.reason].fits(c.found)) {
				continue
			}
			report := t.Errorf
			for _, name := range []string{reader, f.writer} {
				if published[name] != r.versions[name] {
					t.Logf("%s is of version %s here, %s in docs/interop.md", name, r.versions[name], published[name])
					if !interop.Required() && !*update {
						report = t.Logf
					}
				}
			}
			report("%s, read by %s: %s (%s), expected %s", f.name(), reader, c.outcome, c.found, want)
		}
	}
	for i, k := range knownCells {
		if len(r.missing) == 0 {
			assert.True(t, used[i], "this is about no cell: %s", k.why)
		}
	}
}
