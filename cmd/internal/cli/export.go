package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// exportOptions are the flags of `export`.
type exportOptions struct {
	*deps
	Name   string
	Role   string
	Out    string
	Host   string
	InPass passwordSource
	Stores storeOptions
	Force  bool
}

// newExportCommand makes a folder that a client's runtime can use as it is.
func newExportCommand(d *deps) *cobra.Command {
	o := &exportOptions{deps: d}
	c := &cobra.Command{
		Use:   "export NAME --for RUNTIME",
		Short: "Copy an identity to a folder that a client's runtime can use as it is, with the settings to paste",
		Long: `Writes the files that a client program or library reads, made from the identity's key and certificate in the PKI, to a
folder of their own, and prints the settings that go with them.`,
		Example: `  mqttpki export sensor-17 --for paho-java --host mqtt.example.com
  mqttpki export sensor-17 --for mosquitto -o /media/stick/sensor-17`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.completeNames,
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return runExport(c.Context(), o)
		},
	}
	o.Stores.flags(c)
	f := c.Flags()
	f.StringVar(&o.Role, "role", "", "server, client or bridge, where several have the name")
	f.StringVarP(&o.Out, "out", "o", "", "the folder (default: NAME-RUNTIME here)")
	f.StringVar(&o.Host, "host", "HOST", "the broker's host name, for the settings")
	f.Var(&o.InPass, "in-pass", "where the password of the identity's key is kept, if it has one")
	f.BoolVar(&o.Force, "force", false, "replace what is there; old keys and stores are kept as dated backups")
	_ = c.MarkFlagRequired("for")
	completeFrom(c, "role", leafRoleNames()...)
	return c
}

func runExport(ctx context.Context, o *exportOptions) error {
	r, err := findRuntime(o.Stores.Runtime)
	if err != nil {
		return err
	}
	var roles []ca.Role
	if o.Role != "" {
		role, err := ca.ParseRole(o.Role)
		if err != nil {
			return ofKind(errUsage, err)
		}
		roles = append(roles, role)
	}
	return o.withPKI(ctx, "", func(h *ca.Home) error {
		entry, _, err := h.Lookup(ctx, o.Name, roles...)
		if err != nil {
			return err
		}
		if state := entry.StateAt(o.now()); state != inventory.Issued {
			return withHint(fmt.Errorf("exporting %q: %w: it is %s", o.Name, ca.ErrPolicy, state), "mqttpki list %s", o.Name)
		}
		role := ca.Role(entry.Role)
		stores, err := o.Stores.resolve(o.deps, role, true)
		if err != nil {
			return err
		}
		files := ca.FilesOf(role, entry.Name)
		renew := renewOptions{deps: o.deps, InPass: o.InPass}
		id, err := renew.oldKey(files)
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(ofKind(errNotFound, err), "the key is elsewhere; what can be handed out is in %s", o.folderOf(files))
		}
		if err != nil {
			return err
		}
		id.Alias = entry.Name
		artifacts, err := stores.artifacts(files, id, h.Anchors())
		if err != nil {
			return err
		}
		out := o.Out
		if out == "" {
			out = ca.FileName(entry.Name) + "-" + r.name
		}
		var list []safefile.File
		for _, a := range artifacts {
			list = append(list, safefile.File{Path: filepath.Join(out, filepath.Base(filepath.FromSlash(a.Path))), Mode: a.Mode, Secret: a.Secret, Data: a.Data})
		}
		settings := r.text(runtimeValues{Dir: filepath.ToSlash(out), File: ca.FileName(entry.Name), Name: entry.Name, Host: o.Host, Topic: "devices/" + entry.Name + "/up"})
		list = append(list, safefile.File{Path: filepath.Join(out, "README.txt"), Mode: safefile.ModePublic, Data: []byte(settings + "\n")})
		result, err := safefile.Commit(list, safefile.Options{Force: o.Force, Now: o.now})
		if err != nil {
			return err
		}
		o.backups(result.Backups)
		stores.tellChanges()
		return o.printExport(entry.Name, out, settings, result.Written)
	})
}

// exportReport says what was written, for machines.
type exportReport struct {
	Schema   string   `json:"schema"`
	Name     string   `json:"name"`
	Runtime  string   `json:"runtime"`
	Files    []string `json:"files"`
	Settings string   `json:"settings"`
}

func (o *exportOptions) printExport(name, out, settings string, written []string) error {
	if o.json {
		return o.printJSON(exportReport{"mqttpki.export/1", name, o.Stores.Runtime, written, settings})
	}
	o.print("%s for %s: in %s: %s\n\n%s", printable(name), o.Stores.Runtime, out, baseNames(written), settings)
	return nil
}
