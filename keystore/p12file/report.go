package p12file

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// problemsPerCode bounds how many problems of one kind are told apart; a store of 100,000 odd entries has one more
// problem that counts the rest.
const problemsPerCode = 20

// report collects what is odd about a file.
type report struct {
	problems []keystore.Problem
	count    map[string]int // by code
	places   map[string]int // by code, of the problem that stands for those not told
}

// add notes one problem. Severity is "error", "warning" or "notice", as in [keystore.Problem].
func (r *report) add(severity, code, entry, format string, args ...any) {
	if r.count == nil {
		r.count, r.places = map[string]int{}, map[string]int{}
	}
	r.count[code]++
	switch n := r.count[code]; {
	case n <= problemsPerCode:
		text := fmt.Sprintf(format, args...)
		r.problems = append(r.problems, keystore.Problem{Code: code, Severity: severity, Entry: entry, Text: text})
	case n == problemsPerCode+1:
		r.places[code] = len(r.problems)
		r.problems = append(r.problems, keystore.Problem{Code: code, Severity: severity})
	}
}

// all returns the problems, with the number of those not told.
func (r *report) all() []keystore.Problem {
	for code, at := range r.places {
		r.problems[at].Text = fmt.Sprintf("and %d more like these", r.count[code]-problemsPerCode)
	}
	return r.problems
}
