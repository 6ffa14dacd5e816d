package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// identityOptions are the flags that say what a new certificate is to be, whichever way it is made.
type identityOptions struct {
	SANs      []string
	KeyType   string
	Subject   string
	Validity  lifetime
	AllowName bool
}

func (o *identityOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.SANs, "san", nil, "an alternative `NAME`: dns:HOST, ip:ADDRESS, uri:URI, email:MAILBOX (repeatable; without it a server gets sensible ones)")
	f.StringVar(&o.KeyType, "key-type", "", "`TYPE` of the new key: "+strings.Join(keyTypeNames(), ", "))
	f.StringVar(&o.Subject, "subject", "", "the whole distinguished name `DN`, \"CN=a, O=b\" or \"/O=b/CN=a\" (default: the PKI's, and NAME as CN)")
	f.Var(&o.Validity, "validity", "how long it is valid, or until when")
	f.BoolVar(&o.AllowName, "allow-name", false, "accept a client name that some brokers read something into, and say which")
	completeFrom(c, "key-type", keyTypeNames()...)
}

// request is what the flags ask for.
func (o *identityOptions) request(d *deps, role ca.Role, name string) (ca.Request, error) {
	req := ca.Request{Role: role, Name: name, AllowName: o.AllowName}
	var err error
	if req.SANs, err = parseSANs(o.SANs); err != nil {
		return req, err
	}
	if req.Subject, err = parseSubject(o.Subject); err != nil {
		return req, err
	}
	req.Validity, err = o.Validity.from(d.now())
	return req, err
}

// issueOptions are the flags of `issue`.
type issueOptions struct {
	*deps
	identityOptions
	Stores  storeOptions
	Role    ca.Role
	Name    string
	CSR     string // a request made elsewhere, whose key is certified
	Profile string
	Host    string // of the broker, for the settings that --for prints
	CAPass  passwordSource
	Replace bool
}

// newIssueCommand makes `issue server|client|bridge NAME`.
func newIssueCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "issue",
		Short: "Issue a certificate with its key and store files",
		Long: `Issues a certificate from the PKI's issuing CA, with a new key, and writes the files that the server or client needs
to ROLE/NAME in the PKI. All of them are written, or none; the inventory knows the certificate before its files exist.`,
		Example: `  mqttpki issue server mqtt.example.com
  mqttpki issue client sensor-17 --format pem,p12,jks`,
	}
	for _, r := range []struct {
		role           ca.Role
		short, example string
	}{
		{ca.RoleServer, "A broker's listener: host names and addresses guessed from NAME unless --san says otherwise", `  mqttpki issue server mqtt.example.com
  mqttpki issue server broker --san dns:mqtt.example.com --san ip:192.0.2.7`},
		{ca.RoleClient, "An MQTT client: NAME becomes the user", `  mqttpki issue client sensor-17
  mqttpki issue client app --for paho-java --validity 90d`},
		{ca.RoleBridge, "A broker that also connects to another one as a client: NAME becomes the user there", `  mqttpki issue bridge edge-1 --san dns:edge-1.example.com`},
	} {
		o := &issueOptions{deps: d, Role: r.role}
		sub := &cobra.Command{
			Use:               string(r.role) + " NAME",
			Short:             r.short,
			Example:           r.example,
			Args:              cobra.ExactArgs(1),
			ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(c *cobra.Command, args []string) error {
				o.Name = args[0]
				return runIssue(c.Context(), o)
			},
		}
		o.identityOptions.flags(sub)
		o.Stores.flags(sub, r.role)
		caPassFlag(sub, &o.CAPass)
		f := sub.Flags()
		f.StringVar(&o.CSR, "csr", "", "certify the key of the request in `FILE` (PEM or DER) instead of making one; see also sign")
		f.StringVar(&o.Profile, "profile", "", "a profile of pki.yaml by `NAME`")
		f.StringVar(&o.Host, "host", "HOST", "the broker's `HOST` name, for the settings that --for prints")
		f.BoolVar(&o.Replace, "replace", false, "supersede the live certificate of this name; old keys and stores are kept as dated backups")
		f.BoolVarP(&o.Replace, "force", "f", false, "the same as --replace")
		c.AddCommand(sub)
	}
	return c
}

func runIssue(ctx context.Context, o *issueOptions) error {
	req, err := o.request(o.deps, o.Role, o.Name)
	if err != nil {
		return err
	}
	order := ca.Order{Request: req, Replace: o.Replace}
	var notices []ca.Notice
	if o.CSR != "" {
		if order.Request, notices, err = o.fromCSR(req); err != nil {
			return err
		}
	} else if order.KeyType, err = ca.ParseKeyType(o.KeyType); err != nil {
		return err
	} else if o.KeyType == "" {
		order.KeyType = "" // the profile's
	}
	if files := ca.FilesOf(o.Role, o.Name); o.Replace && o.CSR == "" && len(o.Stores.Formats) == 0 && o.Stores.Runtime == "" {
		// What lies there is replaced as well: a store left over would hold the old certificate, under a lost password.
		if list, err := o.Stores.formatList(o.Role, true); err == nil {
			o.Stores.Formats = append(list, existingFormats(o.isThere, files)...)
		}
	}
	stores, err := o.Stores.resolve(o.deps, o.Role, o.CSR == "")
	if err != nil {
		return err
	}
	order.Build = stores.build
	return o.withPKI(ctx, o.Profile, func(h *ca.Home) error {
		authority, err := o.unlock(h, o.CAPass)
		if err != nil {
			return err
		}
		product, err := h.Issue(ctx, authority, order)
		if err != nil {
			return o.nameHint(err)
		}
		product.Notices = append(notices, product.Notices...)
		stores.tellChanges()
		o.tellStale(product, ca.FilesOf(product.Role, product.Name))
		return o.printProduct("mqttpki.issue/1", product, stores, o.Stores.Runtime, o.Host)
	})
}

