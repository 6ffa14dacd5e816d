package cli

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

// renewOptions are the flags of `renew`.
type renewOptions struct {
	*deps
	Stores   storeOptions
	Name     string
	Role     string
	ReuseKey bool
	InPass   passwordSource // of the old key, with --reuse-key
	KeyType  string
	SANs     []string
	Validity lifetime
	Profile  string
	CAPass   passwordSource
}

// newRenewCommand issues an identity again.
func newRenewCommand(d *deps) *cobra.Command {
	o := &renewOptions{deps: d}
	c := &cobra.Command{
		Use:   "renew NAME",
		Short: "Issue an identity again: the same name and alternative names, a new certificate, a new key",
		Long: `Issues a certificate for the role, name, subject and alternative names of the last one, and writes the same formats
again; old keys and stores are kept as dated backups. The old certificate is superseded: it stays valid until it
expires, so that nothing breaks while the new one is rolled out; revoke it by its serial if it must not be.`,
		Example: `  mqttpki renew sensor-17
  mqttpki renew mqtt.example.com --reuse-key`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.completeNames,
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return runRenew(c.Context(), o)
		},
	}
	o.Stores.flags(c, "")
	c.Flags().Lookup("format").Usage = "`FORMATS` to write: pem, p12, jks (default: those that are there)"
	caPassFlag(c, &o.CAPass)
	f := c.Flags()
	f.StringVar(&o.Role, "role", "", "`ROLE`: server, client or bridge, where several have the name")
	f.BoolVar(&o.ReuseKey, "reuse-key", false, "certify the old key again; for devices that cannot be given a new one")
	f.Var(&o.InPass, "in-pass", "where the old key's password is kept, with --reuse-key")
	f.StringVar(&o.KeyType, "key-type", "", "`TYPE` of the new key (default: that of the old one)")
	f.StringArrayVar(&o.SANs, "san", nil, "alternative `NAME` instead of the old ones (repeatable)")
	f.Var(&o.Validity, "validity", "how long it is valid, or until when")
	f.StringVar(&o.Profile, "profile", "", "a profile of pki.yaml by `NAME`")
	completeFrom(c, "key-type", keyTypeNames()...)
	completeFrom(c, "role", leafRoleNames()...)
	return c
}

func runRenew(ctx context.Context, o *renewOptions) error {
	roles, err := rolesOf(o.Role)
	if err != nil {
		return err
	}
	if o.ReuseKey && o.KeyType != "" {
		return usagef("--reuse-key keeps the key; --key-type asks for another one")
	}
	return o.withPKI(ctx, o.Profile, func(h *ca.Home) error {
		order, old, err := h.Renewal(ctx, o.Name, roles...)
		if err != nil {
			return err
		}
		if ca.Role(order.Role).IsCA() {
			return withHint(usagef("%q is a CA; a CA is not renewed like a leaf", o.Name), "mqttpki init-ca makes another one")
		}
		if err := o.adapt(h, &order, old.PublicKey); err != nil {
			return err
		}
		stores, err := o.Stores.resolve(o.deps, order.Role, order.PublicKey == nil)
		if err != nil {
			return err
		}
		order.Build = stores.build
		authority, err := o.unlock(h, o.CAPass)
		if err != nil {
			return err
		}
		product, err := h.Issue(ctx, authority, order)
		if err != nil {
			return err
		}
		stores.tellChanges()
		o.tellStale(product, ca.FilesOf(product.Role, product.Name))
		return o.printProduct("mqttpki.renew/1", product, stores, o.Stores.Runtime, "HOST")
	})
}

// adapt changes the order as the flags say: key, names, validity and files.
func (o *renewOptions) adapt(h *ca.Home, order *ca.Order, oldPublic crypto.PublicKey) error {
	files := ca.FilesOf(order.Role, order.Name)
	there := existingFormats(o.isThere, files)
	switch {
	case o.ReuseKey:
		if err := o.reuse(order, files, oldPublic); err != nil {
			return err
		}
	case len(there) == 0 && o.isThere(files.Cert) && len(o.Stores.Formats) == 0:
		// A certificate without a key beside it was made for a request: renewing it with a key of ours would lock the
		// device out.
		return withHint(ofKind(errUsage, fmt.Errorf("renewing %q: its key is elsewhere", order.Name)),
			"--reuse-key certifies the same key again, or sign a new request: mqttpki sign CSR --role %s --name=%s --replace", order.Role, quoted(order.Name))
	}
	if len(o.Stores.Formats) == 0 && o.Stores.Runtime == "" {
		o.Stores.Formats = there
	}
	if err := o.keepProtection(h, files, o.isThere); err != nil {
		return err
	}
	if o.KeyType != "" {
		kind, err := ca.ParseKeyType(o.KeyType)
		if err != nil {
			return err
		}
		order.KeyType = kind
	}
	sans, err := parseSANs(o.SANs)
	if err != nil {
		return err
	}
	if sans != nil {
		order.SANs = sans
	}
	order.Validity, err = o.Validity.from(o.now())
	return err
}

// keepProtection sees to it that the new files are protected as the old ones were. A password that was made up stays, so
// that nothing has to be set up anew; one that a person gave has to be given again.
func (o *renewOptions) keepProtection(h *ca.Home, files ca.Files, exists func(string) bool) error {
	if exists(files.Key) && !o.Stores.KeyPass.given() {
		encrypted, err := isEncryptedKey(h.Path(files.Key))
		if err != nil {
			return err
		}
		if encrypted {
			return withHint(usagef("renewing %q: its key %s is encrypted", o.Name, h.Path(files.Key)),
				"--key-pass file:PATH names the password for the new one; --key-pass none leaves it unencrypted")
		}
	}
	switch {
	case o.Stores.StorePass.given():
	case exists(files.Pass):
		o.Stores.StorePass = passwordSource{kind: sourceFile, arg: h.Path(files.Pass)}
	case exists(files.P12), exists(files.JKS):
		return withHint(usagef("renewing %q: the password of its stores was given, not made up", o.Name),
			"--store-pass file:PATH names it; --store-pass random makes a new one up")
	}
	return nil
}

// reuse takes the old key from the PKI's files, or certifies it without having it.
func (o *renewOptions) reuse(order *ca.Order, files ca.Files, oldPublic crypto.PublicKey) error {
	id, err := o.oldKey(files)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.Stores.Formats = []string{formatPEM}
		order.PublicKey = oldPublic
		return nil
	case err != nil:
		return err
	}
	order.Key = id.Key
	public, err := publicOf(id.Key)
	if err != nil {
		return err
	}
	if same, ok := oldPublic.(interface{ Equal(crypto.PublicKey) bool }); ok && !same.Equal(public) {
		return fmt.Errorf("renewing %q: the key in %s is not the certificate's", order.Name, o.folderOf(files))
	}
	return nil
}

// oldKey reads the identity's key: with --in-pass from a file that is encrypted, else as `issue` left it.
func (o *renewOptions) oldKey(files ca.Files) (keystore.Identity, error) {
	if o.InPass.given() {
		for _, path := range []string{files.Key, files.P12, files.JKS} {
			if _, err := os.Lstat(o.inPKI(path)); err == nil {
				return o.readKey(o.inPKI(path), "", o.InPass)
			}
		}
	}
	id, _, err := readIdentity(o.pki, files)
	if err != nil && !strings.Contains(err.Error(), o.pki) {
		err = fmt.Errorf("reading the key in %s: %w", o.folderOf(files), err)
	}
	return id, withInPassHint(err)
}
