package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// selfSignOptions are the flags of `selfsign`.
type selfSignOptions struct {
	*deps
	identityOptions
	Stores storeOptions
	Role   ca.Role
	Name   string
	Peers  []string // names of the other side; none: all that are there
	Force  bool
}

// newSelfSignCommand makes `selfsign server|client NAME`.
func newSelfSignCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "selfsign",
		Short: "Make a self-signed certificate: the route without a CA, each side trusting the other's certificate",
		Long: `Makes a key and a certificate that no CA stands behind. Each side has to trust the other's certificate itself: a new
client trusts every self-signed server of the folder and is added to what they trust, and a new server the other way
round; --peer limits that to some. Each new client therefore changes the server's files, and nothing can be revoked but
by taking a certificate out again. For more than a handful of clients use init-ca and issue.`,
		Example: `  mqttpki selfsign server mqtt.example.com
  mqttpki selfsign client sensor-17`,
	}
	for _, role := range []ca.Role{ca.RoleServer, ca.RoleClient} {
		o := &selfSignOptions{deps: d, Role: role}
		sub := &cobra.Command{
			Use:     string(role) + " NAME",
			Short:   "A " + string(role) + " with a self-signed certificate",
			Example: "  mqttpki selfsign " + string(role) + " NAME --format pem,jks",
			Args:    cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				o.Name = args[0]
				return runSelfSign(o)
			},
		}
		o.identityOptions.flags(sub)
		o.Stores.flags(sub, role)
		f := sub.Flags()
		f.StringArrayVar(&o.Peers, "peer", nil, "`NAME` of a "+string(otherSide(role))+" of the folder to trust each other with (repeatable; default: all)")
		f.BoolVarP(&o.Force, "force", "f", false, "replace what is there; old keys and stores are kept as dated backups")
		c.AddCommand(sub)
	}
	return c
}

func otherSide(role ca.Role) ca.Role {
	if role == ca.RoleServer {
		return ca.RoleClient
	}
	return ca.RoleServer
}

func runSelfSign(o *selfSignOptions) error {
	req, err := o.request(o.deps, o.Role, o.Name)
	if err != nil {
		return err
	}
	kind, err := ca.ParseKeyType(o.KeyType)
	if err != nil {
		return err
	}
	stores, err := o.Stores.resolve(o.deps, o.Role, true)
	if err != nil {
		return err
	}
	peers, err := o.findPeers()
	if err != nil {
		return err
	}
	key, err := kind.Generate(o.random)
	if err != nil {
		return err
	}
	cert, notices, err := ca.SelfSign(ca.Profile{}, req, key, o.now(), o.random)
	if err != nil {
		return err
	}
	own := keystore.Certificate{Raw: cert.Raw, X509: cert}
	id := keystore.Identity{Alias: o.Name, Created: o.now(), Key: key, Chain: []keystore.Certificate{own}}
	var anchors []keystore.Anchor
	for _, p := range peers {
		anchors = append(anchors, keystore.Anchor{Alias: p.name, Certificate: p.cert})
	}
	artifacts, err := stores.artifacts(ca.FilesOf(o.Role, o.Name), id, anchors)
	if err != nil {
		return err
	}
	product := &ca.Product{Role: o.Role, Name: o.Name, Identity: id, Notices: append(notices, kind.Notices()...)}
	return o.commit(product, artifacts, peers, stores)
}

// commit writes the identity's files, and each peer's with its certificate added. All, or none.
func (o *selfSignOptions) commit(product *ca.Product, artifacts []keystore.Artifact, peers []peer, stores *storeFiles) error {
	files, err := safefile.FromArtifacts(o.pki, artifacts)
	if err != nil {
		return err
	}
	for i, f := range files {
		if _, err := os.Lstat(f.Path); err == nil && !o.Force {
			return fmt.Errorf("writing %q: %w", f.Path, keystore.ErrExists)
		}
		product.Files = append(product.Files, artifacts[i].Path)
	}
	for _, p := range peers {
		changed, err := o.trustIn(p, product)
		if err != nil {
			return err
		}
		files = append(files, changed...)
	}
	result, err := safefile.Commit(files, safefile.Options{Force: true, Now: o.now})
	if err != nil {
		return err
	}
	product.Backups = result.Backups
	stores.tellChanges()
	o.tellStale(product, ca.FilesOf(product.Role, product.Name))
	if len(peers) == 0 {
		product.Notices = append(product.Notices, ca.Notice{Code: "no-peer",
			Text: "it trusts nobody yet; mqttpki selfsign " + string(otherSide(o.Role)) + " NAME makes the other side"})
	}
	for _, p := range peers {
		product.Notices = append(product.Notices, ca.Notice{Code: "peer", Text: fmt.Sprintf("it and the %s %q trust each other", otherSide(o.Role), p.name)})
	}
	return o.printProduct("mqttpki.selfsign/1", product, stores, o.Stores.Runtime, "HOST")
}

// peer is a self-signed identity of the other side.
type peer struct {
	name  string
	files ca.Files
	cert  keystore.Certificate
}

