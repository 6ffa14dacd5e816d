package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/probe"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/registry"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// verifyOptions are the flags of `verify`.
type verifyOptions struct {
	*deps
	Target     string // "" judges by the model alone
	Model      string // path of the model; "" is the PKI's
	Listeners  []string
	Host       string
	ServerName string
	CAPass     passwordSource
	Clients    []string // existing clients, used where the CA is locked
	Users      []string // NAME=SOURCE
	Timeout    time.Duration
	JUnit      string
	AcceptLoss []string // LISTENER:PROPERTY
}

func newVerifyCommand(d *deps) *cobra.Command {
	o := &verifyOptions{deps: d}
	c := &cobra.Command{
		Use:   "verify [TARGET]",
		Short: "Prove by real connections that the right clients get in and the wrong ones do not",
		Long: `Connects to every listener of the model as the right client and as every wrong one, and prints what happened.

What is expected is derived from channels.yaml. Cases that need a certificate from this CA have it made in memory, for
minutes; it is recorded in the inventory and its key is never written. Without --ca-pass those cases are left out, and
the output says so; existing clients of the PKI stand in for the right ones (--client).

A TARGET (see channels emit) excuses the properties whose loss was accepted for it, and names them.

Exit code 3 when a line is not as it should be.`,
		Example: `  mqttpki verify --ca-pass file:ca.pass
  mqttpki verify mosquitto --host mqtt.example.com --ca-pass prompt --junit verify.xml
  mqttpki verify --listener SSLOPT --user alice=file:alice.pass --user bob=file:bob.pass`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Target = args[0]
			}
			return runVerify(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Model, "model", "", "the listener model (default channels.yaml of the PKI)")
	f.StringSliceVar(&o.Listeners, "listener", nil, "only these listeners")
	f.StringVar(&o.Host, "host", "", "the host to dial, whose name the server's certificate must bear (default: each listener's own address, or localhost)")
	f.StringVar(&o.ServerName, "server-name", "", "the name the certificate must bear, where it is not --host")
	f.Var(&o.CAPass, "ca-pass", "where the CA's password is kept")
	f.StringSliceVar(&o.Clients, "client", nil, "existing clients to connect as where the CA is locked (default: the PKI's first two)")
	f.StringArrayVar(&o.Users, "user", nil, "NAME=SOURCE: a password user and where the password is kept; two are best")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Second, "for each case")
	f.StringVar(&o.JUnit, "junit", "", "write the results to this file as JUnit XML, too")
	f.StringArrayVar(&o.AcceptLoss, "accept-loss", nil, "LISTENER:PROPERTY that was given up (crl, access, client_id); its case is left out")
	return c
}

func runVerify(ctx context.Context, o *verifyOptions) error {
	if o.Timeout <= 0 {
		return usagef("--timeout %s: a case needs some time", o.Timeout)
	}
	x, err := o.loadDeployment(o.Model)
	if err != nil {
		return err
	}
	if err := o.choose(x.model); err != nil {
		return err
	}
	results, err := o.probe(ctx, x)
	if err != nil {
		return err
	}
	if err := o.publish(results); err != nil {
		return err
	}
	return o.judge(results)
}

// probe tries every listener of a deployment.
func (o *verifyOptions) probe(ctx context.Context, x *deployment) ([]probe.ListenerResult, error) {
	excused, err := o.excused(x.model)
	if err != nil {
		return nil, err
	}
	var results []probe.ListenerResult
	err = o.withPKI(ctx, "", func(home *ca.Home) error {
		material, err := o.material(ctx, home)
		if err != nil {
			return err
		}
		results, err = probe.Run(ctx, x.model, material, probe.Options{
			Host: o.Host, ServerName: o.ServerName, Timeout: o.Timeout, Now: o.now, Random: o.random, Accepted: excused,
			Progress: func(listener string, r probe.Result) { o.detail("%s: %s: %s", listener, r.Case, r.Got) },
		})
		return err
	})
	return results, err
}

