package cli

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/broker"
)

// statePath is where the bundled broker keeps sessions and retained messages, relative to the PKI.
const statePath = "broker/state"

// brokerRunOptions are the flags of `broker run`.
type brokerRunOptions struct {
	*deps
	Model   string // path of the model; "" is the PKI's
	State   string // folder; "" is statePath of the PKI
	NoState bool
	Origins []string
}

func newBrokerCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "broker",
		Short: "The bundled MQTT broker",
		Args:  cobra.NoArgs,
	}
	c.AddCommand(newBrokerRunCommand(d))
	return c
}

func newBrokerRunCommand(d *deps) *cobra.Command {
	o := &brokerRunOptions{deps: d}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the bundled broker on the listeners of channels.yaml",
		Long: `Runs the listeners of the model: MQTT 3.1, 3.1.1 and 5 over TCP, TLS, WebSocket and secure WebSocket; on the latter
there is a status page at /.

Certificates, CAs, CRLs, password users and access rules are read again when their files change, and on SIGHUP. A file
that cannot be used leaves everything as it was, and the log says why. A client that is revoked is sent away, and its
session, will and queue go. Listeners that are new, gone or moved wait for a restart.

Sessions that clients keep, their queues and retained messages are stored in --state; one broker at a time uses it.
The log goes to standard error, as JSON with --json. SIGTERM and Ctrl-C say goodbye to every client and end the
broker with exit code 0.`,
		Example: `  mqttpki broker run
  mqttpki broker run --pki /etc/mqttpki --state /var/lib/mqttpki --quiet
  kill -HUP $(pidof mqttpki)`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runBroker(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.Model, "model", "", "the listener model (default channels.yaml of the PKI)")
	f.StringVar(&o.State, "state", "", "the folder for sessions and retained messages (default "+statePath+" of the PKI)")
	f.BoolVar(&o.NoState, "no-state", false, "keep sessions and retained messages in memory only")
	f.StringSliceVar(&o.Origins, "allow-origin", nil, "origins of web pages elsewhere that may open WebSockets, such as https://app.example.com")
	c.MarkFlagsMutuallyExclusive("state", "no-state")
	_ = c.MarkFlagDirname("state")
	_ = c.MarkFlagFilename("model", "yaml", "yml")
	return c
}

func runBroker(ctx context.Context, o *brokerRunOptions) error {
	o.collectAt(garbageOfService)
	x, err := o.loadDeployment(o.Model)
	if err != nil {
		return err
	}
	for _, p := range x.model.Validate().Warnings() {
		if o.json { // a log, and no document at the end
			o.logger().Warn(p.Text, "model", x.path)
			continue
		}
		o.warn("%s: %s", x.path, p.Text)
	}
	options := broker.Options{Logger: o.logger(), Now: o.now, Random: o.random, Origins: o.Origins, Watch: x.files, Source: o.brokerSource(x.path)}
	if !o.NoState {
		options.StateDir = o.State
		if options.StateDir == "" {
			options.StateDir = filepath.Join(o.pki, filepath.FromSlash(statePath))
		}
	}
	b, err := broker.New(x.model, x.brokerMaterial(), options)
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before the start: a hangup that comes early must not end the process
	defer signal.Stop(hangup)
	if err := b.Start(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-hangup:
			_ = b.Reload() // which has logged why it refused
		case <-ctx.Done(): // a stop that was asked for is no failure
			return b.Close()
		case <-b.Done():
			return b.Close()
		}
	}
}

// brokerSource reads a deployment anew, for the broker to reload.
func (d *deps) brokerSource(model string) broker.Source {
	return func() (*channels.Deployment, broker.Material, error) {
		fresh, err := d.loadDeployment(model)
		if err != nil {
			return nil, broker.Material{}, err
		}
		return fresh.model, fresh.brokerMaterial(), nil
	}
}
