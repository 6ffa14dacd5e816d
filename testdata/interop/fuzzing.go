package interop

import "flag"

// Fuzzing reports whether this process leads a run of go test -fuzz. Only there is it worth having outside programs
// make seeds: the workers get theirs from it, and in an ordinary run other tests read the same files.
func Fuzzing() bool {
	fuzz, worker := flag.Lookup("test.fuzz"), flag.Lookup("test.fuzzworker")
	return fuzz != nil && fuzz.Value.String() != "" && (worker == nil || worker.Value.String() != "true")
}
