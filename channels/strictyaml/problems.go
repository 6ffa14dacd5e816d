// Package strictyaml reads YAML written by people into Go structs and reports everything that is wrong with it at
// once, each with its line and column: unknown and duplicate keys, values of the wrong type, empty values.
//
// It is the one importer of the YAML library. It is meant for settings of a few hundred lines: anchors, aliases,
// tags, merge keys and several documents in a file are refused, since they make a file mean something else than it
// seems to. Only the first syntax error is reported, as what follows one is guesswork. Input is untrusted: its
// size, line length and nesting are bounded before it is parsed.
package strictyaml

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Position is a place in a file, both counted from 1; the zero Position is unknown.
type Position struct {
	Line, Column int
}

// Positions tells where each value stands, by path: "listeners[0].identity.user".
type Positions map[string]Position

// Find returns where the value at path stands, or the nearest thing round it that is there, so that what is
// missing is reported at what should hold it.
func (p Positions) Find(path string) Position {
	for {
		if at, ok := p[path]; ok {
			return at
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return p[""]
		}
		path = path[:cut]
	}
}

// Kind says what sort of problem a decoder met.
type Kind string

// The kinds of problem.
const (
	KindSyntax    Kind = "syntax"    // not YAML, or YAML that is not read here
	KindUnknown   Kind = "unknown"   // a key that means nothing in its place
	KindDuplicate Kind = "duplicate" // a key that stood there before
	KindType      Kind = "type"      // a value of the wrong type, or none
)

// Problem is one thing wrong with a file.
type Problem struct {
	Position
	Kind Kind
	Path string // of the value, as in [Positions]
	Text string // one clause for a person
}

// String returns "line 3, column 5: listeners[0].port: text".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is everything wrong with one file, in the order of the file. As an error it is a
// [keystore.ErrFormat].
type Problems []Problem

// Error returns one line a problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes Problems a [keystore.ErrFormat].
func (Problems) Unwrap() error { return keystore.ErrFormat }

// sort puts problems in the order of the file.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}
