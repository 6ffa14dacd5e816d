package cli

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// The formats that an identity's files are written in.
const (
	formatPEM = "pem"
	formatP12 = "p12"
	formatJKS = "jks"
)

// storeOptions are the flags that say which files an identity gets, and under which passwords.
type storeOptions struct {
	Formats   []string       // --format
	Runtime   string         // --for: formats of a client runtime, and its settings printed
	StorePass passwordSource // of key stores; not given: made up
	KeyPass   passwordSource // of the key in PEM and JKS; not given: none in PEM, the store's in JKS
	TrustPass passwordSource // of truststores; not given: that of the key stores
	Profile12 string         // --p12-profile
}

// flags adds the flags. The role decides what --for takes; "" where it is not known yet.
func (o *storeOptions) flags(c *cobra.Command, role ca.Role) {
	f := c.Flags()
	f.StringSliceVar(&o.Formats, "format", nil, "`FORMATS` to write: pem, p12, jks (default pem; for clients pem,p12)")
	runtimes := runtimeNames(role)
	if role == "" {
		runtimes = append(runtimeNames(ca.RoleClient), runtimeNames(ca.RoleServer)...)
		slices.Sort(runtimes)
		runtimes = slices.Compact(runtimes)
	}
	f.StringVar(&o.Runtime, "for", "", "`TARGET` that it is for: writes the formats read there and prints the settings ("+strings.Join(runtimes, ", ")+")")
	f.Var(&o.StorePass, "store-pass", "where the stores' password is kept (default: a random one, in NAME.pass)")
	f.Var(&o.KeyPass, "key-pass", "where the password of the key itself is kept: encrypts NAME.key, and the key in NAME.jks")
	f.Var(&o.TrustPass, "trust-pass", "where the truststores' password is kept (default: the stores')")
	f.StringVar(&o.Profile12, "p12-profile", "", "PKCS12 encryption by `NAME`: modern (default), or legacy for readers before 2018")
	completeFrom(c, "format", formatPEM, formatP12, formatJKS)
	completeFrom(c, "for", runtimes...)
	completeFrom(c, "p12-profile", "modern", "legacy")
}

// storeFiles builds an identity's files: options with their passwords resolved.
type storeFiles struct {
	d         *deps
	formats   []string
	profile12 string
	store     password
	key       password
	trust     password
	changes   []keystore.Change // what a format could not carry as it is
}

// resolve decides the formats and reads the passwords, before anything is issued. Without a key (it is elsewhere) there
// can be no stores.
func (o *storeOptions) resolve(d *deps, role ca.Role, hasKey bool) (*storeFiles, error) {
	list, err := o.formatList(role, hasKey)
	if err != nil {
		return nil, err
	}
	if o.Profile12 != "" && o.Profile12 != "modern" && o.Profile12 != "legacy" {
		return nil, usagef("--p12-profile is modern or legacy, not %q", o.Profile12)
	}
	s := &storeFiles{d: d, formats: list, profile12: o.Profile12}
	if o.KeyPass.given() {
		if s.key, err = d.resolve(o.KeyPass, "the private key", true); err != nil {
			return nil, err
		}
		if s.key.made {
			return nil, usagef("--key-pass random would be lost; name where it is kept: file:PATH or env:NAME")
		}
	}
	if !s.has(formatP12) && !s.has(formatJKS) {
		return s, nil
	}
	if s.store, err = d.resolve(o.StorePass.or(passwordSource{kind: sourceRandom}), "the stores", true); err != nil {
		return nil, err
	}
	s.trust = password{secret: s.store.secret}
	if o.TrustPass.given() {
		if s.trust, err = d.resolve(o.TrustPass, "the truststores", true); err != nil {
			return nil, err
		}
		if s.trust.made {
			return nil, usagef("--trust-pass random would be lost; leave it out, or name where it is kept")
		}
	}
	if err := cmp.Or(needText(s.store.secret, o.StorePass, "the stores"), needText(s.trust.secret, o.TrustPass, "the truststores")); err != nil {
		return nil, err
	}
	if s.has(formatJKS) && (!s.store.secret.Given() || !s.trust.secret.Given()) {
		return nil, withHint(usagef("JKS cannot do without a password"), "--format pem,p12, or --store-pass random")
	}
	if s.has(formatP12) && !s.store.secret.Given() {
		d.warn("the PKCS12 stores are not encrypted: whoever reads the file has the key")
	}
	return s, nil
}

