// Command bench compares mqttpki with the programs it replaces, in one run, and prints ratios of medians.
//
// The runs of the two sides alternate, so that a machine whose speed drifts slows both. Absolute times are printed for
// orientation only; on a shared machine the ratios are what can be quoted. Peers that are not there are named and left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	binary := flag.String("mqttpki", "bin/mqttpki", "the program to measure")
	rounds := flag.Int("rounds", 5, "how often each side runs; the median counts")
	only := flag.String("only", "", "sections with commas between them: start,stores,certificates,sniff,scripts,issue,broker; all without")
	task := flag.String("task", "", "for this program's own use: what to do in a process of its own")
	flag.Parse()
	if *task != "" {
		if err := runTask(*task, flag.Args()); err != nil {
			fail(err)
		}
		return
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		fail(err)
	}
	if _, err := os.Stat(path); err != nil {
		fail(fmt.Errorf("%w; run make build first", err))
	}
	b := &bench{mqttpki: path, rounds: max(*rounds, 1)}
	sections := []struct {
		name string
		run  func() error
	}{
		{"start", b.start},
		{"stores", b.stores}, // before those that remove many files, see there
		{"certificates", b.certificates},
		{"sniff", b.sniff},
		{"scripts", b.scripts},
		{"issue", b.issue},
		{"broker", b.broker},
	}
	for _, s := range sections {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), s.name) {
			continue
		}
		fmt.Printf("\n== %s\n", s.name)
		if err := s.run(); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// bench is one run of the whole comparison.
type bench struct {
	mqttpki string
	rounds  int
}
