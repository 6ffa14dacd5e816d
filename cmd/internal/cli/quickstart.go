package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/broker"
	"github.com/mqttpki/mqttpki/keystore"
)

// What lies in the folder of a quickstart, beside nothing else.
const (
	quickPKI    = "pki"
	quickCAPass = "ca.pass"
	quickUsers  = "users" // NAME.pass of the password users
	quickState  = "state" // sessions and retained messages, with --serve
)

// The clients and password users that a quickstart makes; two of each, so that one can try what is the other's.
var (
	quickClients   = []string{"sensor-1", "sensor-2"}
	quickUserNames = []string{"operator-1", "operator-2"}
)

// quickstartOptions are the flags of `quickstart`.
type quickstartOptions struct {
	*deps
	Dir   string
	Serve bool
}

func newQuickstartCommand(d *deps) *cobra.Command {
	o := &quickstartOptions{deps: d}
	c := &cobra.Command{
		Use:   "quickstart",
		Short: "The main job in one go: CA, server, clients, listeners, the bundled broker, and the proof",
		Long: `Makes a PKI in a folder: root and issuing CA, a certificate for this host, two clients, two password users and the
listener model; starts the bundled broker on loopback, tries every listener with right and wrong clients, and prints
who got in, who was refused and why. Nothing is left running.

Run again in the same folder, it makes what is missing and proves the rest again. Ports that are taken are replaced by
free ones. With --serve the broker stays up until it is interrupted.

Exit code 0 only if every line is as it should be, 3 if not, 6 for a folder that holds other things.`,
		Example: `  mqttpki quickstart --dir demo
  mqttpki quickstart --dir demo --serve`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runQuickstart(c.Context(), o) },
	}
	c.Flags().StringVar(&o.Dir, "dir", "mqttpki-demo", "the folder; made if it is not there")
	c.Flags().BoolVar(&o.Serve, "serve", false, "keep the broker up until interrupted")
	_ = c.MarkFlagDirname("dir")
	return c
}

func runQuickstart(ctx context.Context, o *quickstartOptions) error {
	if err := o.claim(); err != nil {
		return err
	}
	o.opened = openedKeys{}
	host := hostName()
	if err := o.makePKI(ctx, host); err != nil {
		return err
	}
	moved, err := o.makeModel(host)
	if err != nil {
		return err
	}
	x, err := o.loadDeployment("")
	if err != nil {
		return err
	}
	for _, m := range moved {
		o.notice("%s", m)
	}
	b, err := o.startBroker(ctx, x)
	if err != nil {
		return err
	}
	err = o.prove(ctx, x)
	o.opened = nil // a broker that stays up has no use for the CA's key
	if o.Serve && err == nil {
		err = o.serve(ctx, b)
	}
	return errors.Join(err, b.Close())
}

// claim makes the folder, or makes sure that it is one of ours.
func (o *quickstartOptions) claim() error {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return fmt.Errorf("reading the folder: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{quickPKI, quickCAPass, quickUsers, quickState}, e.Name()) {
			return withHint(ofKind(keystore.ErrExists, fmt.Errorf("the folder %s is not empty, and not a quickstart's: there is %s in it", o.Dir, e.Name())),
				"name another one: mqttpki quickstart --dir %s", o.Dir+"-2")
		}
	}
	o.pki = filepath.Join(o.Dir, quickPKI)
	return nil
}

// startTries bounds how often the broker is started anew when another program is quicker to take a port that was free.
const startTries = 5

// startBroker runs the bundled broker on the model, in this process, and on other ports where the model's are taken.
func (o *quickstartOptions) startBroker(ctx context.Context, x *deployment) (*broker.Broker, error) {
	options, err := o.brokerOptions(x)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		moved, err := o.freePorts(x.model)
		if err != nil {
			return nil, err
		}
		for _, m := range moved {
			o.notice("%s", m)
		}
		b, err := broker.New(x.model, x.brokerMaterial(), options)
		if err == nil {
			err = b.Start(ctx)
		}
		if err == nil || len(moved) == 0 && try > 1 || try == startTries {
			return b, err
		}
	}
}

// brokerOptions are those of a broker that is up for a moment, or with --serve of one that stays.
func (o *quickstartOptions) brokerOptions(x *deployment) (broker.Options, error) {
	options := broker.Options{Now: o.now, Random: o.random}
	if o.Serve {
		options.Logger = o.logger()
		options.StateDir = filepath.Join(o.Dir, quickState)
		if err := os.MkdirAll(options.StateDir, 0o700); err != nil {
			return options, err
		}
		options.Source = func() (*channels.Deployment, broker.Material, error) {
			fresh, err := o.loadDeployment(x.path)
			if err != nil {
				return nil, broker.Material{}, err
			}
			for i := range min(len(fresh.model.Listeners), len(x.model.Listeners)) {
				fresh.model.Listeners[i].Port = x.model.Listeners[i].Port // those that are really used
			}
			return fresh.model, fresh.brokerMaterial(), nil
		}
		options.Watch = x.files
	}
	return options, nil
}

// prove runs the verify matrix against the broker that has just been started, and prints how to connect.
func (o *quickstartOptions) prove(ctx context.Context, x *deployment) error {
	v := &verifyOptions{deps: o.deps, Timeout: 10 * time.Second}
	if err := v.CAPass.Set("file:" + filepath.Join(o.Dir, quickCAPass)); err != nil {
		return err
	}
	for _, name := range quickUserNames {
		v.Users = append(v.Users, name+"=file:"+filepath.Join(o.Dir, quickUsers, name+".pass"))
	}
	start := o.now()
	results, err := v.probe(ctx, x)
	if err != nil {
		return err
	}
	o.notice("  mqttpki %-70s %4d ms\n", "verify --ca-pass file:"+filepath.Join(o.Dir, quickCAPass), o.now().Sub(start).Milliseconds())
	if o.json {
		return errors.Join(o.printQuickstart(x, results), v.judge(results))
	}
	if err := v.matrix(results); err != nil {
		return err
	}
	if err := v.judge(results); err != nil {
		return err
	}
	o.printHowTo(x.model)
	return nil
}

// serve keeps the broker up until ctx ends, which is a person's Ctrl-C and no failure.
func (o *quickstartOptions) serve(ctx context.Context, b *broker.Broker) error {
	o.collectAt(garbageOfService)
	o.notice("\nThe broker is up. Ctrl-C stops it.")
	select {
	case <-ctx.Done():
	case <-b.Done():
	}
	return nil
}
