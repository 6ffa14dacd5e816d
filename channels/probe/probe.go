// Package probe proves a broker's listeners with real MQTT connections: the right clients get in and can talk to
// themselves, everybody else is refused, each for the reason that the case is about.
//
// What is to be expected is derived from the listener model alone, so that any broker that claims to run the model can
// be tried. The probe changes nothing that outlasts it: sessions are clean, nothing is retained, certificates live
// for minutes and their keys are never written.
//
// It trusts neither the broker nor what it sends: every step is bounded in time, and no answer is repeated unshortened.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// Kind is a certificate that a case needs.
type Kind string

// The kinds of certificate that [Material.Mint] makes.
const (
	KindClient      Kind = "client"        // right in everything
	KindExpired     Kind = "expired"       // notAfter lies in the past
	KindNotYetValid Kind = "not yet valid" // notBefore lies in the future
	KindServerRole  Kind = "server role"   // extendedKeyUsage serverAuth alone
)

// Client is somebody who may connect.
type Client struct {
	Certificate *tls.Certificate // nil for one who has a password only
	User        string           // for listeners with passwords
	Password    keystore.Secret
}

// Material is what the probe is given to connect with. Whatever is missing leaves out the cases that need it, and the
// results say so.
type Material struct {
	Roots   *x509.CertPool    // what clients trust
	Anchor  *x509.Certificate // one of Roots, whose name the stranger's CA takes
	Clients []Client          // existing clients with certificates, used where Mint is nil; two are enough
	Users   []Client          // password users; two are enough
	Revoked *tls.Certificate  // a certificate that stands on the live CRL

	// Mint makes a certificate of this PKI in memory, for minutes, under the given client name. It is nil where
	// the CA is locked.
	Mint func(ctx context.Context, kind Kind, name string) (tls.Certificate, error)
	// NoMint says why Mint is nil, for the results: "the CA's password was not given".
	NoMint string
}

// Options tunes a run. Now and Random must be set.
type Options struct {
	Host       string                                                    // dialled, and looked for in the server's certificate; "" is the listener's own address, or localhost
	ServerName string                                                    // looked for in the certificate in place of Host
	Timeout    time.Duration                                             // of each case; 0 is 10 s
	Now        func() time.Time                                          //
	Random     io.Reader                                                 // for names, topics and keys
	Progress   func(listener string, result Result)                      // called as each case ends, from several goroutines; may be nil
	Accepted   func(listener *channels.Listener, property string) string // why a property was given up at a listener ("" where it was not); may be nil
}

// Result is one case at one listener.
type Result struct {
	Case     string        // stable, lower case: "expired certificate"
	Expected string        // "in" or "refused"
	Got      string        // what happened, in a few words
	Cause    string        // why a connection ended, one of the Cause constants; "" where it did not
	OK       bool          // as it should be; true for what was left out
	LeftOut  string        // why the case was not run, "" when it was
	Took     time.Duration //
}

// ListenerResult is every case at one listener.
type ListenerResult struct {
	Name    string
	Address string
	Results []Result
}

// OK reports whether every case was as it should be.
func (r ListenerResult) OK() bool {
	for _, c := range r.Results {
		if !c.OK {
			return false
		}
	}
	return true
}

// prober is one run.
type prober struct {
	Material
	Options
	d      *channels.Deployment
	access *channels.Access
}

// defaultTimeout of a case.
const defaultTimeout = 10 * time.Second

// Run tries every listener of d and returns the results in the order of the model. An error means that the run itself
// could not go on (ctx ended, a certificate could not be made); a case that went wrong is a result, not an error.
func Run(ctx context.Context, d *channels.Deployment, m Material, o Options) ([]ListenerResult, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	p := &prober{m, o, d, channels.NewAccess(d.Access)}
	shared, err := p.certificates(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]ListenerResult, len(d.Listeners))
	errs := make([]error, len(d.Listeners))
	var group sync.WaitGroup
	for i := range d.Listeners {
		try := func() { all[i], errs[i] = p.listener(ctx, &d.Listeners[i], i, shared) }
		if p.oneAtATime() {
			try()
			continue
		}
		group.Go(try)
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return all, ctx.Err()
}

// tries is how often a case is run whose connection the broker ended without saying why. Some brokers never say; but
// Mosquitto 2.0.11 also does that to any client whose TLS it reads next after another client's handshake has failed
// (OpenSSL's error queue is not cleared), and failed handshakes are what the probe makes all the time.
const tries = 3

// try runs one case, again where all that came was an end. Whoever is let in at any try was let in.
func (p *prober) try(ctx context.Context, c attempt) (got, cause string, ok bool) {
	for n := 1; ; n++ {
		caseCtx, cancel := context.WithTimeout(ctx, p.Timeout)
		got, cause, ok = c.run(caseCtx)
		cancel()
		if cause != CauseClosed || n == tries || ctx.Err() != nil {
			return got, cause, ok
		}
	}
}

// oneAtATime reports whether the same client goes to several listeners under one client id, which can be live only once.
func (p *prober) oneAtATime() bool {
	for _, l := range p.d.Listeners {
		if l.Identity.ClientID == channels.ClientIDEqual && !l.Identity.User.FromCertificate() {
			return true
		}
	}
	return p.Mint == nil
}

// address is where to dial l, and the name its certificate is to bear.
func (p *prober) address(l *channels.Listener) (name, address string) {
	host := p.Host
	if host == "" {
		host = "localhost"
		if ip := net.ParseIP(l.Bind); ip != nil && !ip.IsUnspecified() {
			host = l.Bind
		}
	}
	name = host
	if p.ServerName != "" {
		name = p.ServerName
	}
	return name, net.JoinHostPort(host, strconv.Itoa(l.Port))
}

// listener runs every case at one listener; where nobody listens there is only that to say.
func (p *prober) listener(ctx context.Context, l *channels.Listener, index int, shared *shared) (ListenerResult, error) {
	_, address := p.address(l)
	r := ListenerResult{Name: l.Name, Address: address}
	cases := []attempt{p.reachable(l)}
	if conn, err := (&net.Dialer{Timeout: p.Timeout}).DialContext(ctx, "tcp", address); err == nil {
		_ = conn.Close()
		v, err := p.visit(ctx, l, index, shared)
		if err != nil {
			return r, fmt.Errorf("probing listener %q: %w", l.Name, err)
		}
		cases = v.cases()
	}
	for _, c := range cases {
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		result := Result{Case: c.name, Expected: c.expected, LeftOut: c.leftOut, OK: true}
		if c.leftOut == "" {
			start := p.Now()
			result.Got, result.Cause, result.OK = p.try(ctx, c)
			result.Took = p.Now().Sub(start)
		}
		r.Results = append(r.Results, result)
		if p.Progress != nil {
			p.Progress(l.Name, result)
		}
	}
	return r, nil
}
