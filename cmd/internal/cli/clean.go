package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// cleanOptions are the flags of `clean`.
type cleanOptions struct {
	*deps
	Yes bool
}

// newCleanCommand removes a PKI.
func newCleanCommand(d *deps) *cobra.Command {
	o := &cleanOptions{deps: d}
	c := &cobra.Command{
		Use:   "clean",
		Short: "Remove what the tool made in the PKI's folder, and only that; CA keys are kept as a backup",
		Long: `Lists the files that mqttpki made in the PKI's folder, asks, and removes them. Files it does not know stay where they
are. The CAs' keys and certificates and the inventory are not deleted but moved to a dated folder beside the PKI: without
them nothing that is in use could ever be revoked.`,
		Example: `  mqttpki clean --pki old-pki --yes`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runClean(c.Context(), o) },
	}
	c.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	return c
}

// cleaning is what is to become of the folder's files, relative paths in the system's spelling.
type cleaning struct {
	keep    []string // moved to the backup
	remove  []string
	foreign []string // not ours: left alone
}

func runClean(ctx context.Context, o *cleanOptions) (err error) {
	if _, err := os.Stat(o.pki); errors.Is(err, fs.ErrNotExist) {
		return ofKind(errNotFound, fmt.Errorf("cleaning %q: there is no such folder", o.pki))
	}
	names, err := o.identityFiles(ctx)
	if err != nil {
		return err
	}
	release, err := o.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { release(err == nil) }()
	todo, err := o.plan(names)
	if err != nil {
		return err
	}
	if len(todo.keep)+len(todo.remove) == 0 {
		return ofKind(errNotFound, fmt.Errorf("cleaning %q: nothing in it was made by mqttpki", o.pki))
	}
	if err := o.confirm(todo); err != nil {
		return err
	}
	return o.carryOut(todo)
}

// lock keeps other commands out. The lock's file goes when it is given back, and after a cleaning the folder with it, if
// nothing else is left there.
func (o *cleanOptions) lock(ctx context.Context) (release func(cleaned bool), err error) {
	path := filepath.Join(o.pki, cleanLock)
	held, err := safefile.Lock(ctx, path, 0)
	if err != nil {
		return nil, err
	}
	return func(cleaned bool) {
		_ = held.Release()
		_ = os.Remove(path)
		if cleaned {
			_ = os.Remove(o.pki) // fails where something is left, which is the point
		}
	}, nil
}

// identityFiles are the files that the inventory knows of, and the folders of identities. A PKI whose inventory cannot
// be read is cleaned of the fixed names only.
func (o *cleanOptions) identityFiles(ctx context.Context) (map[string]bool, error) {
	known := map[string]bool{}
	add := func(f ca.Files) {
		for _, p := range []string{f.Cert, f.Key, f.Chain, f.CA, f.P12, f.JKS, f.TrustP12, f.TrustJKS, f.Pass, f.CSR} {
			known[filepath.FromSlash(p)] = true
		}
	}
	add(ca.ProbeFiles())
	inv, err := inventory.Open(ctx, o.inPKI(ca.InventoryPath), inventory.Options{})
	if errors.Is(err, inventory.ErrNotFound) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	for e, err := range inv.List(ctx, inventory.Filter{}) {
		if err != nil {
			return nil, errors.Join(err, inv.Close())
		}
		if role := ca.Role(e.Role); !role.IsCA() {
			add(ca.FilesOf(role, e.Name))
		}
		for _, f := range e.Files {
			known[filepath.FromSlash(f)] = true
		}
	}
	return known, inv.Close()
}

// cleanLock is the file that commands lock while they write.
const cleanLock = ".lock"

// What clean knows beside identities, with forward slashes.
var (
	cleanKeep   = []string{ca.InventoryPath, ca.RootCertPath, ca.RootKeyPath, ca.IssuingCertPath, ca.IssuingKeyPath, issuingPassPath, rootPassPath}
	cleanRemove = []string{
		ca.SettingsPath, ca.TrustPath, ca.RootCRLPath, ca.IssuingCRLPath, ca.ChannelsPath, ca.UsersPath, ".journal",
		ca.InventoryPath + "-wal", ca.InventoryPath + "-shm",
	}
	// datedBackup is what safefile appends to a file that it keeps.
	datedBackup = regexp.MustCompile(`\.\d{8}T\d{6}Z(-\d+)?\.bak$`)
)

