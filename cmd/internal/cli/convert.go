package cli

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// convertOptions are the flags of convert.
type convertOptions struct {
	*deps
	In      []string
	Out     string
	InDir   string
	OutDir  string
	InPlace bool

	InPass    passwordSources
	InKeyPass keySources
	OutPass   passwordSource
	KeyPass   keySources
	TrustPass passwordSources

	Alias  string
	Only   []string
	Remove []string
	Rename []string
	Trust  []string

	Profile      string // of PKCS12
	Encoding     string // of PKCS#7
	Iterations   int
	Split        bool
	AllowLoss    bool
	DryRun       bool
	Force        bool
	SkipExisting bool

	form         convertForm
	recipe       convert.Recipe // without what differs from file to file
	opener       *storeOpener
	trusting     *storeOpener
	writer       safefile.Group
	outOnce      *password       // what --out-pass resolved to
	keyAll       keystore.Secret // what --key-pass resolved to, once keysResolved
	keyOne       map[string]keystore.Secret
	keysResolved bool
}

// newConvertCommand turns any store into any other.
func newConvertCommand(d *deps) *cobra.Command {
	o := &convertOptions{deps: d}
	c := &cobra.Command{
		Use:   "convert [FROM TO] IN... OUT",
		Short: "Turn key and certificate files into what the other side reads",
		Long: `convert reads key and certificate files of any kind and writes one of another: PEM, PKCS12 (p12), JKS, PKCS#7 (p7b) or
DER. Formats are told by content; OUT's ending tells what to write unless FROM and TO do. FROM may be auto.

Keys are matched with their certificates by public key, and chains put in order and completed, whatever order the
files had. Several inputs become one store: a key, its chain and the CAs of the clients make what a broker's listener
needs. What is kept, renamed, re-paired, re-encrypted and lost is reported; a loss is refused (exit 3) unless
--allow-loss accepts it. The result is read back and compared before it gets its name.

--in-place changes a store where it is: what is not asked for stays, its password, encryption and mode included. Two
changes of one store at once come one after the other.

Passwords. Inputs are opened with --in-pass (repeat it when they differ), else with the file NAME.pass beside them,
else without or with the empty password, else a person is asked. The result has the password of --out-pass. Without
it one is made up and kept in NAME.pass, mode 0600, beside the result, if that holds a key or its format wants one; a
NAME.pass that is there and opened the input is used again. That goes for PEM too: brokers that cannot decrypt a key,
such as Mosquitto, need --out-pass none.

--only and --remove take alias=PATTERN, type=key|trusted|certificate|request|crl|secret|public-key, subject=TEXT,
issuer=TEXT, serial=HEX, sha256=HEX, sha1=HEX, public_sha256=HEX, expired=yes|no, or a bare alias; those of different
kinds must all match, of one kind any. --rename takes OLD=NEW, each with at most one star. --trust takes FILE or
ALIAS=FILE.

Many files (--out-dir) are converted by themselves, on every core, and past those that fail; the exit code is that of
the worst. After Ctrl-C, or for what is new, the same command with --skip-existing leaves results alone that are there.`,
		Example: `  mqttpki convert client.jks client.p12
  mqttpki convert jks pem --in client.jks --out client.pem --in-pass file:client.pass --out-pass none
  mqttpki convert server.key server-chain.crt broker.jks --trust clients=ca.crt --alias mqtt
  mqttpki convert --in-place broker.jks --trust partner=partner-ca.pem --remove old-partner
  mqttpki convert --in-place broker.jks --remove type=trusted --remove expired=yes
  mqttpki convert --in-place client.p12 --p12-profile legacy --out-pass file:new.pass
  mqttpki convert client.p12 client.pem --split --out-pass none
  mqttpki convert jks pem --in-dir stores --out-dir pem --in-pass env:STORE_PASS
  mqttpki convert p12 pem - - < client.p12 --in-pass file:client.pass --out-pass none`,
		RunE:              func(c *cobra.Command, words []string) error { return o.run(c.Context(), words) },
		ValidArgsFunction: completeConvert,
	}
	o.addFlags(c)
	return c
}

