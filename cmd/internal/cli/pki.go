package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// Where `--ca-pass random` and `--root-pass random` keep what was made up, relative to the PKI.
const (
	issuingPassPath = "ca/ca.pass"
	rootPassPath    = "ca/root.pass"
)

// openPKI opens the PKI's folder under its settings. A profile named by --profile takes the place of its role's.
func (d *deps) openPKI(ctx context.Context, profile string) (*ca.Home, error) {
	settings, err := d.readSettings()
	if err != nil {
		return nil, err
	}
	if profile != "" {
		if err := settings.use(profile); err != nil {
			return nil, err
		}
	}
	h, err := ca.Open(ctx, d.pki, ca.Options{Now: d.now, Random: d.random, Settings: settings.Settings})
	if errors.Is(err, ca.ErrNotFound) {
		return nil, withHint(err, "mqttpki init-ca%s, or name another folder with --pki", d.here())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(err, "bring the file back from a backup")
	}
	return h, err
}

// withPKI runs f on the opened PKI and closes it.
func (d *deps) withPKI(ctx context.Context, profile string, f func(*ca.Home) error) error {
	h, err := d.openPKI(ctx, profile)
	if err != nil {
		return err
	}
	return errors.Join(f(h), h.Close())
}

// here is the flag that names this PKI in a command for a person to paste; "" where the command finds it without.
func (d *deps) here() string {
	if d.pki == d.defaultPKI {
		return ""
	}
	return " --pki " + quoted(d.pki)
}

// caPassFlag adds --ca-pass.
func caPassFlag(c *cobra.Command, source *passwordSource) {
	c.Flags().Var(source, "ca-pass", "where the issuing CA's password is kept (default: ca/ca.pass in the PKI, else asked for)")
}

// rootPassFlag adds --root-pass.
func rootPassFlag(c *cobra.Command, source *passwordSource) {
	c.Flags().Var(source, "root-pass", "where the root's password is kept (default: that of --ca-pass)")
}

// unlock opens the key that signs servers and clients.
func (d *deps) unlock(h *ca.Home, source passwordSource) (*ca.Authority, error) {
	if h.RootOnly() {
		return d.unlockKey(h, ca.RootKeyPath, issuingPassPath, "--ca-pass", source, h.Unlock)
	}
	return d.unlockKey(h, ca.IssuingKeyPath, issuingPassPath, "--ca-pass", source, h.Unlock)
}

// unlockRoot opens the root's key.
func (d *deps) unlockRoot(h *ca.Home, source passwordSource) (*ca.Authority, error) {
	pass := rootPassPath
	if _, _, err := readPassFile(h.Path(pass)); errors.Is(err, fs.ErrNotExist) {
		pass = issuingPassPath // one password for both
	}
	a, err := d.unlockKey(h, ca.RootKeyPath, pass, "--root-pass", source, h.UnlockRoot)
	if errors.Is(err, ca.ErrNotFound) {
		err = withHint(err, "the root's key was moved away; bring it back to %s for this command", h.Path(ca.RootKeyPath))
	}
	return a, err
}

// unlockKey finds out the password of one key: the source that was named, else none for a key that is not encrypted, else
// the file that `random` made, else the person.
func (d *deps) unlockKey(h *ca.Home, keyPath, passPath, flag string, source passwordSource,
	unlock func(keystore.Secret) (*ca.Authority, error)) (*ca.Authority, error) {
	if !source.given() {
		encrypted, err := isEncryptedKey(h.Path(keyPath))
		switch {
		case err == nil && !encrypted, errors.Is(err, fs.ErrNotExist):
			return unlock(nil) // which says what is missing
		case err != nil:
			return nil, fmt.Errorf("opening CA key: %w", err)
		}
		if source, err = d.defaultPass(h.Path(passPath), flag); err != nil {
			return nil, err
		}
	}
	if source.kind == sourceRandom {
		return nil, usagef("%s random would not open a key that is there already", flag)
	}
	pass, err := d.resolve(source, "the CA's key "+filepath.ToSlash(keyPath), false)
	if err != nil {
		return nil, withHint(err, "name where the CA's password is kept: %s file:PATH", flag)
	}
	a, err := d.opened.open(h.Path(keyPath), pass.secret, unlock)
	if errors.Is(err, keystore.ErrPassword) {
		err = withHint(err, "name where the CA's password is kept: %s file:PATH", flag)
	}
	return a, err
}

