package cli

import "github.com/spf13/cobra"

// commands returns every command, in the order of the help; each stands in the file of its name.
func commands() []func(*deps) *cobra.Command {
	return []func(*deps) *cobra.Command{
		newQuickstartCommand,
		newInitCACommand,
		newIssueCommand,
		newSignCommand,
		newCSRCommand,
		newSelfSignCommand,
		newRenewCommand,
		newRevokeCommand,
		newCRLCommand,
		newListCommand,
		newStatusCommand,
		newConvertCommand,
		newInspectCommand,
		newCheckCommand,
		newChannelsCommand,
		newBrokerCommand,
		newVerifyCommand,
		newIBMCommand,
		newExportCommand,
		newCleanCommand,
		newVersionCommand,
		newManCommand,
	}
}
