package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand writes the man pages, which cobra makes from the help texts so that they cannot fall behind.
func newManCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands to a folder",
		Example: `  mqttpki man man1
  man -l man1/mqttpki-issue-client.1`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := args[0]
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			header := &doc.GenManHeader{Title: "MQTTPKI", Section: "1", Source: "mqttpki " + version, Manual: "mqttpki"}
			now := d.now()
			header.Date = &now
			if err := doc.GenManTree(c.Root(), header, dir); err != nil {
				return fmt.Errorf("writing the manual pages: %w", err)
			}
			d.print("%s", dir)
			return nil
		},
	}
}
