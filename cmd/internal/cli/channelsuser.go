package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// usersHeader begins a new password file.
const usersHeader = "# password users of the MQTT listeners: mqttpki channels user add NAME\n"

// usersLock is the file that is locked, in the folder of the password file.
const usersLock = ".lock"

// usersWait is how long a command waits for another one that changes the same file.
const usersWait = 10 * time.Second

// channelsUserOptions are the flags of `channels user ...`.
type channelsUserOptions struct {
	*deps
	Name       string
	Pass       passwordSource
	Iterations int
	Model      string
	Force      bool
}

// newChannelsUserCommand groups what is about password users.
func newChannelsUserCommand(d *deps) *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "The users of listeners where passwords are checked",
		Example: `  mqttpki channels user add alice --pass prompt
  mqttpki channels user remove alice`,
	}
	c.AddCommand(newUserAddCommand(d), newUserRemoveCommand(d), newUserListCommand(d))
	return c
}

func newUserAddCommand(d *deps) *cobra.Command {
	o := &channelsUserOptions{deps: d}
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user with a password, or change the password with --force",
		Long: `Adds a user to the model's password file, as a salted hash (PBKDF2-HMAC-SHA512, in mosquitto's form). Without --pass a
password is made up and kept in users/NAME.pass beside the password file, readable by you alone.`,
		Example: `  mqttpki channels user add alice --pass prompt
  mqttpki channels user add alice --pass file:alice.pass --force`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return runUserAdd(c.Context(), o)
		},
	}
	f := c.Flags()
	f.Var(&o.Pass, "pass", "where the password is kept (default: a random one, in users/NAME.pass)")
	f.IntVar(&o.Iterations, "iterations", channels.DefaultIterations, "rounds of the hash; fewer for a broker that many users connect to at once")
	f.BoolVarP(&o.Force, "force", "f", false, "change the password of a user that is there")
	modelFlag(c, &o.Model)
	return c
}

func newUserRemoveCommand(d *deps) *cobra.Command {
	o := &channelsUserOptions{deps: d}
	c := &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a user",
		Example: "  mqttpki channels user remove alice",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return runUserRemove(c.Context(), o)
		},
	}
	modelFlag(c, &o.Model)
	return c
}

func newUserListCommand(d *deps) *cobra.Command {
	o := &channelsUserOptions{deps: d}
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the users",
		Example: "  mqttpki channels user list",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := o.usersPath()
			if err != nil {
				return err
			}
			users, err := readUsers(path)
			if err != nil {
				return err
			}
			if o.json {
				return o.printJSON(channelsUserListReport{"mqttpki.channels-user-list/1", path, append([]string{}, users.Names()...)})
			}
			for _, name := range users.Names() {
				o.print("%s", printable(name))
			}
			return nil
		},
	}
	modelFlag(c, &o.Model)
	return c
}

// channelsUserListReport is the list for machines.
type channelsUserListReport struct {
	Schema string   `json:"schema"`
	File   string   `json:"file"`
	Users  []string `json:"users"`
}

// usersPath is where the model's password file lies.
func (o *channelsUserOptions) usersPath() (string, error) {
	path := o.modelPath(o.Model)
	model, _, err := o.readModel(path)
	if err != nil {
		return "", err
	}
	if model.Users.File == "" {
		return "", withHint(foundf("%s names no password file", path), "add a line to it: users: {file: users.passwd}")
	}
	return (&deployment{path: path}).beside(model.Users.File), nil
}

// readUsers reads a password file; one that is not there yet has no users.
func readUsers(path string) (*channels.UserFile, error) {
	data, err := safefile.Read(path, maxPEMFile)
	if errors.Is(err, fs.ErrNotExist) || safefile.IsEmpty(err) {
		data, err = []byte(usersHeader), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the password file: %w", err)
	}
	users, err := channels.ParseUsers(data)
	if err != nil {
		return nil, fmt.Errorf("reading the password file %s: %w", path, err)
	}
	return users, nil
}

