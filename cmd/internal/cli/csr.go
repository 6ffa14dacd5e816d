package cli

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// newCSRCommand groups the two halves of the external CA's route.
func newCSRCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "csr",
		Short: "Have a certificate made by an external CA: the request out, the reply back in",
		Long: `The route without a CA of our own: ` + "`csr new`" + ` makes a key and a request in the PKI's folder, somebody else's CA answers
it, ` + "`csr import`" + ` matches the reply to the key and writes the files that the server or client needs. No init-ca is
needed, and the certificates do not stand in the inventory: their CA knows them.`,
		Example: `  mqttpki csr new mqtt.example.com --role server
  mqttpki csr import mqtt.example.com reply.p7b --role server --ca root.crt`,
	}
	c.AddCommand(newCSRNewCommand(d), newCSRImportCommand(d))
	return c
}

// csrNewOptions are the flags of `csr new`.
type csrNewOptions struct {
	*deps
	identityOptions
	Role     string
	Name     string
	KeyStore string // a file whose key is used instead of a new one
	Alias    string // of that key, where the file holds several
	InPass   passwordSource
	KeyPass  passwordSource
	Out      string
	Force    bool
}

func newCSRNewCommand(d *deps) *cobra.Command {
	o := &csrNewOptions{deps: d}
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key and a certificate request for an external CA",
		Example: `  mqttpki csr new mqtt.example.com --role server --subject "CN=mqtt.example.com, O=Example, C=DE"
  mqttpki csr new sensor-17 --key-store old.jks --in-pass file:old.pass`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return runCSRNew(o)
		},
	}
	o.identityOptions.flags(c)
	_ = c.Flags().MarkHidden("validity") // the CA decides it
	f := c.Flags()
	f.StringVar(&o.Role, "role", string(ca.RoleClient), "`ROLE`: server, client or bridge")
	f.StringVar(&o.KeyStore, "key-store", "", "use the key in `FILE` (PEM, PKCS12, JKS) instead of a new one")
	f.StringVar(&o.Alias, "alias", "", "`NAME` of the key in --key-store, where it holds several")
	f.Var(&o.InPass, "in-pass", "where the password of --key-store is kept")
	f.Var(&o.KeyPass, "key-pass", "where the password is kept that encrypts NAME.key (default: not encrypted)")
	f.StringVarP(&o.Out, "out", "o", "", "the request's `FILE` (default: NAME.csr beside the key)")
	f.BoolVarP(&o.Force, "force", "f", false, "replace what is there; an old private key is kept as a dated backup")
	completeFrom(c, "role", leafRoleNames()...)
	return c
}

func runCSRNew(o *csrNewOptions) error {
	role, err := ca.ParseRole(o.Role)
	if err != nil {
		return ofKind(errUsage, err)
	}
	req, err := o.request(o.deps, role, o.Name)
	if err != nil {
		return err
	}
	key, isNew, err := o.key()
	if err != nil {
		return err
	}
	der, notices, err := ca.NewCSR(req, key, o.random)
	if err != nil {
		return allowNameHint(err, req)
	}
	files := ca.FilesOf(role, o.Name)
	out := o.Out
	if out == "" {
		out = o.inPKI(files.CSR)
	}
	written := []safefile.File{{Path: out, Mode: safefile.ModePublic, Data: pemfile.EncodeRequest(der)}}
	if isNew {
		pass, err := o.keyPassword()
		if err != nil {
			return err
		}
		data, err := pemfile.EncodeKey(key, pass, 0, o.random)
		if err != nil {
			return err
		}
		written = append(written, safefile.File{Path: o.inPKI(files.Key), Secret: true, Data: data})
	}
	result, err := safefile.Commit(written, safefile.Options{Force: o.Force, Now: o.now})
	if err != nil {
		return err
	}
	o.notices(notices)
	o.backups(result.Backups)
	return o.printCSR(role, out, result)
}

// key makes a key, or takes the one of --key-store.
func (o *csrNewOptions) key() (key *keystore.PrivateKey, isNew bool, err error) {
	if o.KeyStore != "" {
		id, err := o.readKey(o.KeyStore, o.Alias, o.InPass)
		return id.Key, false, err
	}
	kind, err := ca.ParseKeyType(o.KeyType)
	if err != nil {
		return nil, false, err
	}
	o.notices(kind.Notices())
	key, err = kind.Generate(o.random)
	return key, true, err
}

// keyPassword is nil for a key that is to rest unencrypted.
func (o *csrNewOptions) keyPassword() (keystore.Secret, error) {
	if !o.KeyPass.given() {
		return nil, nil
	}
	pass, err := o.resolve(o.KeyPass, "the private key", true)
	if err == nil && pass.made {
		err = usagef("--key-pass random would be lost; name where it is kept: file:PATH or env:NAME")
	}
	return pass.secret, err
}