// findPeers looks for the other side's self-signed certificates in the folder.
func (o *selfSignOptions) findPeers() ([]peer, error) {
	role := otherSide(o.Role)
	entries, err := os.ReadDir(o.inPKI(string(role)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var found []peer
	for _, e := range entries {
		name, err := url.PathUnescape(e.Name()) // as ca.FileName wrote it
		files := ca.FilesOf(role, name)
		if err != nil || files.Dir != path.Join(string(role), e.Name()) {
			continue // no folder of ours, or a name too long to be told from its folder
		}
		cert, err := o.selfSigned(files)
		if err != nil {
			return nil, err
		}
		if cert.X509 == nil || len(o.Peers) > 0 && !slices.Contains(o.Peers, name) {
			continue
		}
		found = append(found, peer{name, files, cert})
	}
	if len(found) < len(o.Peers) {
		return nil, withHint(ofKind(errNotFound, fmt.Errorf("not every --peer is a self-signed %s in %s", role, o.pki)),
			"mqttpki selfsign %s NAME", role)
	}
	return found, nil
}

// selfSigned reads an identity's certificate; the zero value when there is none, or a CA stands behind it.
func (o *selfSignOptions) selfSigned(files ca.Files) (keystore.Certificate, error) {
	data, err := safefile.Read(o.inPKI(files.Cert), maxPEMFile)
	if errors.Is(err, fs.ErrNotExist) {
		return keystore.Certificate{}, nil
	}
	if err != nil {
		return keystore.Certificate{}, err
	}
	certs, err := pemfile.ParseCertificates(data)
	if err != nil {
		return keystore.Certificate{}, fmt.Errorf("reading %q: %w", o.inPKI(files.Cert), err)
	}
	for _, c := range certs[:min(1, len(certs))] {
		if c.X509 != nil && c.X509.CheckSignature(c.X509.SignatureAlgorithm, c.X509.RawTBSCertificate, c.X509.Signature) == nil {
			return c, nil
		}
	}
	return keystore.Certificate{}, nil
}

// trustIn adds the new certificate to what a peer trusts, in every format the peer has. An older certificate of the
// same name is replaced.
func (o *selfSignOptions) trustIn(p peer, product *ca.Product) ([]safefile.File, error) {
	added := keystore.Anchor{Alias: product.Name, Created: o.now(), Certificate: product.Identity.Chain[0]}
	var out []safefile.File
	pass, _, passErr := readPassFile(o.inPKI(p.files.Pass))
	for _, f := range []struct{ format, trust, sibling string }{
		{formatPEM, p.files.CA, p.files.Cert}, {formatP12, p.files.TrustP12, p.files.P12}, {formatJKS, p.files.TrustJKS, p.files.JKS},
	} {
		if _, err := os.Lstat(o.inPKI(f.sibling)); err != nil {
			continue // the peer has not this format
		}
		if f.format != formatPEM && passErr != nil {
			product.Notices = append(product.Notices, ca.Notice{Code: "peer-store-closed", Warning: true, Text: fmt.Sprintf(
				"%s was not changed, as its password is not known: mqttpki convert --in %s --trust %s --out %[1]s --in-pass SOURCE --force",
				o.inPKI(f.trust), o.inPKI(f.trust), o.inPKI(ca.FilesOf(o.Role, o.Name).Cert))})
			continue
		}
		data, err := o.addTrust(f.format, o.inPKI(f.trust), pass, added)
		if err != nil {
			return nil, err
		}
		out = append(out, safefile.File{Path: o.inPKI(f.trust), Mode: safefile.ModePublic, Data: data})
	}
	return out, nil
}

// addTrust returns a truststore with one more entry.
func (o *selfSignOptions) addTrust(format, path string, pass keystore.Secret, added keystore.Anchor) ([]byte, error) {
	codec, err := formats.ByName(format)
	if err != nil {
		return nil, err
	}
	store := &keystore.Store{}
	data, err := safefile.Read(path, maxPEMFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if store, err = codec.Decode(data, keystore.DecodeOptions{Password: pass}); err != nil {
			return nil, fmt.Errorf("reading %q: %w", path, err)
		}
	}
	sameName := func(a keystore.Anchor) bool {
		return strings.EqualFold(a.Alias, added.Alias) || sameSubject(a.Certificate.X509, added.Certificate.X509)
	}
	anchors := append(slices.DeleteFunc(store.Anchors, sameName), added)
	if format == formatPEM {
		var certs []keystore.Certificate
		for _, a := range anchors {
			certs = append(certs, a.Certificate)
		}
		return pemfile.EncodeCertificates(certs...), nil
	}
	s := &storeFiles{d: o.deps, profile12: o.Stores.Profile12}
	trusted := &issuedStore{format: format, secret: pass, store: &keystore.Store{Anchors: anchors}}
	err = s.encode(trusted)
	return trusted.artifact.Data, err
}

func sameSubject(a, b *x509.Certificate) bool {
	return a != nil && b != nil && string(a.RawSubject) == string(b.RawSubject)
}