// formatList is what --format and --for ask for, without repetitions.
func (o *storeOptions) formatList(role ca.Role, hasKey bool) ([]string, error) {
	list := slices.Clone(o.Formats)
	if o.Runtime != "" {
		r, err := findRuntime(role, o.Runtime)
		if err != nil {
			return nil, err
		}
		list = append(list, r.formats...)
	}
	if len(list) == 0 {
		list = []string{formatPEM}
		if role == ca.RoleClient && hasKey {
			list = append(list, formatP12)
		}
	}
	for _, f := range list {
		switch {
		case f != formatPEM && f != formatP12 && f != formatJKS:
			return nil, withHint(usagef("there is no format %q to issue in", f), "--format pem,p12,jks")
		case f != formatPEM && !hasKey:
			return nil, usagef("a %s store needs the key, which is elsewhere; only pem can be written", f)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// passText says where the stores' password is, for settings.
func (s *storeFiles) passText(file string) string {
	if s.store.made {
		return "in " + file
	}
	return "the one you gave"
}

func (s *storeFiles) has(format string) bool { return slices.Contains(s.formats, format) }

// build is the ca.Build of an order.
func (s *storeFiles) build(p *ca.Product) ([]keystore.Artifact, error) {
	return s.artifacts(ca.FilesOf(p.Role, p.Name), p.Identity, p.Anchors)
}

// artifacts builds all files of an identity. Every store is read back before it is returned.
func (s *storeFiles) artifacts(files ca.Files, id keystore.Identity, anchors []keystore.Anchor) ([]keystore.Artifact, error) {
	var out []keystore.Artifact
	if s.has(formatPEM) {
		pem, err := s.pemFiles(files, id, anchors)
		if err != nil {
			return nil, err
		}
		out = append(out, pem...)
	}
	list := s.storesOf(files, id, anchors)
	var group errgroup.Group // deriving keys from passwords is nearly all the time that stores take
	for _, o := range list {
		group.Go(func() error { return s.encode(o) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, o := range list {
		out = append(out, o.artifact)
		s.changes = append(s.changes, o.changes...)
	}
	if s.store.made {
		line := append(slices.Clone([]byte(s.store.secret)), '\n')
		out = append(out, keystore.Artifact{Path: files.Pass, Mode: 0o600, Secret: true, Data: line, Note: "the stores' password"})
	}
	return out, nil
}

// pemFiles are leaf, chain, anchors and key.
func (s *storeFiles) pemFiles(files ca.Files, id keystore.Identity, anchors []keystore.Anchor) ([]keystore.Artifact, error) {
	out := []keystore.Artifact{
		{Path: files.Cert, Mode: 0o644, Data: pemfile.EncodeCertificates(id.Chain[0]), Note: "the certificate"},
		{Path: files.Chain, Mode: 0o644, Data: pemfile.EncodeCertificates(id.Chain...), Note: "certificate and intermediates, what TLS sends"},
	}
	if len(anchors) > 0 {
		var trusted []keystore.Certificate
		for _, a := range anchors {
			trusted = append(trusted, a.Certificate)
		}
		out = append(out, keystore.Artifact{Path: files.CA, Mode: 0o644, Data: pemfile.EncodeCertificates(trusted...), Note: "what to trust"})
	}
	if id.Key == nil {
		return out, nil
	}
	key, err := pemfile.EncodeKey(id.Key, s.key.secret, 0, s.d.random)
	if err != nil {
		return nil, err
	}
	return append(out, keystore.Artifact{Path: files.Key, Mode: 0o600, Secret: true, Data: key, Note: "the private key"}), nil
}

// issuedStore is one store on its way into a file.
type issuedStore struct {
	format   string
	store    *keystore.Store
	secret   keystore.Secret
	artifact keystore.Artifact // the file, without its bytes at first
	changes  []keystore.Change // names that the format spells otherwise, and what is to be known of the store
}

// storesOf are the stores of an identity: its key and chain, and what it is to trust, in every format asked for.
func (s *storeFiles) storesOf(files ca.Files, id keystore.Identity, anchors []keystore.Anchor) []*issuedStore {
	var list []*issuedStore
	for _, f := range []struct{ format, key, trust string }{
		{formatP12, files.P12, files.TrustP12}, {formatJKS, files.JKS, files.TrustJKS},
	} {
		if !s.has(f.format) {
			continue
		}
		list = append(list, &issuedStore{
			format: f.format, secret: s.store.secret, store: &keystore.Store{Identities: []keystore.Identity{id}},
			artifact: keystore.Artifact{Path: f.key, Mode: 0o600, Secret: true, Note: "key and chain"},
		})
		if len(anchors) > 0 {
			list = append(list, &issuedStore{
				format: f.format, secret: s.trust.secret, store: &keystore.Store{Anchors: anchors},
				artifact: keystore.Artifact{Path: f.trust, Mode: 0o644, Note: "what to trust"},
			})
		}
	}
	return list
}

// encode builds one store.
func (s *storeFiles) encode(o *issuedStore) error {
	codec, err := formats.ByName(o.format)
	if err != nil {
		return err
	}
	opts := keystore.EncodeOptions{Password: o.secret, Random: s.d.random, Now: s.d.now()}
	switch o.format {
	case formatP12:
		opts.Profile = s.profile12
	case formatJKS:
		if len(o.store.Identities) > 0 {
			opts.KeyPassword = s.key.secret
		}
	}
	fitted, changes, err := codec.Fit(o.store, opts)
	if err != nil {
		return err
	}
	for _, c := range changes {
		switch c.Kind {
		case keystore.ChangeLost:
			return fmt.Errorf("%w: %q: %s", convert.ErrLoss, c.Entry, c.Why)
		case keystore.ChangeRenamed:
			o.changes = append(o.changes, c)
		case keystore.ChangeNoted:
			if c.Entry == "" { // about the store itself, such as who can open it
				o.changes = append(o.changes, c)
			}
		}
	}
	o.artifact.Data, err = keystore.Build(codec, fitted, opts)
	return err
}

// tellChanges says which aliases a format spells otherwise, and what is to be known of a store.
func (s *storeFiles) tellChanges() {
	for i, c := range s.changes {
		if slices.Contains(s.changes[:i], c) {
			continue // the key store's and the truststore's
		}
		if c.Kind == keystore.ChangeNoted {
			s.d.notice("note: %s", c.Why)
			continue
		}
		s.d.notice("note: the alias %q is %q in the store: %s", c.Entry, c.To, c.Why)
	}
}

// existingFormats finds out in which formats an identity was written before.
func existingFormats(exists func(path string) bool, files ca.Files) []string {
	var found []string
	for _, f := range []struct{ format, path string }{{formatPEM, files.Key}, {formatP12, files.P12}, {formatJKS, files.JKS}} {
		if exists(f.path) {
			found = append(found, f.format)
		}
	}
	return found
}

// isThere reports whether a path of the PKI exists.
func (d *deps) isThere(path string) bool {
	_, err := os.Lstat(d.inPKI(path))
	return err == nil
}

// tellStale adds a notice of each key and store in the identity's folder that was not written now: they belong to a
// certificate from before.
func (d *deps) tellStale(p *ca.Product, files ca.Files) {
	for _, path := range []string{files.Key, files.P12, files.JKS} {
		if path != "" && !slices.Contains(p.Files, path) && d.isThere(path) {
			p.Notices = append(p.Notices, ca.Notice{Code: "stale-file", Warning: true,
				Text: d.inPKI(path) + " is from before and does not go with this certificate; move it away, or have it written anew with --format"})
		}
	}
}

// folderOf is where an identity's files lie, for people.
func (d *deps) folderOf(files ca.Files) string {
	return fmt.Sprintf("%s/%s", d.pki, path.Clean(files.Dir))
}