// csrReport is a new request, for machines.
type csrReport struct {
	Schema string   `json:"schema"`
	Role   ca.Role  `json:"role"`
	Name   string   `json:"name"`
	CSR    string   `json:"csr"`
	Files  []string `json:"files"`
}

func (o *csrNewOptions) printCSR(role ca.Role, out string, result safefile.Result) error {
	if o.json {
		return o.printJSON(csrReport{"mqttpki.csr-new/1", role, o.Name, out, result.Written})
	}
	o.print("%s %s: request %s; send it to the CA, then: mqttpki csr import%s --role %s %s REPLY", role, printable(o.Name), out,
		o.replyFlags(), role, printable(word(o.Name)))
	return nil
}

// replyFlags are what `csr import` needs to find the PKI and the key again.
func (o *csrNewOptions) replyFlags() string {
	flags := o.here()
	if o.KeyStore != "" {
		flags += " --key-store " + quoted(o.KeyStore)
	}
	if o.Alias != "" {
		flags += " --alias " + quoted(o.Alias)
	}
	return flags
}

// inPKI is where a path of the PKI's folder lies.
func (d *deps) inPKI(path string) string { return filepath.Join(d.pki, filepath.FromSlash(path)) }

// readKey reads one private key with its chain from a file of any format. Where it holds several, alias chooses.
func (d *deps) readKey(path, alias string, source passwordSource) (keystore.Identity, error) {
	var opts keystore.DecodeOptions
	if source.given() {
		pass, err := d.resolve(source, path, false)
		if err != nil {
			return keystore.Identity{}, err
		}
		opts.Password = pass.secret
	}
	store, err := readStore(path, opts)
	if err != nil {
		return keystore.Identity{}, withInPassHint(err)
	}
	var names []string
	var found []keystore.Identity
	for _, id := range store.Identities {
		names = append(names, fmt.Sprintf("%q", id.Alias))
		if alias == "" || strings.EqualFold(id.Alias, alias) { // Java's aliases do not tell case apart
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 0:
		return keystore.Identity{}, ofKind(errNotFound, fmt.Errorf("reading %q: no such key; it has %s", path, orNothing(names)))
	case len(found) > 1:
		return keystore.Identity{}, withHint(usagef("reading %q: it holds %d keys", path, len(found)), "choose one with --alias: %s", strings.Join(names, ", "))
	case found[0].Locked != nil:
		return keystore.Identity{}, withInPassHint(fmt.Errorf("reading %q: entry %q: %w", path, found[0].Alias, found[0].Locked))
	}
	return found[0], nil
}

// withInPassHint gives a wrong or missing password its flag.
func withInPassHint(err error) error {
	if errors.Is(err, keystore.ErrPassword) {
		return withHint(err, "name where the file's password is kept: --in-pass file:PATH")
	}
	return err
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// csrImportOptions are the flags of `csr import`.
type csrImportOptions struct {
	*deps
	Stores   storeOptions
	Role     string
	Name     string
	Reply    string
	CA       string // the external root, which this side is to trust
	KeyStore string
	Alias    string
	InPass   passwordSource
	Force    bool
}

func newCSRImportCommand(d *deps) *cobra.Command {
	o := &csrImportOptions{deps: d}
	c := &cobra.Command{
		Use:   "import NAME REPLY",
		Short: "Take in the external CA's reply: a leaf, a bundle or PKCS#7, in any order",
		Long: `Finds in the reply the certificate for the key of ` + "`csr new`" + `, puts its chain in order, and writes the files that the
server or client needs. A reply that is not for this key is refused. The root is trusted only when --ca names it; one
that merely came along with the reply is not.`,
		Example: `  mqttpki csr import mqtt.example.com reply.p7b --role server --ca root.crt`,
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name, o.Reply = args[0], args[1]
			return runCSRImport(c.Context(), o)
		},
	}
	o.Stores.flags(c, "")
	f := c.Flags()
	f.StringVar(&o.Role, "role", string(ca.RoleClient), "`ROLE`: server, client or bridge, as for csr new")
	f.StringVar(&o.CA, "ca", "", "what this side is to trust: `FILE` with the external CA's root")
	f.StringVar(&o.KeyStore, "key-store", "", "`FILE` that holds the key, if it is not the one of csr new")
	f.StringVar(&o.Alias, "alias", "", "`NAME` of the key in --key-store, where it holds several")
	f.Var(&o.InPass, "in-pass", "where the password of the key's file is kept")
	f.BoolVarP(&o.Force, "force", "f", false, "replace what is there; old stores are kept as dated backups")
	completeFrom(c, "role", leafRoleNames()...)
	return c
}

func runCSRImport(_ context.Context, o *csrImportOptions) error {
	role, err := ca.ParseRole(o.Role)
	if err != nil {
		return ofKind(errUsage, err)
	}
	files := ca.FilesOf(role, o.Name)
	keyFile := o.KeyStore
	if keyFile == "" {
		keyFile = o.inPKI(files.Key)
	}
	id, err := o.readKey(keyFile, o.Alias, o.InPass)
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(ofKind(errNotFound, err), "mqttpki csr new%s --role %s %s", o.here(), role, word(o.Name))
	}
	if err != nil {
		return err
	}
	reply, err := o.match(id.Key)
	if err != nil {
		return err
	}
	anchors, err := o.anchors()
	if err != nil {
		return err
	}
	if len(anchors) > 0 {
		if err := reply.CheckAnchors(anchors); err != nil {
			return withHint(fmt.Errorf("%s: %w", o.CA, err), "mqttpki inspect %s shows what it holds", quoted(o.CA))
		}
	}
	stores, err := o.Stores.resolve(o.deps, role, true)
	if err != nil {
		return err
	}
	id.Alias, id.Chain, id.Created = o.Name, reply.Chain, o.now()
	artifacts, err := stores.artifacts(files, id, anchors)
	if err != nil {
		return err
	}
	return o.commit(role, artifacts, stores, id, reply)
}