// completeConvert offers FROM and TO, and files in any place.
func completeConvert(_ *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(words) == 0:
		return append(formats.Names(), anyFormat, jceks), cobra.ShellCompDirectiveDefault
	case len(words) == 1 && isFormatWord(words[0]):
		return formats.Names(), cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func (o *convertOptions) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.In, "in", nil, "a file to read; - is standard input (repeat to merge several)")
	f.StringVarP(&o.Out, "out", "o", "", "the file to write; - is standard output")
	f.StringVar(&o.InDir, "in-dir", "", "convert every file of the format FROM in this folder and those below it")
	f.StringVar(&o.OutDir, "out-dir", "", "write one result for each input into this folder")
	f.BoolVar(&o.InPlace, "in-place", false, "change the one file where it is; format and password stay")
	f.Var(&o.InPass, "in-pass", "where the inputs' password is kept (repeat when they differ)")
	f.Var(&o.InKeyPass, "in-key-pass", "where the password of keys is kept that have another than their store (repeat with ALIAS=)")
	f.Var(&o.OutPass, "out-pass", "where the result's password is kept; none for no encryption (default: made up, kept in NAME.pass)")
	f.Var(&o.KeyPass, "key-pass", "where the password of the result's keys is kept, if another (JKS, there also ALIAS=SOURCE; PEM)")
	f.Var(&o.TrustPass, "trust-pass", "where the password of the --trust files is kept (repeat when they differ)")
	f.StringVar(&o.Alias, "alias", "", "the name of the one key or, without a key, of the one certificate")
	f.StringArrayVar(&o.Only, "only", nil, "take only the entries that match (repeat)")
	f.StringArrayVar(&o.Remove, "remove", nil, "leave out the entries that match (repeat)")
	f.StringArrayVar(&o.Rename, "rename", nil, "OLD=NEW: give entries another alias (repeat)")
	f.StringArrayVar(&o.Trust, "trust", nil, "[ALIAS=]FILE: add its certificates as trusted entries (repeat)")
	f.StringVar(&o.Profile, "p12-profile", "", "modern, legacy (3DES), pbmac1 (RFC 9579) or passwordless-trust (default modern)")
	f.IntVar(&o.Iterations, "iterations", 0, "rounds of password derivation (default: the format's)")
	f.StringVar(&o.Encoding, "p7b-encoding", "", "PKCS#7 as pem, der or ber (default pem)")
	f.BoolVar(&o.Split, "split", false, "write separate files: OUT.key, OUT.crt, OUT-chain.crt and OUT-ca.crt (PEM; DER has one a certificate)")
	f.BoolVar(&o.AllowLoss, "allow-loss", false, "convert even if entries are lost, or what protects them")
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "report what would be done, and write nothing")
	f.BoolVarP(&o.Force, "force", "f", false, "overwrite; old private keys are kept as dated backups")
	f.BoolVar(&o.SkipExisting, "skip-existing", false, "with --out-dir: leave alone whose result is there already, as after an interruption")
	_ = c.RegisterFlagCompletionFunc("p12-profile", cobra.FixedCompletions(p12file.Profiles(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("p7b-encoding", cobra.FixedCompletions(pemfile.PKCS7{}.Profiles(), cobra.ShellCompDirectiveNoFileComp))
	for _, flag := range []string{"only", "remove"} {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(convert.SelectorFields(), cobra.ShellCompDirectiveNoSpace))
	}
	_ = c.MarkFlagDirname("in-dir")
	_ = c.MarkFlagDirname("out-dir")
}

// run does one command.
func (o *convertOptions) run(ctx context.Context, words []string) error {
	var err error
	if o.form, err = o.parse(words); err != nil {
		return err
	}
	err = o.prepare()
	if err := cmp.Or(o.ended(), err); err != nil {
		return err
	}
	if o.form.OutDir != "" {
		return o.runMany(ctx)
	}
	return o.runOne(ctx)
}

// runOne does one conversion.
func (o *convertOptions) runOne(ctx context.Context) error {
	if err := o.refuseExisting(o.form.Output); err != nil {
		return err
	}
	release, err := o.lockInPlace(ctx)
	if err != nil {
		return err
	}
	defer release()
	sources, err := o.openAll(o.form.Inputs)
	if err := cmp.Or(o.ended(), err); err != nil {
		return err
	}
	r, err := o.convertOne(o.job(sources, o.form.Output))
	err = o.convertFailure(err, o.form.Inputs[0])
	if r == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil && o.json && o.reportsAside() { // standard error has one document
		r.Error = newFileError(err)
		err = toldError{err}
	}
	return cmp.Or(o.printConversion(r), err)
}

// prepare checks the flags and reads what all conversions of the command share.
func (o *convertOptions) prepare() error {
	if err := o.checkFlags(); err != nil {
		return err
	}
	for _, list := range []struct {
		texts []string
		to    *[]convert.Selector
	}{{o.Only, &o.recipe.Only}, {o.Remove, &o.recipe.Remove}} {
		for _, text := range list.texts {
			s, err := convert.ParseSelector(text)
			if err != nil {
				return ofKind(errUsage, err)
			}
			*list.to = append(*list.to, s)
		}
	}
	for _, text := range o.Rename {
		r, err := convert.ParseRename(text)
		if err != nil {
			return ofKind(errUsage, err)
		}
		o.recipe.Rename = append(o.recipe.Rename, r)
	}
	o.recipe.Alias = o.Alias
	o.recipe.MayRemoveNothing = o.form.OutDir != ""
	o.writer.Options = safefile.Options{Force: o.Force || o.form.InPlace, Now: o.now}
	known := &keyring{} // an input may be named by --trust as well
	o.opener = &storeOpener{
		deps: o.deps, From: o.form.From, PassFlag: "--in-pass", For: o.form.Inputs, Pass: o.InPass, KeyPass: o.InKeyPass.all, KeyPasswords: o.InKeyPass.one,
		Demand: true, Many: o.form.OutDir != "", Known: known,
		Wanted: func(id *keystore.Identity) bool { return o.recipe.Takes(id, o.now()) },
	}
	o.trusting = &storeOpener{
		deps: o.deps, PassFlag: "--trust-pass", Pass: o.TrustPass, Demand: true, Known: known,
		Wanted: func(*keystore.Identity) bool { return false }, // certificates are what is trusted
	}
	if err := o.opener.secrets(); err != nil {
		return err
	}
	return o.openTrust()
}

// checkFlags refuses flags that are not for the format to be written. In place that is known only when the file was read.
func (o *convertOptions) checkFlags() error {
	target := ""
	if o.form.Target != nil {
		target = o.form.Target.Name()
	}
	isNot := func(formats ...string) bool { return target != "" && !slices.Contains(formats, target) }
	switch {
	case o.Profile != "" && !slices.Contains(p12file.Profiles(), o.Profile):
		return usagef("--p12-profile is one of %s, not %q", strings.Join(p12file.Profiles(), ", "), o.Profile)
	case o.Encoding != "" && !slices.Contains(pemfile.PKCS7{}.Profiles(), o.Encoding):
		return usagef("--p7b-encoding is one of %s, not %q", strings.Join(pemfile.PKCS7{}.Profiles(), ", "), o.Encoding)
	case o.Profile != "" && isNot("p12"):
		return usagef("--p12-profile is for p12, and %s is written", target)
	case o.Encoding != "" && isNot("p7b"):
		return usagef("--p7b-encoding is for p7b, and %s is written", target)
	case o.Profile != "" && o.Encoding != "":
		return usagef("--p12-profile is for p12 and --p7b-encoding for p7b; give one of the two")
	case o.Split && (target != "pem" && target != "der" || o.form.Output == standardStream):
		return usagef("--split writes PEM or DER, into files")
	case len(o.KeyPass.one) > 0 && isNot("jks"):
		return withHint(usagef("keys with passwords of their own are for JKS, and %s is written", target), "--key-pass SOURCE gives all keys one password")
	case o.Iterations < 0 || o.Iterations > keystore.DefaultLimits.Iterations:
		return usagef("--iterations is a number of rounds, %d at most", keystore.DefaultLimits.Iterations)
	case o.Iterations > 0 && isNot("p12", "pem", "der"):
		return usagef("--iterations is for p12, pem and der, and %s is written", target)
	case o.SkipExisting && o.form.OutDir == "":
		return usagef("--skip-existing goes with --out-dir")
	case o.SkipExisting && o.Force:
		return usagef("--skip-existing leaves results alone and --force replaces them; give one of the two")
	}
	return nil
}

// openTrust reads the files of --trust. A text that names a file as it stands is one, whatever it holds; else ALIAS=FILE.
func (o *convertOptions) openTrust() error {
	for _, text := range o.Trust {
		alias, path := "", text
		if before, after, ok := strings.Cut(text, "="); ok && !fileExists(text) {
			alias, path = before, after
		}
		s, err := o.trusting.open(path)
		if err != nil {
			return err
		}
		o.recipe.Trust = append(o.recipe.Trust, convert.Trust{Source: s.source(), Alias: alias})
	}
	return nil
}

// source is the file as the engine takes it.
func (s *openedStore) source() convert.Source {
	return convert.Source{Name: s.Name, Format: s.Codec.Name(), Store: s.Store}
}

// openAll opens the inputs that are merged into one store.
func (o *convertOptions) openAll(paths []string) ([]*openedStore, error) {
	var list []*openedStore
	for _, path := range paths {
		s, err := o.opener.open(path)
		if errors.Is(err, safefile.ErrNotRegular) && isFolder(path) {
			err = withHint(err, "--in-dir %s --out-dir OUT, with both formats named, converts every file in a folder", quoted(path))
		}
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, o.checkKeyAliases(list)
}

// convertFailure gives the engine's errors the exit codes and hints of the command line. The file is what was converted.
func (o *convertOptions) convertFailure(err error, file string) error {
	var locked *convert.LockedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &locked) && errors.Is(err, keystore.ErrPassword):
		return withHint(err, "%s", o.lockedHint(locked.Alias))
	case errors.Is(err, convert.ErrLoss):
		return withHint(ofKind(errFound, err), "accept it with --allow-loss, or choose another format")
	case errors.Is(err, convert.ErrMismatch):
		return withHint(ofKind(errFound, err), "name the file with the key's own certificate as well; or accept it with --allow-loss")
	case errors.Is(err, convert.ErrTaken):
		return withHint(ofKind(errUsage, err), "choose another name, or rename that entry too")
	case errors.Is(err, convert.ErrSelector):
		return ofKind(errUsage, err)
	case errors.Is(err, convert.ErrNotFound):
		return withHint(ofKind(errNotFound, err), "mqttpki inspect %s shows the entries", quoted(file))
	case errors.Is(err, convert.ErrNothingToTrust):
		return withHint(ofKind(errNotFound, err), "--trust takes a file with certificates, such as that of a CA")
	case errors.Is(err, convert.ErrEmpty):
		return withHint(ofKind(errNotFound, err), "mqttpki inspect %s shows what is there", quoted(file))
	case errors.Is(err, convert.ErrAmbiguous):
		return withHint(ofKind(errUsage, err), "name the entry: --rename OLD=NEW, or choose it with --only")
	}
	return err
}

// lockedHint says how to go on where a key, which may have an alias, has another password. In place its removal would be
// no way out but a loss.
func (o *convertOptions) lockedHint(alias string) string {
	source := "file:PATH"
	if alias != "" && o.InKeyPass.given() {
		source = quoted(alias + "=file:PATH") // one for all was not enough
	}
	hint := "name where the key's password is kept: --in-key-pass " + source
	if alias == "" || o.form.InPlace {
		return hint
	}
	return hint + "; or leave the key out: --remove " + selectorOf(alias)
}
