package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
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
		Use:   "export NAME --for TARGET",
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
	o.Stores.flags(c, "")
	f := c.Flags()
	f.StringVar(&o.Role, "role", "", "`ROLE`: server, client or bridge, where several have the name")
	f.StringVarP(&o.Out, "out", "o", "", "the folder `DIR` (default: NAME-TARGET here)")
	f.StringVar(&o.Host, "host", "HOST", "the broker's `HOST` name, for the settings")
	f.Var(&o.InPass, "in-pass", "where the password of the identity's key is kept, if it has one")
	f.BoolVarP(&o.Force, "force", "f", false, "replace what is there; old keys and stores are kept as dated backups")
	_ = c.MarkFlagRequired("for")
	completeFrom(c, "role", leafRoleNames()...)
	return c
}

func runExport(ctx context.Context, o *exportOptions) error {
	roles, err := rolesOf(o.Role)
	if err != nil {
		return err
	}
	return o.withPKI(ctx, "", func(h *ca.Home) error {
		entry, cert, err := h.Lookup(ctx, o.Name, roles...)
		if err != nil {
			return err
		}
		if state := entry.StateAt(o.now()); state != inventory.Issued {
			return withHint(fmt.Errorf("exporting %q: %w: it is %s", o.Name, ca.ErrPolicy, state), "mqttpki list %s", word(o.Name))
		}
		return o.export(h, ca.Role(entry.Role), entry.Name, cert)
	})
}

// export writes the folder of one identity.
func (o *exportOptions) export(h *ca.Home, role ca.Role, name string, cert *x509.Certificate) error {
	r, err := findRuntime(role, o.Stores.Runtime)
	if err != nil {
		return err
	}
	stores, err := o.Stores.resolve(o.deps, role, true)
	if err != nil {
		return err
	}
	files := ca.FilesOf(role, name)
	id, err := o.identity(h, files, name, cert)
	if err != nil {
		return err
	}
	artifacts, err := stores.artifacts(files, id, h.Anchors())
	if err != nil {
		return err
	}
	out := o.Out
	if out == "" {
		out = ca.FileName(name) + "-" + r.name
	}
	var list []safefile.File
	for _, a := range artifacts {
		to := filepath.Join(out, path.Base(a.Path))
		list = append(list, safefile.File{Path: to, Mode: a.Mode, Secret: a.Secret, Data: a.Data})
	}
	settings := r.text(runtimeValues{
		Dir: filepath.ToSlash(out), File: ca.FileName(name), Name: name, Host: o.Host, Topic: "devices/" + name + "/up",
		Pass: stores.passText(filepath.ToSlash(out) + "/" + path.Base(files.Pass)),
	})
	list = append(list, safefile.File{Path: filepath.Join(out, "README.txt"), Mode: safefile.ModePublic, Data: []byte(settings + "\n")})
	result, err := safefile.Commit(list, safefile.Options{Force: o.Force, Now: o.now})
	if err != nil {
		return err
	}
	o.backups(result.Backups)
	stores.tellChanges()
	return o.printExport(name, out, settings, result.Written)
}

// identity is the key from the PKI's files, with the chain that the inventory knows.
func (o *exportOptions) identity(h *ca.Home, files ca.Files, name string, cert *x509.Certificate) (keystore.Identity, error) {
	renew := renewOptions{deps: o.deps, InPass: o.InPass}
	id, err := renew.oldKey(files)
	if errors.Is(err, fs.ErrNotExist) {
		return id, withHint(ofKind(errNotFound, err), "the key is elsewhere; what can be handed out is in %s", o.folderOf(files))
	}
	if err != nil {
		return id, err
	}
	id.Alias, id.Chain = name, []keystore.Certificate{{Raw: cert.Raw, X509: cert}}
	if matches, known := id.Key.Matches(id.Chain[0]); known && !matches {
		return id, fmt.Errorf("exporting %q: the key in %s is not the certificate's", name, o.folderOf(files))
	}
	if !h.RootOnly() {
		id.Chain = append(id.Chain, keystore.Certificate{Raw: h.Issuer().Raw, X509: h.Issuer()})
	}
	return id, nil
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
