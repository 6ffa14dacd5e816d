package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// channelsInitOptions are the flags of `channels init`.
type channelsInitOptions struct {
	*deps
	Preset string
	Server string // "": the one server of the PKI
	Model  string
	Force  bool
}

// newChannelsInitCommand writes a model to begin with.
func newChannelsInitCommand(d *deps) *cobra.Command {
	o := &channelsInitOptions{deps: d}
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a listener model to begin with",
		Long: `Writes channels.yaml from a preset, with comments. Both presets have the names and ports of the IBM MQ Telemetry
samples: PlainText 1883, SSLOPT 8884, SSLREQ 8885, PLAINWS 1886, SSLOPTWS 8886, SSLREQWS 8887.
  mtls        certificates on SSLREQ and SSLREQWS, passwords on the others, of which the plain ones are on loopback;
              CRLs are checked, and each user has the topics devices/{user}/#
  ibm-sample  the samples' six channels as they were: everybody is Guest and may do everything`,
		Example: `  mqttpki channels init --server mqtt.example.com
  mqttpki channels init --preset ibm-sample --model mq.yaml --server mq1`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runChannelsInit(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.Preset, "preset", channels.PresetNames()[0], "what to begin with: "+strings.Join(channels.PresetNames(), ", "))
	f.StringVar(&o.Server, "server", "", "the server's identity in the PKI (default: the only one there is)")
	f.BoolVarP(&o.Force, "force", "f", false, "overwrite the model that is there; it is kept as a dated backup")
	modelFlag(c, &o.Model)
	completeFrom(c, "preset", channels.PresetNames()...)
	return c
}

func runChannelsInit(ctx context.Context, o *channelsInitOptions) error {
	if !slices.Contains(channels.PresetNames(), o.Preset) {
		return usagef("there is no preset %q; there are %s", o.Preset, strings.Join(channels.PresetNames(), " and "))
	}
	if o.Model == "" && !exists(filepath.Join(o.pki, filepath.FromSlash(ca.RootCertPath))) {
		return withHint(ofKind(errNotFound, fmt.Errorf("there is no PKI in %s that the model could lie in", o.pki)), "mqttpki init-ca, or --model FILE")
	}
	server := o.Server
	if server == "" {
		var err error
		if server, err = o.onlyServer(ctx); err != nil {
			return err
		}
	}
	model, err := channels.Preset(o.Preset, server)
	if err != nil {
		return err
	}
	if problems := model.Validate().Errors(); len(problems) > 0 {
		return usagef("--server %q: %v", server, problems)
	}
	path := o.modelPath(o.Model)
	// Secret makes the file that is replaced a backup: a model is somebody's work.
	result, err := safefile.Commit([]safefile.File{{Path: path, Mode: safefile.ModePublic, Data: model.YAML(), Secret: true}},
		safefile.Options{Force: o.Force, Now: o.now})
	if err != nil {
		return withHint(fmt.Errorf("writing the listener model: %w", err), "repeat with --force; the old model is kept as a dated backup")
	}
	if o.json {
		report := channelsInitReport{Schema: "mqttpki.channels-init/1", File: path, Preset: o.Preset, Server: server, Listeners: []string{}}
		for _, l := range model.Listeners {
			report.Listeners = append(report.Listeners, l.Name)
		}
		return o.printJSON(report)
	}
	o.backups(result.Backups)
	o.print("%s: %s, preset %s", printable(path), counted(len(model.Listeners), "listener"), o.Preset)
	if model.Users.File != "" {
		o.notice("note: add password users with mqttpki channels user add NAME")
	}
	return nil
}

// channelsInitReport is a new model, for machines.
type channelsInitReport struct {
	Schema    string   `json:"schema"`
	File      string   `json:"file"`
	Preset    string   `json:"preset"`
	Server    string   `json:"server"`
	Listeners []string `json:"listeners"`
}

// onlyServer returns the name of the PKI's only server.
func (o *channelsInitOptions) onlyServer(ctx context.Context) (string, error) {
	var names []string
	err := o.withPKI(ctx, "", func(h *ca.Home) error {
		for e, err := range h.Inventory().List(ctx, inventory.Filter{Roles: []string{string(ca.RoleServer)}, States: []inventory.State{inventory.Issued}, Now: o.now()}) {
			if err != nil {
				return err
			}
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if len(names) != 1 {
		return "", withHint(usagef("there are %d servers in %s; name the one that the listeners are for", len(names), o.pki), "--server NAME; a new one: mqttpki issue server NAME")
	}
	return names[0], nil
}