// match finds the certificate for the key in the reply.
func (o *csrImportOptions) match(key *keystore.PrivateKey) (*ca.Reply, error) {
	store, err := readStore(o.Reply, keystore.DecodeOptions{})
	if err != nil {
		return nil, err
	}
	public, err := publicOf(key)
	if err != nil {
		return nil, err
	}
	reply, err := ca.MatchReply(public, allCertificates(store), o.now())
	if err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", o.Reply, err), "mqttpki inspect %s shows what it holds", o.Reply)
	}
	if reply.Root != nil && o.CA == "" {
		reply.Notices = append(reply.Notices, ca.Notice{Code: "reply-root-not-trusted", Text: "the reply brought a root along, " +
			reply.Root.Subject() + "; if you know it, name its file with --ca to have it trusted"})
	}
	return reply, nil
}

func publicOf(key *keystore.PrivateKey) (crypto.PublicKey, error) {
	if key == nil || key.Signer == nil {
		return nil, fmt.Errorf("the key's algorithm: %w", keystore.ErrUnsupported)
	}
	return key.Signer.Public(), nil
}

// anchors reads what this side is to trust.
func (o *csrImportOptions) anchors() ([]keystore.Anchor, error) {
	if o.CA == "" {
		return nil, nil
	}
	store, err := readStore(o.CA, keystore.DecodeOptions{})
	if err != nil {
		return nil, err
	}
	var anchors []keystore.Anchor
	for i, c := range allCertificates(store) {
		alias := ca.AnchorAlias
		if i > 0 {
			alias = fmt.Sprintf("%s-%d", ca.AnchorAlias, i+1)
		}
		anchors = append(anchors, keystore.Anchor{Alias: alias, Certificate: c})
	}
	if len(anchors) == 0 {
		return nil, fmt.Errorf("reading %q: there is no certificate in it: %w", o.CA, keystore.ErrFormat)
	}
	return anchors, nil
}

// commit writes the files. The key that `csr new` wrote stays as it is.
func (o *csrImportOptions) commit(role ca.Role, artifacts []keystore.Artifact, stores *storeFiles, id keystore.Identity, reply *ca.Reply) error {
	files := ca.FilesOf(role, o.Name)
	kept := artifacts[:0]
	for _, a := range artifacts {
		if _, err := os.Lstat(o.inPKI(a.Path)); a.Path == files.Key && err == nil {
			continue
		}
		kept = append(kept, a)
	}
	list, err := safefile.FromArtifacts(o.pki, kept)
	if err != nil {
		return err
	}
	result, err := safefile.Commit(list, safefile.Options{Force: o.Force, Now: o.now})
	if err != nil {
		return err
	}
	product := &ca.Product{Role: role, Name: o.Name, Identity: id, Notices: reply.Notices, Backups: result.Backups}
	for _, a := range kept {
		product.Files = append(product.Files, a.Path)
	}
	stores.tellChanges()
	files.Key = "" // it is the key that the reply is for
	o.tellStale(product, files)
	if id.Chain[0].X509.NotAfter.Before(o.now().Add(24 * time.Hour)) {
		o.warn("the certificate is valid until %s only", id.Chain[0].X509.NotAfter.UTC().Format(time.RFC3339))
	}
	return o.printProduct("mqttpki.csr-import/1", product, stores, o.Stores.Runtime, "HOST")
}