// isUserPass tells the passwords that `channels user add` made up.
func isUserPass(slashed string) bool {
	return strings.HasPrefix(slashed, "users/") && strings.HasSuffix(slashed, ".pass")
}

// plan sorts the folder's files.
func (o *cleanOptions) plan(identities map[string]bool) (cleaning, error) {
	var todo cleaning
	err := filepath.WalkDir(o.pki, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(o.pki, file)
		if err != nil {
			return err
		}
		plain := datedBackup.ReplaceAllString(rel, "")
		slashed := filepath.ToSlash(plain)
		switch {
		case slashed == cleanLock:
		case !d.Type().IsRegular():
			todo.foreign = append(todo.foreign, rel)
		case slices.Contains(cleanKeep, slashed):
			todo.keep = append(todo.keep, rel)
		case slices.Contains(cleanRemove, slashed), identities[plain], strings.HasPrefix(slashed, "broker/"), isUserPass(slashed):
			todo.remove = append(todo.remove, rel)
		default:
			todo.foreign = append(todo.foreign, rel)
		}
		return nil
	})
	if err != nil {
		return todo, fmt.Errorf("cleaning %q: %w", o.pki, err)
	}
	return todo, nil
}

// confirm lists what is to happen and asks.
func (o *cleanOptions) confirm(todo cleaning) error {
	for _, f := range todo.remove {
		o.detail("remove %s", filepath.Join(o.pki, f))
	}
	for _, f := range todo.foreign {
		o.notice("note: %s is not in the inventory and stays", filepath.Join(o.pki, f))
	}
	if o.Yes {
		return nil
	}
	question := fmt.Sprintf("Remove %d files from %s, and move its %d CA files to a backup?", len(todo.remove), o.pki, len(todo.keep))
	return o.ask(question)
}

// ask has a person confirm something; where there is nobody to ask it is an error that names --yes.
func (d *deps) ask(question string) error {
	if !d.isTerm {
		return withHint(usagef("%s there is no terminal to ask on", question), "repeat with --yes")
	}
	_, _ = fmt.Fprintf(d.err, "%s [y/N] ", question)
	line, err := bufio.NewReader(d.in).ReadString('\n')
	if err != nil && line == "" {
		return fmt.Errorf("asking: %w", err)
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("not confirmed; nothing was changed")
	}
	return nil
}

// cleanReport says what was done, for machines.
type cleanReport struct {
	Schema  string   `json:"schema"`
	Removed int      `json:"removed"`
	Kept    []string `json:"kept"`    // relative to the PKI, moved to the backup
	Foreign []string `json:"foreign"` // relative to the PKI, left alone
	Backup  string   `json:"backup,omitempty"`
}

// carryOut moves the CAs' files away first: should anything fail, the keys are safe and the command can be repeated.
func (o *cleanOptions) carryOut(todo cleaning) error {
	backup := ""
	if len(todo.keep) > 0 {
		backup = filepath.Clean(o.pki) + "-ca." + o.now().UTC().Format("20060102T150405Z") + ".bak"
		if err := os.Mkdir(backup, 0o700); err != nil {
			return fmt.Errorf("keeping the CA's keys: %w", err)
		}
		for _, f := range todo.keep {
			to := filepath.Join(backup, f)
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return fmt.Errorf("keeping the CA's keys: %w", err)
			}
			if err := os.Rename(filepath.Join(o.pki, f), to); err != nil {
				return fmt.Errorf("keeping the CA's keys: %w", err)
			}
		}
	}
	for _, f := range todo.remove {
		if err := os.Remove(filepath.Join(o.pki, f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cleaning %q: %w", o.pki, err)
		}
	}
	removeEmptyDirs(o.pki)
	if o.json {
		return o.printJSON(cleanReport{"mqttpki.clean/1", len(todo.remove), append([]string{}, todo.keep...), append([]string{}, todo.foreign...), backup})
	}
	o.print("%s: %d files removed", o.pki, len(todo.remove))
	if backup != "" {
		o.print("%s: the CA's keys and certificates, and the inventory", backup)
	}
	return nil
}

// removeEmptyDirs removes the folder with all folders in it that hold nothing any more, deepest first.
func removeEmptyDirs(dir string) {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		_ = os.Remove(d) // fails where something is left, which is the point
	}
}
