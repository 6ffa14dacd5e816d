package matrix

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pagePath is docs/interop.md.
var pagePath = filepath.Join("..", "..", "docs", "interop.md")

// readPage returns the page as it stands, "" when there is none yet.
func readPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(pagePath)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return string(page)
}

func writePage(t *testing.T, page string) {
	t.Helper()
	require.NoError(t, os.WriteFile(pagePath, []byte(page), 0o644))
}

const pageHead = `# What reads what

Every program that writes keys and certificates, tried with every program that reads them. This page is written by the
tests (` + "`make interop`" + `), and they fail when a cell is no longer so, for the worse or for the better.

In each row is a file that the program before the colon made, with what stands behind it; in each column is who read it.
Keys are compared by their public keys, certificates by their bytes, and names, types of entries and lengths of chains
as far as the reader shows them.

- **yes**: all that the reader can show of the file is right.
- **part**: it is read, but something is missing or wrong.
- **no**: it is refused, or nothing of it is shown.

The number is that of the reason, below the tables. A program that does not know a format at all has no column there.

What the files hold: *one key* is on the curve P-256, with its certificate and two CAs above it; *two keys* are two such
with two trusted certificates; *RSA key* and *Ed25519 key* are what they say, the former under an RSA root; a *trust
store* is two trusted certificates; a *chain* is the three certificates of a key, and a *certificate* one.
`

// page renders the run, with the given versions of programs.
func (r *run) page(versions map[string]string) string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, format := range tables {
		r.table(&b, format)
	}
	b.WriteString("\n## Reasons\n\n")
	for i, k := range knownCells {
		fmt.Fprintf(&b, "%d. %s: %s. Whose fault: %s.\n", i+1, r.concerned(i), k.why, k.fault)
	}
	b.WriteString("\n## Programs\n\nShown are, beside keys: names (n), chains in order (c), which entries are trusted (t), " +
		"all certificates (a); of one key a reader may show its own certificate alone.\n\n| name | product | version | read by | shown |\n| --- | --- | --- | --- | --- |\n")
	for _, p := range r.programs {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.name, p.what, versions[p.name], p.how, p.letters())
	}
	return b.String()
}

// concerned names the readers whose cells have the reason.
func (r *run) concerned(reason int) string {
	var names []string
	for _, p := range r.programs {
		for _, f := range r.rows {
			if c := r.cells[f][p.name]; c != nil && c.reason == reason {
				names = append(names, p.name)
				break
			}
		}
	}
	return strings.Join(names, ", ")
}

// table renders the cells of one format.
func (r *run) table(b *strings.Builder, format string) {
	var readers []string
	for _, p := range r.programs {
		if _, knows := p.shows[format]; knows {
			readers = append(readers, p.name)
		}
	}
	fmt.Fprintf(b, "\n## %s\n\n| written by | %s |\n|%s\n", format, strings.Join(readers, " | "), strings.Repeat(" --- |", len(readers)+1))
	for _, f := range r.rows {
		if f.format != format {
			continue
		}
		fmt.Fprintf(b, "| %s |", f.label())
		for _, name := range readers {
			c := r.cells[f][name]
			if c.reason < 0 {
				fmt.Fprintf(b, " %s |", c.outcome)
			} else {
				fmt.Fprintf(b, " %s (%d) |", c.outcome, c.reason+1)
			}
		}
		b.WriteString("\n")
	}
}

// letters are what a reader shows in any format.
func (p *program) letters() string {
	var all shows
	for s := range maps.Values(p.shows) {
		all = shows{all.aliases || s.aliases, all.chains || s.chains, all.types || s.types, all.all || s.all}
	}
	var list []string
	for _, one := range []struct {
		letter string
		shown  bool
	}{{"n", all.aliases}, {"c", all.chains}, {"t", all.types}, {"a", all.all}} {
		if one.shown {
			list = append(list, one.letter)
		}
	}
	return strings.Join(list, " ")
}

// programLine is one of the page's programs.
var programLine = regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \| ([^|]*) \| [^|]+ \| [nct a]* \|$`)

// versionsOf returns the versions that a page names, by program.
func versionsOf(page string) map[string]string {
	found := map[string]string{}
	for _, line := range programLine.FindAllStringSubmatch(page, -1) {
		found[line[1]] = line[2]
	}
	return found
}

// TestPageNamesEveryProgram holds the page to the programs' list also where they are not there to be run.
func TestPageNamesEveryProgram(t *testing.T) {
	var names []string
	for _, f := range finders {
		names = append(names, f.name)
	}
	require.ElementsMatch(t, names, slices.Collect(maps.Keys(versionsOf(readPage(t)))))
}
