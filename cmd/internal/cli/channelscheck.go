package cli

import (
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/registry"
)

// channelsCheckOptions are the flags of `channels check`.
type channelsCheckOptions struct {
	*deps
	Targets []string // "": those that the model has blocks for
	Model   string
}

// newChannelsCheckCommand checks the model.
func newChannelsCheckCommand(d *deps) *cobra.Command {
	o := &channelsCheckOptions{deps: d}
	c := &cobra.Command{
		Use:   "check [TARGET...]",
		Short: "Say what is wrong or risky in the model, and what a broker product cannot express",
		Long: `Reads the model and all that it names (the server's certificate, CAs, CRLs, password users) and prints every problem at
once, with line and column. Each TARGET is asked what it cannot express; without one, those that the model has settings
for. Exit 3 when there is an error; warnings alone are exit 0.`,
		Example: `  mqttpki channels check
  mqttpki channels check mosquitto ibmmq --json`,
		ValidArgsFunction: completeTargets,
		RunE: func(_ *cobra.Command, args []string) error {
			o.Targets = args
			return runChannelsCheck(o)
		},
	}
	modelFlag(c, &o.Model)
	return c
}

// channelsCheckReport is the result for machines.
type channelsCheckReport struct {
	Schema   string          `json:"schema"`
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Problems []problemReport `json:"problems"`
}

func runChannelsCheck(o *channelsCheckOptions) error {
	for _, name := range o.Targets {
		if _, err := registry.Get(name); err != nil {
			return usageError(err, "mqttpki channels check --help")
		}
	}
	path := o.modelPath(o.Model)
	found, err := o.findProblems(path)
	if err != nil {
		return err
	}
	errorCount, total := 0, 0
	report := channelsCheckReport{Schema: "mqttpki.channels-check/1", File: path, Problems: []problemReport{}}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		errorCount += len(targets.Errors(found[name]))
		total += len(found[name])
		report.Problems = append(report.Problems, problemReports(name, found[name])...)
		if !o.json {
			printProblems(o.out, found[name])
		}
	}
	report.OK = errorCount == 0
	if o.json {
		if err := o.printJSON(report); err != nil {
			return err
		}
	} else {
		o.print("%s: %s, %s", printable(path), counted(errorCount, "error"), counted(total-errorCount, "warning"))
	}
	if !report.OK {
		return withHint(foundf("%s has %s", path, counted(errorCount, "error")), "correct the lines named, or accept a loss by name")
	}
	return nil
}

// findProblems returns every problem of the model by target, "" being the model itself.
func (o *channelsCheckOptions) findProblems(path string) (map[string][]targets.Problem, error) {
	model, data, err := o.readModel(path)
	if problems, ok := errors.AsType[channels.Problems](err); ok {
		return map[string][]targets.Problem{"": modelProblems(problems)}, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string][]targets.Problem{"": append(modelProblems(model.Validate()), modelProblems(registry.CheckBlocks(model))...)}
	x, err := o.loadDeployment(path)
	if err != nil { // a file that the model names is missing or bad: one more problem, not the only one
		found[""] = append(found[""], targets.Problem{Problem: channels.Problem{Severity: channels.Error, Text: err.Error()}})
	} else {
		found[""] = append(found[""], o.targetMaterial(x, data).Check(targets.Product{}, targets.Model{Deployment: model})...)
	}
	targets.InFileOrder(found[""])
	names := o.Targets
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(model.Targets))
	}
	for _, name := range names {
		if target, err := registry.Get(name); err == nil {
			found[name] = target.Check(targets.Model{Deployment: model})
		}
	}
	return found, nil
}
