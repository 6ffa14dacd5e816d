// Package registry lists the targets. Adding a product is adding its folder and one line here; the conformance suite
// beside it then holds for the product too.
package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/bundled"
	"github.com/mqttpki/mqttpki/channels/targets/ibmmq"
	"github.com/mqttpki/mqttpki/channels/targets/mosquitto"
)

// All returns every target in the order of their names.
func All() []targets.Target {
	return []targets.Target{
		bundled.Target{},
		ibmmq.Target{},
		mosquitto.Target{},
	}
}

// Names returns the names of all targets.
func Names() []string {
	var names []string
	for _, t := range All() {
		names = append(names, t.Product().Name)
	}
	return names
}

// Get returns a target by its name. The error names those that there are.
func Get(name string) (targets.Target, error) {
	for _, t := range All() {
		if t.Product().Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no target %q; there are %s", name, strings.Join(Names(), ", "))
}

// CheckBlocks checks the blocks under "targets" of a model: each must belong to a target, and be what it can read.
func CheckBlocks(d *channels.Deployment) channels.Problems {
	var problems channels.Problems
	for name := range d.Targets {
		if !slices.Contains(Names(), name) {
			line, column := d.At("targets." + name)
			problems = append(problems, channels.Problem{Line: line, Column: column, Path: "targets." + name, Severity: channels.Error,
				Text: fmt.Sprintf("there is no target %q; there are %s", name, strings.Join(Names(), ", "))})
		}
	}
	slices.SortFunc(problems, func(a, b channels.Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems
}
