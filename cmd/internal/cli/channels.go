package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/registry"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// newChannelsCommand groups what is about the listener model.
func newChannelsCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:     "channels",
		Aliases: []string{"listeners"},
		Short:   "The broker's listeners: one model, written for each broker product",
		Long: `The file channels.yaml in the PKI says what a broker's listeners are to be: ports, TLS, client certificates, who the
users are and what they may do. "Channel" is IBM MQ's word for a listener. emit turns the model into a product's own
configuration, or refuses with the reason; the bundled broker runs it; verify proves it. docs/channels.md explains
every field.`,
		Example: `  mqttpki channels init --server mqtt.example.com
  mqttpki channels check
  mqttpki channels emit mosquitto --out broker-files`,
	}
	c.AddCommand(newChannelsInitCommand(d), newChannelsListCommand(d), newChannelsCheckCommand(d), newChannelsEmitCommand(d), newChannelsUserCommand(d))
	return c
}

// modelFlag adds --model.
func modelFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "model", "", "the listener model (default: channels.yaml in the PKI)")
	_ = c.MarkFlagFilename("model", "yaml", "yml")
}

// modelPath is where the model lies.
func (d *deps) modelPath(flag string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(d.pki, ca.ChannelsPath)
}

// readModel reads the model alone. What is wrong with it comes back as channels.Problems.
func (d *deps) readModel(path string) (*channels.Deployment, []byte, error) {
	data, err := safefile.Read(path, maxModelFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, withHint(ofKind(errNotFound, fmt.Errorf("reading the listener model: there is no %s", path)), "mqttpki channels init")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the listener model: %w", err)
	}
	model, err := channels.Parse(data)
	if err != nil {
		return nil, data, badModel(path, err)
	}
	return model, data, nil
}

// badModel is the error for a model that cannot be used: the command ran and found that (exit 3).
func badModel(path string, err error) error {
	err = fmt.Errorf("reading the listener model %s:\n%w", path, err)
	if _, ok := errors.AsType[channels.Problems](err); ok {
		err = ofKind(errFound, err)
	}
	return withHint(err, "mqttpki channels check --model %s, once the lines named are corrected", path)
}

// newChannelsListCommand shows the model.
func newChannelsListCommand(d *deps) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:     "list",
		Short:   "Show the listeners of the model",
		Example: "  mqttpki channels list",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			model, _, err := d.readModel(d.modelPath(path))
			if err != nil {
				return err
			}
			if d.json {
				return d.printJSON(channelsListReport{Schema: "mqttpki.channels-list/1", Server: model.Server, Listeners: listenerReports(model)})
			}
			var rows [][]string
			for _, l := range listenerReports(model) {
				rows = append(rows, []string{l.Name, l.Address, l.Transport, l.ClientCertificate, yesNo(l.CRL), l.User, l.ClientID})
			}
			return d.table([]string{"NAME", "ADDRESS", "TRANSPORT", "CERTIFICATE", "CRL", "USER", "CLIENT ID"}, rows)
		},
	}
	modelFlag(c, &path)
	return c
}

// channelsListReport is the model for machines.
type channelsListReport struct {
	Schema    string           `json:"schema"`
	Server    string           `json:"server"`
	Listeners []listenerReport `json:"listeners"`
}

type listenerReport struct {
	Name              string `json:"name"`
	Address           string `json:"address"`
	Transport         string `json:"transport"`
	Path              string `json:"path,omitempty"`
	ClientCertificate string `json:"client_certificate"`
	CRL               bool   `json:"crl"`
	User              string `json:"user"`
	ClientID          string `json:"client_id"`
	TLSMin            string `json:"tls_min,omitempty"`
}

func listenerReports(model *channels.Deployment) []listenerReport {
	list := []listenerReport{}
	for i := range model.Listeners {
		l := &model.Listeners[i]
		user := string(l.Identity.User)
		if l.Identity.User == channels.UserFixed {
			user += ":" + l.Identity.FixedUser
		}
		list = append(list, listenerReport{
			Name: l.Name, Address: l.Address(), Transport: string(l.Transport), Path: l.Path, ClientCertificate: string(l.ClientCertificate),
			CRL: model.UsesCRL(l), User: user, ClientID: string(l.Identity.ClientID), TLSMin: l.TLS.Min,
		})
	}
	return list
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// problemReport is a problem of a model for machines.
type problemReport struct {
	Severity string `json:"severity"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Path     string `json:"path,omitempty"`
	Target   string `json:"target,omitempty"`
	Listener string `json:"listener,omitempty"`
	Property string `json:"property,omitempty"`
	Product  string `json:"product,omitempty"`
	Text     string `json:"text"`
	Source   string `json:"source,omitempty"`
	Accepted bool   `json:"accepted,omitempty"`
}

func problemReports(target string, problems []targets.Problem) []problemReport {
	list := []problemReport{}
	for _, p := range problems {
		list = append(list, problemReport{
			Severity: string(p.Severity), Line: p.Line, Column: p.Column, Path: p.Path, Target: target, Listener: p.Listener,
			Property: string(p.Property), Product: p.Product, Text: p.Text, Source: p.Source, Accepted: p.Accepted,
		})
	}
	return list
}

// modelProblems turns the model's own problems into those of a target, which say more.
func modelProblems(ps channels.Problems) []targets.Problem {
	var list []targets.Problem
	for _, p := range ps {
		list = append(list, targets.Problem{Problem: p})
	}
	return list
}

// printProblems writes one line a problem. Warnings that say the same of several listeners are one.
func printProblems(w io.Writer, problems []targets.Problem) {
	type fact struct{ product, text, source string }
	listeners := map[fact][]string{}
	for _, p := range problems {
		if p.Severity == channels.Warning && !p.Accepted {
			f := fact{p.Product, p.Text, p.Source}
			listeners[f] = append(listeners[f], p.Listener)
		}
	}
	for _, p := range problems {
		if p.Severity == channels.Warning && !p.Accepted {
			f := fact{p.Product, p.Text, p.Source}
			if listeners[f] == nil {
				continue // said with the first of them
			}
			p.Listener = strings.Join(listeners[f], ", ")
			delete(listeners, f)
		}
		_, _ = fmt.Fprintln(w, printable(p.String()))
	}
}

// completeTargets completes the names of targets.
func completeTargets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return registry.Names(), cobra.ShellCompDirectiveNoFileComp
}
