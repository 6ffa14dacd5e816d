package channels

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// Severity says whether a problem keeps a model from being used.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the model is not used
	Warning Severity = "warning" // it is used, and somebody should know this
)

// Problem is one thing wrong or risky in a model.
type Problem struct {
	Line, Column int      // in the model's file, from 1; 0 when the model came from no file
	Path         string   // "listeners[0].identity.user"
	Severity     Severity // [Error] or [Warning]
	Text         string   // one sentence for a person, without a full stop
}

// String returns "line 3, column 5: error: listeners[0].port: text".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	fmt.Fprintf(&b, "%s: ", p.Severity)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Problems is what is wrong or risky in one model, in the order of its file. As an error it is a
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

// Errors returns the problems that keep the model from being used.
func (ps Problems) Errors() Problems { return ps.of(Error) }

// Warnings returns the others.
func (ps Problems) Warnings() Problems { return ps.of(Warning) }

func (ps Problems) of(s Severity) Problems {
	var some Problems
	for _, p := range ps {
		if p.Severity == s {
			some = append(some, p)
		}
	}
	return some
}

// sort puts problems in the order of the file; those of a model that has none keep theirs.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}
