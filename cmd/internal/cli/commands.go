package cli

import "github.com/spf13/cobra"

// commands is every command, in the order of the help; each stands in the file of its name.
var commands = []func(*deps) *cobra.Command{
	newVersionCommand,
	newManCommand,
}
