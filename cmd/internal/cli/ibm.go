package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/cmd/internal/ibm"
	"github.com/mqttpki/mqttpki/keystore"
)

// ibmSchema is that of all the group's --json.
const ibmSchema = "mqttpki.ibm/1"

// newIBMCommand groups what the scripts in scripts/ run.
func newIBMCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "ibm",
		Short: "The steps of the IBM MQ Telemetry sample scripts, on the variables that initcert sets",
		Long: `The scripts in scripts/ replace the certificate scripts of the IBM MQ Telemetry samples: the same variables, files,
aliases, names, store contents and channels. Each is one of these commands, run with the variables of initcert in its
environment. A key that is there is never replaced, and a file that is as it should be is left alone.`,
		Example: `  . scripts/initcert.sh
  mqttpki ibm cacerts
  mqttpki ibm mqcerts`,
	}
	for _, step := range []struct {
		name, short string
		run         func(*ibm.Job, context.Context) (*ibm.Report, error)
	}{
		{"genkeys", "Make the client's, the server's and the CA's key, each in its store with a certificate", (*ibm.Job).GenKeys},
		{"sscerts", "Have server and client trust each other's self-signed certificates", (*ibm.Job).SelfSigned},
		{"cacerts", "Give server and client certificates from the CA, and the stores that trust it", (*ibm.Job).CASigned},
	} {
		c.AddCommand(&cobra.Command{
			Use:     step.name,
			Short:   step.short,
			Example: "  scripts/" + step.name + ".sh",
			Args:    cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				job, err := d.ibmJob()
				if err != nil {
					return err
				}
				report, err := step.run(job, c.Context())
				if err != nil {
					return ibmError(err)
				}
				return d.printIBMReport(report)
			},
		})
	}
	c.AddCommand(newIBMChannelsCommand(d), newIBMCleanCommand(d))
	return c
}

// ibmJob reads the variables.
func (d *deps) ibmJob() (*ibm.Job, error) {
	settings, err := ibm.ReadSettings(d.env)
	if err != nil {
		return nil, ibmError(err)
	}
	return &ibm.Job{
		Settings: settings,
		Passwords: &ibm.Passwords{
			Look: d.env, File: settings.Password, Read: d.passwordFile, MakeUp: d.randomPassword,
		},
		Now:    d.now,
		Random: d.random,
	}, nil
}

// ibmError gives an error the hint that fits the scripts: their settings are variables, not flags.
func ibmError(err error) error {
	switch {
	case errors.Is(err, ibm.ErrSetting):
		return usageError(err, "run the script of this name in scripts/, and set its variables before or in initcert")
	case errors.Is(err, keystore.ErrPassword):
		return withHint(err, "passwords are the variable password, or that of the one store or key (initcert names them), or the first line of passwordfile")
	}
	return err
}

// ibmFile is one line of a report.
type ibmFile struct {
	File      string     `json:"file"`
	What      string     `json:"what"`
	Expires   *time.Time `json:"expires,omitempty"`
	Unchanged bool       `json:"unchanged,omitempty"`
}

// ibmReport is what the commands print with --json.
type ibmReport struct {
	Schema  string    `json:"schema"`
	Files   []ibmFile `json:"files"`
	Removed []string  `json:"removed,omitempty"`
	Backup  string    `json:"backup,omitempty"` // where a removed CA is
}

// printIBMReport prints one line a file.
func (d *deps) printIBMReport(r *ibm.Report) error {
	for _, w := range r.Warnings {
		d.warn("%s", printable(w))
	}
	for _, n := range r.Notices {
		d.notice("%s", printable(n))
	}
	var files []ibmFile
	for _, f := range r.Files {
		file := ibmFile{File: f.Path, What: f.What, Unchanged: f.Kept}
		if !f.Expires.IsZero() {
			expires := f.Expires.UTC()
			file.Expires = &expires
		}
		files = append(files, file)
	}
	return d.printIBMFiles(files)
}

// printIBMFiles prints files as text or JSON.
func (d *deps) printIBMFiles(files []ibmFile) error {
	if d.json {
		return d.printJSON(ibmReport{Schema: ibmSchema, Files: files})
	}
	for _, f := range files {
		line := fmt.Sprintf("%s: %s", f.File, f.What)
		if f.Expires != nil {
			line += ", until " + f.Expires.Format(time.DateOnly)
		}
		if f.Unchanged {
			line += " (unchanged)"
		}
		d.print("%s", printable(line))
	}
	return nil
}

// newIBMChannelsCommand is mqcerts.
func newIBMChannelsCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "mqcerts",
		Short: "Write the channel definitions for IBM MQ, and feed them to runmqsc where there is one",
		Long: `Writes the definitions of the five channels to the file that mqscfile names, readable by you alone since they hold the
key store's password. Where the program runmqsc is on the PATH it is run on the queue manager qm; what it prints goes to
the file mqlog. No queue manager is made, deleted or changed otherwise.`,
		Example: "  scripts/mqcerts.sh",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			job, err := d.ibmJob()
			if err != nil {
				return err
			}
			return ibmError(d.defineChannels(c.Context(), job))
		},
	}
}

// newIBMCleanCommand is cleancert.
func newIBMCleanCommand(d *deps) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "cleancert",
		Short: "List what the scripts made, ask, and remove it; the CA is kept under another name",
		Long: `Lists the files that the other scripts have made and removes them once that is confirmed. The CA's folder is renamed,
since nothing could make a lost CA again, and the password file stays, since the CA's key is encrypted under it. No
queue manager is touched: end one that uses the key store first.`,
		Example: "  scripts/cleancert.sh --yes",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			job, err := d.ibmJob()
			if err != nil {
				return err
			}
			return d.cleanIBM(job, yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func (d *deps) cleanIBM(job *ibm.Job, yes bool) error {
	made, err := job.Made()
	if err != nil {
		return err
	}
	if len(made) == 0 {
		d.notice("There is nothing to remove.")
	} else {
		d.notice("To be removed (the CA's folder is renamed):")
	}
	for _, path := range made {
		d.notice("%s", printable(path))
	}
	if !yes && len(made) > 0 {
		if err := d.ask("Remove them?"); err != nil {
			return err
		}
	}
	backup, err := job.Clean(made)
	if err != nil {
		return err
	}
	if d.json {
		return d.printJSON(ibmReport{Schema: ibmSchema, Files: []ibmFile{}, Removed: made, Backup: backup})
	}
	if backup != "" {
		d.print("%s: the CA is kept here", printable(backup))
	}
	return nil
}