// defaultPass is the source of a CA's password that nobody named: the file that --ca-pass random made, else the person.
func (d *deps) defaultPass(file, flag string) (passwordSource, error) {
	if _, _, err := readPassFile(file); err == nil {
		return passwordSource{kind: sourceFile, arg: file}, nil
	}
	if !d.canAsk() {
		return passwordSource{}, withHint(usagef("the CA's key is encrypted, and there is no terminal to ask for its password on"),
			"name where the CA's password is kept: %s file:PATH", flag)
	}
	return passwordSource{kind: sourcePrompt}, nil
}

// isEncryptedKey looks at a key's PEM label (RFC 7468 section 11).
func isEncryptedKey(path string) (bool, error) {
	data, err := safefile.Read(path, maxPEMFile)
	return bytes.Contains(data, []byte("BEGIN ENCRYPTED PRIVATE KEY")), err
}

// notices passes on what a library wants the person to know.
func (d *deps) notices(list []ca.Notice) {
	for i, n := range list {
		if slices.Contains(list[:i], n) {
			continue // the root's and the issuing CA's
		}
		if n.Warning {
			d.warn("%s", n.Text)
		} else {
			d.notice("note: %s", n.Text)
		}
	}
}

// backups says which old files were kept.
func (d *deps) backups(list []safefile.Backup) {
	names := map[string][]string{}
	var dirs []string
	for _, b := range list {
		dir := filepath.Dir(b.Path)
		if names[dir] == nil {
			dirs = append(dirs, dir)
		}
		names[dir] = append(names[dir], b.Path)
	}
	for _, dir := range dirs {
		d.notice("note: what was replaced is kept in %s: %s", dir, baseNames(names[dir]))
	}
}

// completeNames completes identities from the inventory; what cannot be read completes nothing.
func (d *deps) completeNames(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	inv, err := inventory.Open(c.Context(), filepath.Join(d.pki, ca.InventoryPath), inventory.Options{BusyTimeout: time.Second})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer inv.Close()
	var names []string
	for e, err := range inv.List(c.Context(), inventory.Filter{States: []inventory.State{inventory.Issued}, Now: d.now()}) {
		if err == nil && !ca.Role(e.Role).IsCA() && e.Note == "" {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// completeFrom completes a flag from a fixed list.
func completeFrom(c *cobra.Command, flag string, list ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp))
}

// parseSANs reads --san flags; nil when there are none.
func parseSANs(texts []string) ([]ca.SAN, error) {
	var sans []ca.SAN
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			san, err := ca.ParseSAN(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			sans = append(sans, san)
		}
	}
	return sans, nil
}

// parseSubject reads a --subject flag; nil for "".
func parseSubject(text string) (keystore.Name, error) {
	if text == "" {
		return nil, nil
	}
	return ca.ParseDN(text)
}

// keyTypeNames are what --key-type takes.
func keyTypeNames() []string {
	var names []string
	for _, k := range ca.KeyTypes() {
		names = append(names, string(k))
	}
	return names
}

// rolesOf reads a --role flag that narrows a search; without it every role is searched.
func rolesOf(text string) ([]ca.Role, error) {
	if text == "" {
		return nil, nil
	}
	role, err := ca.ParseRole(text)
	if err != nil {
		return nil, ofKind(errUsage, err)
	}
	return []ca.Role{role}, nil
}

// leafRoleNames are what --role takes where certificates are issued.
func leafRoleNames() []string {
	var names []string
	for _, r := range ca.LeafRoles() {
		names = append(names, string(r))
	}
	return names
}

// plainWord is what no shell reads anything into.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*$`)

// word spells a name for a command line that a person may paste: hints are made of names that others chose.
func word(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	if strings.HasPrefix(name, "-") {
		return "-- " + quoted(name)
	}
	return quoted(name)
}

// quoted spells a name as the value of a flag, behind an equals sign.
func quoted(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// baseNames are the file names of paths that lie in one folder.
func baseNames(paths []string) string {
	var names []string
	for _, p := range paths {
		names = append(names, path.Base(filepath.ToSlash(p)))
	}
	return strings.Join(names, ", ")
}
