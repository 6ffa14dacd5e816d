package main

import "fmt"

// start is what every command pays before it begins: goal 10 ms and 20 MiB resident.
func (b *bench) start() error {
	ours := &side{name: "mqttpki version", run: func() (cost, error) { return process("", nil, b.mqttpki, "version") }}
	sides := []*side{ours}
	if missing("openssl") == "" {
		sides = append(sides, &side{name: "openssl version", run: func() (cost, error) { return process("", nil, "openssl", "version") }})
	}
	if err := alternate(4*b.rounds, sides...); err != nil {
		return err
	}
	for _, s := range sides {
		s.print()
	}
	verdict := "met"
	if ours.median(wall) > 0.010 || ours.median(rss) > 20 {
		verdict = "MISSED"
	}
	fmt.Printf("  goal 10 ms and 20 MiB: %s\n", verdict)
	return nil
}
