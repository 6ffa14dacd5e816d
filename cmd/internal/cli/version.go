package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the release; the build sets it with -ldflags "-X ...cli.version=v1.2.3".
var version = "dev"

// versionReport is `version --json`.
type versionReport struct {
	Schema   string `json:"schema"`
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// newVersionCommand prints what this program is.
func newVersionCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of mqttpki and of the Go that built it",
		Example: "  mqttpki version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			commit := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = s.Value
					}
				}
			}
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if d.json {
				return d.printJSON(versionReport{"mqttpki.version/1", version, commit, runtime.Version(), platform})
			}
			d.print("mqttpki %s %s %s", version, runtime.Version(), platform)
			return nil
		},
	}
}