// nameHint says what to do about a name that was refused.
func (o *issueOptions) nameHint(err error) error {
	switch {
	case errors.Is(err, inventory.ErrCaseOnly):
		return withHint(err, "choose a name that differs in more than case")
	case errors.Is(err, inventory.ErrLive):
		return withHint(err, "mqttpki renew%s %s, or repeat with --replace", o.here(), word(o.Name))
	case errors.Is(err, keystore.ErrExists): // files of a certificate that is dead, and not renewed
		return withHint(err, "repeat with --replace; old keys and stores are kept as dated backups")
	}
	return allowNameHint(err, ca.Request{Role: o.Role, Name: o.Name, AllowName: o.AllowName})
}

// allowNameHint says what to do about a client's name that is refused only while nobody insists on it.
func allowNameHint(err error, req ca.Request) error {
	_, plain := ca.CheckClientName(req.Name, false)
	_, insisted := ca.CheckClientName(req.Name, true)
	if req.Role.ConnectsAsClient() && !req.AllowName && plain != nil && insisted == nil {
		return withHint(err, "--allow-name accepts it, and says which brokers it breaks")
	}
	return err
}

// fromCSR reads a request file; of what it asks for only the key counts.
func (o *issueOptions) fromCSR(req ca.Request) (ca.Request, []ca.Notice, error) {
	csr, err := readCSR(o.CSR)
	if err != nil {
		return req, nil, err
	}
	checked, notices, err := ca.FromCSR(csr, ca.RequestTerms{Role: req.Role, Name: req.Name, SANs: req.SANs, AllowName: req.AllowName})
	checked.Subject, checked.Validity = req.Subject, req.Validity
	return checked, notices, err
}

// productReport is an issued identity, for machines.
type productReport struct {
	Schema    string         `json:"schema"`
	Role      string         `json:"role"`
	Name      string         `json:"name"`
	Subject   string         `json:"subject"`
	Serial    string         `json:"serial"`
	SHA256    string         `json:"sha256"`
	NotBefore time.Time      `json:"not_before"`
	NotAfter  time.Time      `json:"not_after"`
	SANs      []string       `json:"sans"`
	Files     []string       `json:"files"`
	Backups   []backupReport `json:"backups"`
	Notices   []noticeReport `json:"notices"`
	Settings  string         `json:"settings,omitempty"` // for --for
}

type backupReport struct {
	Of   string `json:"of"`
	Path string `json:"path"`
}

type noticeReport struct {
	Code    string `json:"code"`
	Warning bool   `json:"warning"`
	Text    string `json:"text"`
}

// printProduct prints one line, or the report, and the settings of a runtime.
func (d *deps) printProduct(schema string, p *ca.Product, stores *storeFiles, runtime, host string) error {
	settings := ""
	if runtime != "" {
		r, err := findRuntime(p.Role, runtime)
		if err != nil {
			return err
		}
		files := ca.FilesOf(p.Role, p.Name)
		settings = r.text(runtimeValues{
			Dir: d.folderOf(files), File: ca.FileName(p.Name), Name: p.Name, Host: host,
			Topic: "devices/" + p.Name + "/up", Pass: stores.passText(d.pki + "/" + files.Pass),
		})
	}
	if d.json {
		report := newProductReport(schema, p)
		for i, f := range report.Files {
			report.Files[i] = filepath.Join(d.pki, filepath.FromSlash(f))
		}
		report.Settings = settings
		return d.printJSON(report)
	}
	d.notices(p.Notices)
	d.backups(p.Backups)
	cert := p.Certificate()
	d.print("%s %s: valid until %s, serial %s, in %s: %s", p.Role, printable(p.Name), cert.NotAfter.UTC().Format(time.DateOnly),
		cert.SerialNumber.Text(16), d.folderOf(ca.FilesOf(p.Role, p.Name)), baseNames(p.Files))
	if settings != "" {
		d.print("\n%s", settings)
	}
	return nil
}

// newProductReport fills in a report.
func newProductReport(schema string, p *ca.Product) productReport {
	cert := p.Certificate()
	r := productReport{
		Schema: schema, Role: string(p.Role), Name: p.Name, Subject: keystore.DistinguishedName(cert.RawSubject),
		Serial: cert.SerialNumber.Text(16), SHA256: fingerprint(cert.Raw), NotBefore: cert.NotBefore.UTC(),
		NotAfter: cert.NotAfter.UTC(), SANs: []string{}, Files: append([]string{}, p.Files...), Backups: []backupReport{},
		Notices: noticeReports(p.Notices),
	}
	for _, san := range ca.CertificateSANs(cert) {
		r.SANs = append(r.SANs, san.String())
	}
	for _, b := range p.Backups {
		r.Backups = append(r.Backups, backupReport{b.Of, b.Path})
	}
	return r
}

func noticeReports(list []ca.Notice) []noticeReport {
	out := []noticeReport{}
	for _, n := range list {
		out = append(out, noticeReport{n.Code, n.Warning, n.Text})
	}
	return out
}

// checkOut finds out, before anything is done, that the file of -o is in the way.
func checkOut(path string, force bool) error {
	if path == "" || force {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return withHint(fmt.Errorf("writing %q: %w", path, keystore.ErrExists), "repeat with --force, or name another file with -o")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeOut writes one file that is not the PKI's own, where -o said.
func (d *deps) writeOut(path string, data []byte, mode fs.FileMode, secret, force bool) error {
	result, err := safefile.Commit([]safefile.File{{Path: path, Mode: mode, Secret: secret, Data: data}},
		safefile.Options{Force: force, Now: d.now})
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	d.backups(result.Backups)
	return nil
}
