package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

// initOptions are the flags of `init-ca`.
type initOptions struct {
	*deps
	Subject        string
	IssuingSubject string
	RootOnly       bool
	KeyType        string
	RootKeyType    string
	Validity       lifetime // of the CA that signs servers and clients
	RootValidity   lifetime
	Backdate       time.Duration
	PathLength     int
	Permit         []string
	Exclude        []string
	CAPass         passwordSource
	RootPass       passwordSource
	Iterations     int
	Import         []string // files of an existing CA
	Alias          string
	InPass         passwordSource
	KeyPass        passwordSource // of the key in --import, where it has its own
	Force          bool
}

// newInitCACommand makes a PKI.
func newInitCACommand(d *deps) *cobra.Command {
	o := &initOptions{deps: d}
	c := &cobra.Command{
		Use:   "init-ca",
		Short: "Make the certificate authority: a root, and an issuing CA under it",
		Long: `Makes the PKI's folder: a root that servers and clients trust and an issuing CA that signs them (--root-only: one CA for
both), their first CRLs, and the inventory. CA keys rest encrypted (PKCS#8, PBES2, PBKDF2-HMAC-SHA256). Everything but
the root's own CRL works without root.key: move it to a safe place.

With --import an existing CA is taken over, from PEM, PKCS12 or JKS: one that signs by itself, or an intermediate whose
root comes along as a certificate. What it issued before is not in the inventory.`,
		Example: `  mqttpki init-ca --ca-pass prompt
  mqttpki init-ca --subject "CN=Plant CA, O=Example, C=DE" --ca-pass file:ca.pass --root-pass file:root.pass
  mqttpki init-ca --import old-ca.p12 --in-pass file:old.pass --ca-pass file:ca.pass`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runInit(c.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.Subject, "subject", "", "the CA's name `DN`, \"CN=a, O=b\" or \"/O=b/CN=a\"; all but the CN becomes the default of what it issues")
	f.StringVar(&o.IssuingSubject, "issuing-subject", "", "the issuing CA's name `DN` (default: the root's, with the word issuing)")
	f.BoolVar(&o.RootOnly, "root-only", false, "one CA that signs servers and clients itself")
	f.StringVar(&o.KeyType, "key-type", "", "`TYPE` of the CAs' keys, and the default of what they issue: "+strings.Join(keyTypeNames(), ", "))
	f.StringVar(&o.RootKeyType, "root-key-type", "", "`TYPE` of the root's key (default: --key-type)")
	f.Var(&o.Validity, "validity", "of the CA that signs servers and clients (default 5y; with --root-only 10y)")
	f.Var(&o.RootValidity, "root-validity", "of the root (default 10y)")
	f.DurationVar(&o.Backdate, "backdate", time.Hour, "how far the CAs' notBefore lies before now, at most 24h")
	f.IntVar(&o.PathLength, "path-length", 0, "number `N` of CAs that may stand below the one that signs servers and clients; -1: any number")
	f.StringArrayVar(&o.Permit, "permit", nil, "name `CONSTRAINT`: dns:DOMAIN, ip:NETWORK, email:DOMAIN or uri:DOMAIN that alone may be issued (repeatable)")
	f.StringArrayVar(&o.Exclude, "exclude", nil, "name `CONSTRAINT`: what may not be issued (repeatable)")
	caPassFlag(c, &o.CAPass)
	f.Lookup("ca-pass").Usage = "where the CAs' password is kept (default: asked for; random: made up, in ca/ca.pass; none: not encrypted)"
	rootPassFlag(c, &o.RootPass)
	f.IntVar(&o.Iterations, "iterations", 0, "number `N` of rounds of the key derivation on the CAs' keys, from 600000 on (default 600000)")
	f.StringArrayVar(&o.Import, "import", nil, "take over the CA in `FILE` (repeatable: key and certificates may lie in several)")
	f.StringVar(&o.Alias, "alias", "", "`NAME` of the key in --import, where it holds several")
	f.Var(&o.InPass, "in-pass", "where the password of --import is kept")
	f.Var(&o.KeyPass, "key-pass", "where the password of the key in --import is kept, if it has one of its own (JKS)")
	f.BoolVarP(&o.Force, "force", "f", false, "move an existing PKI to a dated backup beside it")
	c.MarkFlagsMutuallyExclusive("import", "subject")
	c.MarkFlagsMutuallyExclusive("import", "root-only")
	completeFrom(c, "key-type", keyTypeNames()...)
	completeFrom(c, "root-key-type", keyTypeNames()...)
	return c
}

// minIterations is the least for keys at rest: OWASP's recommendation of 2023 for PBKDF2-HMAC-SHA256.
const minIterations = 600_000

func runInit(ctx context.Context, o *initOptions) error {
	if most := keystore.DefaultLimits.Iterations; o.Iterations != 0 && (o.Iterations < minIterations || o.Iterations > most) {
		return usagef("--iterations is from %d to %d", minIterations, most)
	}
	if o.PathLength < -1 {
		return usagef("--path-length is a number of CAs, or -1 for any number")
	}
	if len(o.Import) > 0 {
		return runImport(ctx, o)
	}
	req, err := o.initRequest()
	if err != nil {
		return err
	}
	secrets, err := o.secrets()
	if err != nil {
		return err
	}
	req.Root.Password, req.Issuing.Password = secrets.root.secret, secrets.issuing.secret
	req.Extra = append(secrets.artifacts(), o.settingsFile(withoutCN(req.Subject)))
	result, err := ca.Init(ctx, o.pki, req, ca.Options{Now: o.now, Random: o.random})
	if err != nil {
		return o.folderTaken(err)
	}
	return o.printInit(result, secrets)
}

// initRequest is what the flags ask for, but for passwords.
func (o *initOptions) initRequest() (ca.InitRequest, error) {
	req := ca.InitRequest{
		RootOnly: o.RootOnly, Backdate: o.Backdate, PathLength: o.PathLength, Iterations: o.Iterations, Force: o.Force,
	}
	if o.Backdate == 0 {
		req.Backdate = -1 // asked for: not at all
	}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	var err error
	req.Subject, err = parseSubject(o.Subject)
	note(err)
	req.Issuing.Subject, err = parseSubject(o.IssuingSubject)
	note(err)
	req.Issuing.KeyType, err = ca.ParseKeyType(o.KeyType)
	note(err)
	req.Root.KeyType = req.Issuing.KeyType
	if o.RootKeyType != "" {
		req.Root.KeyType, err = ca.ParseKeyType(o.RootKeyType)
		note(err)
	}
	req.Issuing.Validity, err = o.Validity.from(o.now())
	note(err)
	req.Root.Validity, err = o.RootValidity.from(o.now())
	note(err)
	if o.RootOnly && req.Root.Validity == 0 {
		req.Root.Validity = req.Issuing.Validity
	}
	for _, text := range o.Permit {
		note(req.Constraints.ParseConstraint(text, false))
	}
	for _, text := range o.Exclude {
		note(req.Constraints.ParseConstraint(text, true))
	}
	return req, errors.Join(errs...)
}

// caSecrets are the CAs' passwords.
type caSecrets struct {
	issuing, root password
}

// secrets reads the CAs' passwords.
func (o *initOptions) secrets() (caSecrets, error) {
	var s caSecrets
	var err error
	if !o.CAPass.given() && !o.canAsk() {
		return s, withHint(usagef("a password is needed for the CA's keys, and there is no terminal to ask on"),
			"--ca-pass file:PATH names where it is kept; --ca-pass random makes one up")
	}
	if s.issuing, err = o.resolve(o.CAPass.or(passwordSource{kind: sourcePrompt}), "the CA's keys", true); err != nil {
		return s, err
	}
	s.root = password{secret: s.issuing.secret}
	if o.RootPass.given() {
		s.root, err = o.resolve(o.RootPass, "the root's key", true)
	}
	return s, err
}

// artifacts are the files of passwords that were made up.
func (s caSecrets) artifacts() []keystore.Artifact {
	var out []keystore.Artifact
	for _, p := range []struct {
		password
		path string
	}{{s.issuing, issuingPassPath}, {s.root, rootPassPath}} {
		if p.made {
			line := append(slices.Clone([]byte(p.secret)), '\n')
			out = append(out, keystore.Artifact{Path: p.path, Mode: 0o600, Secret: true, Data: line, Note: "the password of the CA's key"})
		}
	}
	return out
}

// settingsFile is the pki.yaml of the new PKI.
func (o *initOptions) settingsFile(subject keystore.Name) keystore.Artifact {
	kind, _ := ca.ParseKeyType(o.KeyType) // checked before
	return keystore.Artifact{Path: ca.SettingsPath, Mode: 0o644, Data: settingsText(subject, kind), Note: "settings"}
}

// withoutCN is what a CA's subject has in common with those it issues to: organization, country and the like.
func withoutCN(subject keystore.Name) keystore.Name {
	var base keystore.Name
	for _, rdn := range subject {
		personal := func(a keystore.Attribute) bool {
			return a.Type.Equal(keystore.OIDCommonName) || a.Type.Equal(keystore.OIDSerialNumber) || a.Type.Equal(keystore.OIDEmail)
		}
		if !slices.ContainsFunc(rdn, personal) {
			base = append(base, rdn)
		}
	}
	return base
}

// folderTaken hints at what to do about an existing PKI.
func (o *initOptions) folderTaken(err error) error {
	if outcomeOf(err).kind == keystore.ErrExists {
		return withHint(err, "name another folder with --pki, or repeat with --force; the old PKI is then kept as a dated backup")
	}
	return err
}

// runImport takes over an existing CA.
func runImport(ctx context.Context, o *initOptions) error {
	store, err := o.readImport()
	if err != nil {
		return err
	}
	secrets, err := o.secrets()
	if err != nil {
		return err
	}
	result, err := ca.Import(ctx, o.pki, ca.ImportRequest{
		Store: store, Alias: o.Alias, Password: secrets.issuing.secret, Iterations: o.Iterations, Force: o.Force,
		Extra: append(secrets.artifacts(), o.settingsFile(importedSubject(store))),
	}, ca.Options{Now: o.now, Random: o.random})
	if errors.Is(err, ca.ErrNotFound) {
		return withHint(err, "mqttpki inspect %s shows the keys; where it lies in a file of its own: --import KEY --import CERTIFICATE", quoted(o.Import[0]))
	}
	if err != nil {
		return withInPassHint(o.folderTaken(err))
	}
	return o.printInit(result, secrets)
}

// importedSubject is what the certificates of a CA that is taken over have in common with it, as with --subject.
func importedSubject(store *keystore.Store) keystore.Name {
	for _, c := range allCertificates(store) {
		if c.X509 == nil {
			continue
		}
		if name, err := keystore.ParseName(c.X509.RawSubject); err == nil {
			return withoutCN(name)
		}
	}
	return nil
}

// readImport merges the files of --import.
func (o *initOptions) readImport() (*keystore.Store, error) {
	var opts keystore.DecodeOptions
	if o.InPass.given() {
		pass, err := o.resolve(o.InPass, "the file of --import", false)
		if err != nil {
			return nil, err
		}
		opts.Password = pass.secret
	}
	if o.KeyPass.given() {
		pass, err := o.resolve(o.KeyPass, "the key of --import", false)
		if err != nil {
			return nil, err
		}
		opts.KeyPassword = pass.secret
	}
	merged := &keystore.Store{}
	for _, path := range o.Import {
		store, err := readStore(path, opts)
		if err != nil {
			return nil, withInPassHint(err)
		}
		merged.Identities = append(merged.Identities, store.Identities...)
		merged.Anchors = append(merged.Anchors, store.Anchors...)
		merged.Loose = append(merged.Loose, store.Loose...)
	}
	return merged, nil
}

// initReport is a new PKI, for machines.
type initReport struct {
	Schema  string         `json:"schema"`
	PKI     string         `json:"pki"`
	CAs     []caReport     `json:"authorities"`
	Files   []string       `json:"files"`
	Backup  string         `json:"backup,omitempty"` // the PKI that was there before
	Notices []noticeReport `json:"notices"`
}

// caReport is a CA that was made, for machines.
type caReport struct {
	Role      string    `json:"role"`
	Subject   string    `json:"subject"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
}

// printInit prints a line for each CA, and what to do next.
func (o *initOptions) printInit(result *ca.InitResult, secrets caSecrets) error {
	cas := []caReport{}
	for i, c := range []keystore.Certificate{{X509: result.Root}, {X509: result.Issuing}} {
		if c.X509 == nil {
			continue
		}
		cas = append(cas, caReport{
			Role: string([]ca.Role{ca.RoleRoot, ca.RoleIssuing}[i]), Subject: keystore.DistinguishedName(c.X509.RawSubject),
			Serial: c.X509.SerialNumber.Text(16), NotBefore: c.X509.NotBefore.UTC(), NotAfter: c.X509.NotAfter.UTC(), SHA256: fingerprint(c.X509.Raw),
		})
	}
	if o.json {
		return o.printJSON(initReport{"mqttpki.init-ca/1", o.pki, cas, result.Files, result.Backup, noticeReports(result.Notices)})
	}
	o.notices(result.Notices)
	if result.Backup != "" {
		o.notice("note: the old PKI is kept as %s", result.Backup)
	}
	for _, c := range cas {
		o.print("%s CA %s: valid until %s, serial %s, sha256 %s", c.Role, printable(c.Subject), c.NotAfter.Format(time.DateOnly), c.Serial, c.SHA256)
	}
	for _, a := range secrets.artifacts() {
		o.warn("the CA's password is in %s, beside the key it protects; move it to a safe place and name it with --ca-pass file:PATH",
			filepath.Join(o.pki, filepath.FromSlash(a.Path)))
	}
	if result.Issuing != nil && slices.Contains(result.Files, ca.RootKeyPath) {
		o.notice("note: %s is needed for `mqttpki crl --root` once a year only; move it to a safe place", o.inPKI(ca.RootKeyPath))
	}
	o.notice("note: next: mqttpki issue server %s", "mqtt.example.com"+o.here())
	return nil
}