// excused returns what a target is excused from proving, with the reason: losses accepted by name, and what it warns
// that it cannot do.
func (o *verifyOptions) excused(m *channels.Deployment) (func(*channels.Listener, string) string, error) {
	if o.Target == "" {
		if len(o.AcceptLoss) > 0 {
			return nil, usagef("--accept-loss goes with a TARGET: %s", strings.Join(registry.Names(), ", "))
		}
		return nil, nil
	}
	target, err := registry.Get(o.Target)
	if err != nil {
		return nil, usageError(err, "mqttpki channels emit --help")
	}
	model := targets.Model{Deployment: m}
	for _, text := range o.AcceptLoss {
		loss, err := targets.ParseLoss(text)
		if err != nil {
			return nil, usageError(err, "mqttpki verify --help")
		}
		model.Accept = append(model.Accept, loss)
	}
	problems := target.Check(model)
	return func(l *channels.Listener, property string) string {
		for _, p := range problems {
			// That ids cannot be owned is a warning, which has no property to be accepted.
			// That another id is replaced by the user's name is no excuse: it takes nothing from anybody, which can be tried.
			about := string(p.Property) == property || property == string(targets.ClientID) &&
				l.Identity.ClientID != channels.ClientIDEqual && strings.HasSuffix(p.Path, ".identity.client_id")
			if p.Severity == channels.Warning && about && (p.Listener == "" || p.Listener == l.Name) {
				return p.Product + ": " + p.Text
			}
		}
		return ""
	}, nil
}

// choose keeps the listeners asked for.
func (o *verifyOptions) choose(m *channels.Deployment) error {
	if len(o.Listeners) == 0 {
		return nil
	}
	for _, name := range o.Listeners {
		if !slices.ContainsFunc(m.Listeners, func(l channels.Listener) bool { return l.Name == name }) {
			return withHint(ofKind(errNotFound, fmt.Errorf("the model has no listener %q", name)), "mqttpki channels list")
		}
	}
	m.Listeners = slices.DeleteFunc(m.Listeners, func(l channels.Listener) bool { return !slices.Contains(o.Listeners, l.Name) })
	return nil
}

// material gathers what the probe connects with.
func (o *verifyOptions) material(ctx context.Context, home *ca.Home) (probe.Material, error) {
	m := probe.Material{Roots: x509.NewCertPool(), Anchor: home.Root(), NoMint: "the CA's password was not given (--ca-pass)"}
	m.Roots.AddCert(m.Anchor)
	var err error
	if m.Revoked, err = revokedProbe(o.pki); err != nil {
		return m, err
	}
	if m.Users, err = o.passwordUsers(); err != nil {
		return m, err
	}
	if o.CAPass.given() || o.opens(home) {
		authority, err := o.unlock(home, o.CAPass)
		if err != nil {
			return m, err
		}
		m.Mint = minter(home, authority, o.now)
		return m, nil
	}
	m.Clients, err = o.existingClients(ctx, home)
	return m, err
}

// opens reports whether the CA's key can be opened without asking anybody.
func (o *verifyOptions) opens(home *ca.Home) bool {
	key := ca.IssuingKeyPath
	if home.RootOnly() {
		key = ca.RootKeyPath
	}
	if encrypted, err := isEncryptedKey(home.Path(key)); err != nil || !encrypted {
		return err == nil
	}
	_, _, err := readPassFile(home.Path(issuingPassPath))
	return err == nil
}

// existingClients are clients of the PKI whose keys are at hand: those asked for, else the first two.
func (o *verifyOptions) existingClients(ctx context.Context, home *ca.Home) ([]probe.Client, error) {
	const wanted = 2
	names := o.Clients
	if len(names) == 0 {
		for e, err := range home.Inventory().List(ctx, inventory.Filter{Roles: []string{string(ca.RoleClient)}, States: []inventory.State{inventory.Issued}, Now: o.now()}) {
			if err != nil {
				return nil, err
			}
			if exists(home.Path(ca.FilesOf(ca.RoleClient, e.Name).Cert)) && e.Note == "" {
				names = append(names, e.Name)
			}
			if len(names) == wanted {
				break
			}
		}
	}
	var clients []probe.Client
	for _, name := range names {
		id, _, err := readIdentity(o.pki, ca.FilesOf(ca.RoleClient, name))
		if errors.Is(err, fs.ErrNotExist) && len(o.Clients) == 0 {
			continue // its key is elsewhere, which is nothing to complain of
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ofKind(errNotFound, fmt.Errorf("reading client %q: its key is not in the PKI", name))
		}
		if err != nil {
			return nil, fmt.Errorf("reading client %q: %w", name, err)
		}
		c := tlsCertificate(id)
		clients = append(clients, probe.Client{Certificate: &c})
	}
	return clients, nil
}