// changeUsers changes the password file while nobody else does.
func (o *channelsUserOptions) changeUsers(ctx context.Context, path string, change func(*channels.UserFile) error) (err error) {
	held, err := safefile.Lock(ctx, filepath.Join(filepath.Dir(path), usersLock), usersWait) // in a PKI, that of the PKI
	if err != nil {
		return fmt.Errorf("changing the password file: %w", err)
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	users, err := readUsers(path)
	if err != nil {
		return err
	}
	if err := change(users); err != nil {
		return err
	}
	_, err = safefile.Commit([]safefile.File{{Path: path, Mode: safefile.ModePrivate, Data: users.Bytes()}}, safefile.Options{Force: true, Now: o.now})
	if err != nil {
		return fmt.Errorf("writing the password file: %w", err)
	}
	return nil
}

// passPath is where a password that was made up is kept.
func passPath(users, name string) string {
	return filepath.Join(filepath.Dir(users), "users", name+".pass")
}

func runUserAdd(ctx context.Context, o *channelsUserOptions) error {
	if !channels.SafeUserName(o.Name) {
		return usagef("%q cannot be a user: letters, digits, dot, underscore and hyphen, 64 at most, and a letter or digit first", o.Name)
	}
	path, err := o.usersPath()
	if err != nil {
		return err
	}
	pass, err := o.resolve(o.Pass.or(passwordSource{kind: sourceRandom}), "the user "+o.Name, true)
	if err != nil {
		return err
	}
	if len(pass.secret) == 0 {
		return usagef("a user's password is not empty")
	}
	verb := "added"
	err = o.changeUsers(ctx, path, func(users *channels.UserFile) error {
		if users.Has(o.Name) {
			if !o.Force {
				return withHint(fmt.Errorf("adding the user %q: %w", o.Name, keystore.ErrExists), "--force changes the password")
			}
			verb = "changed"
		}
		if err := users.Set(o.Name, pass.secret, o.Iterations, o.random); err != nil {
			return err
		}
		if !pass.made {
			return nil
		}
		_, err := safefile.Commit([]safefile.File{{Path: passPath(path, o.Name), Data: append(append([]byte{}, pass.secret...), '\n')}}, safefile.Options{Force: true, Now: o.now})
		return err
	})
	if err != nil {
		return err
	}
	report := channelsUserReport{Schema: "mqttpki.channels-user/1", Name: o.Name, Change: verb, File: path}
	if pass.made {
		report.PassFile = passPath(path, o.Name)
	}
	if o.json {
		return o.printJSON(report)
	}
	o.print("%s: %s in %s", o.Name, verb, printable(path))
	if pass.made {
		o.print("%s: the password", printable(report.PassFile))
	}
	return nil
}

// channelsUserReport is a change of the password file, for machines.
type channelsUserReport struct {
	Schema   string `json:"schema"`
	Name     string `json:"name"`
	Change   string `json:"change"` // added, changed or removed
	File     string `json:"file"`
	PassFile string `json:"pass_file,omitempty"` // of a password that was made up
}

func runUserRemove(ctx context.Context, o *channelsUserOptions) error {
	path, err := o.usersPath()
	if err != nil {
		return err
	}
	err = o.changeUsers(ctx, path, func(users *channels.UserFile) error {
		if !users.Remove(o.Name) {
			return withHint(ofKind(errNotFound, fmt.Errorf("removing the user %q: %s has none of that name", o.Name, path)), "mqttpki channels user list")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if channels.SafeUserName(o.Name) {
		if err := os.Remove(passPath(path, o.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the user's password file: %w", err)
		}
	}
	if o.json {
		return o.printJSON(channelsUserReport{Schema: "mqttpki.channels-user/1", Name: o.Name, Change: "removed", File: path})
	}
	o.print("%s: removed from %s", printable(o.Name), printable(path))
	return nil
}