// Lifetimes of the probe's certificates: long enough for a run and for clocks that differ a little.
const (
	probeLife    = 15 * time.Minute
	probeExpired = 5 * time.Minute // how long ago the expired one ended
	probeFuture  = 24 * time.Hour  // how far ahead the other one begins
)

// minter makes the probe's certificates in memory.
func minter(home *ca.Home, authority *ca.Authority, now func() time.Time) func(context.Context, probe.Kind, string) (tls.Certificate, error) {
	return func(ctx context.Context, kind probe.Kind, name string) (tls.Certificate, error) {
		r := ca.Request{Role: ca.RoleClient, Name: name, NotBefore: now().Add(-time.Hour), NotAfter: now().Add(probeLife)}
		switch kind {
		case probe.KindExpired:
			r.NotAfter = now().Add(-probeExpired)
		case probe.KindNotYetValid:
			r.NotBefore, r.NotAfter = now().Add(probeFuture), now().Add(probeFuture+probeLife)
		case probe.KindServerRole:
			r.Role = ca.RoleServer
		}
		id, err := home.Mint(ctx, authority, r)
		if err != nil {
			return tls.Certificate{}, err
		}
		return tlsCertificate(id), nil
	}
}

// tlsCertificate is an identity as crypto/tls takes it.
func tlsCertificate(id keystore.Identity) tls.Certificate {
	c := tls.Certificate{PrivateKey: id.Key.Signer, Leaf: id.Chain[0].X509}
	for _, cert := range id.Chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c
}

// revokedProbe reads the identity that init-ca made and revoked; nil where there is none.
func revokedProbe(pki string) (*tls.Certificate, error) {
	id, _, err := readIdentity(pki, ca.ProbeFiles())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the revoked probe identity: %w", err)
	}
	c := tlsCertificate(id)
	return &c, nil
}

// passwordUsers resolves --user NAME=SOURCE.
func (o *verifyOptions) passwordUsers() ([]probe.Client, error) {
	var users []probe.Client
	for _, text := range o.Users {
		name, where, ok := strings.Cut(text, "=")
		var source passwordSource
		if !ok || name == "" {
			return nil, usagef("--user wants NAME=SOURCE")
		}
		if err := source.Set(where); err != nil {
			return nil, usagef("--user %s: %w", name, err)
		}
		secret, err := o.resolve(source, "the user "+name, false)
		if err != nil {
			return nil, err
		}
		users = append(users, probe.Client{User: name, Password: secret.secret})
	}
	return users, nil
}

// publish prints the results.
func (o *verifyOptions) publish(results []probe.ListenerResult) error {
	if o.JUnit != "" {
		var buf bytes.Buffer
		if err := writeJUnit(&buf, results); err != nil {
			return fmt.Errorf("writing the JUnit report: %w", err)
		}
		_, err := safefile.Commit([]safefile.File{{Path: o.JUnit, Data: buf.Bytes(), Mode: 0o644}}, safefile.Options{Now: o.now, Force: true})
		if err != nil {
			return fmt.Errorf("writing the JUnit report: %w", err)
		}
	}
	if o.json {
		return o.printJSON(newVerifyDoc(results))
	}
	return o.matrix(results)
}

// judge decides the exit code.
func (o *verifyOptions) judge(results []probe.ListenerResult) error {
	t := count(results)
	if t.failed > 0 {
		return withHint(foundf("%d of %d cases are not as they should be", t.failed, t.failed+t.ok),
			"the broker's own log has its side of each case; is it running on this model?")
	}
	if t.ok == 0 {
		return foundf("no case could be run: %d left out", t.leftOut)
	}
	return nil
}
