package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// signOptions are the flags of `sign`.
type signOptions struct {
	*deps
	identityOptions
	File     string // of the request
	Role     string
	Name     string
	TakeSANs bool
	Out      string // "": standard output
	Format   string // pem, der or p7; "": by the ending of Out
	Profile  string
	CAPass   passwordSource
	Replace  bool
	Force    bool
}

// newSignCommand certifies a request that was made elsewhere.
func newSignCommand(d *deps) *cobra.Command {
	o := &signOptions{deps: d}
	c := &cobra.Command{
		Use:   "sign CSR --role ROLE --name NAME",
		Short: "Sign a certificate request that was made elsewhere",
		Long: `Checks a certificate request (PEM under either header, or DER) and certifies its key under the role and name that are
given here: a request does not choose its own name, and other names in it are dropped with a warning unless
--take-san accepts them. The answer is the certificate with its intermediates, to standard output or -o FILE. The
certificate is recorded in the inventory and kept in the PKI's folder as well.`,
		Example: `  mqttpki sign sensor.csr --role client --name sensor-17 -o sensor-17.pem
  mqttpki sign broker.csr --role server --name mqtt.example.com --san dns:mqtt.example.com -o broker.p7b`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.File = args[0]
			return runSign(c.Context(), o)
		},
	}
	o.identityOptions.flags(c)
	_ = c.Flags().MarkHidden("key-type") // the key is there already
	caPassFlag(c, &o.CAPass)
	f := c.Flags()
	f.StringVar(&o.Role, "role", "", "`ROLE`: server, client or bridge (required)")
	f.StringVar(&o.Name, "name", "", "the identity's `NAME` (required)")
	f.BoolVar(&o.TakeSANs, "take-san", false, "accept the alternative names that the request asks for")
	f.StringVarP(&o.Out, "out", "o", "", "the answer's `FILE` (default: standard output)")
	f.StringVar(&o.Format, "format", "", "`FORMAT` of the answer: pem, der (the leaf alone) or p7 (default: by the ending of -o, else pem)")
	f.StringVar(&o.Profile, "profile", "", "a profile of pki.yaml by `NAME`")
	f.BoolVar(&o.Replace, "replace", false, "supersede the live certificate of this name")
	f.BoolVarP(&o.Force, "force", "f", false, "overwrite the file of -o")
	completeFrom(c, "role", leafRoleNames()...)
	completeFrom(c, "format", "pem", "der", "p7")
	return c
}

func runSign(ctx context.Context, o *signOptions) error {
	if o.Role == "" {
		return withHint(usagef("a request does not choose what it is for: --role is needed"), "--role client")
	}
	role, err := ca.ParseRole(o.Role)
	if err != nil {
		return ofKind(errUsage, err)
	}
	if o.Name == "" {
		return withHint(ofKind(errUsage, errors.New("a request does not choose its own name: --name is needed")), "--name sensor-17")
	}
	format, err := o.answerFormat()
	if err != nil {
		return err
	}
	asked, err := o.request(o.deps, role, o.Name)
	if err != nil {
		return err
	}
	csr, err := readCSR(o.File)
	if err != nil {
		return err
	}
	req, notices, err := ca.FromCSR(csr, ca.RequestTerms{
		Role: role, Name: o.Name, SANs: asked.SANs, TakeSANs: o.TakeSANs, AllowName: o.AllowName,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", o.File, err)
	}
	req.Subject, req.Validity = asked.Subject, asked.Validity
	return o.withPKI(ctx, o.Profile, func(h *ca.Home) error {
		authority, err := o.unlock(h, o.CAPass)
		if err != nil {
			return err
		}
		if err := checkOut(o.Out, o.Force); err != nil { // before a certificate exists that has nowhere to go
			return err
		}
		product, err := h.Issue(ctx, authority, ca.Order{Request: req, Replace: o.Replace})
		if err != nil {
			return (&issueOptions{deps: o.deps, Role: role, Name: o.Name, identityOptions: o.identityOptions}).nameHint(err)
		}
		product.Notices = append(notices, product.Notices...)
		return o.deliver(product, format)
	})
}

// answerFormat is --format, or what the ending of -o stands for.
func (o *signOptions) answerFormat() (string, error) {
	switch o.Format {
	case "pem", "der", "p7":
		return o.Format, nil
	case "":
	default:
		return "", usagef("the answer's format is pem, der or p7, not %q", o.Format)
	}
	switch strings.ToLower(filepath.Ext(o.Out)) {
	case ".der":
		return "der", nil
	case ".p7b", ".p7c", ".p7":
		return "p7", nil
	}
	return "pem", nil
}

// deliver writes the answer where it was asked for.
func (o *signOptions) deliver(p *ca.Product, format string) error {
	answer, err := encodeAnswer(p.Identity.Chain, format)
	if err != nil {
		return err
	}
	if o.Out == "" {
		o.notices(p.Notices)
		if o.json {
			return o.printProduct("mqttpki.sign/1", p, nil, "", "")
		}
		_, err := o.out.Write(answer)
		return err
	}
	if err := o.writeOut(o.Out, answer, 0o644, false, o.Force); err != nil {
		files := ca.FilesOf(p.Role, p.Name)
		return withHint(err, "the certificate was issued; it is in %s", o.folderOf(files))
	}
	o.tellStale(p, ca.FilesOf(p.Role, p.Name))
	if o.json {
		rel, err := relativeTo(o.pki, o.Out) // as the others are
		if err != nil {
			return err
		}
		p.Files = append(p.Files, rel)
	}
	if err := o.printProduct("mqttpki.sign/1", p, nil, "", ""); err != nil || o.json {
		return err
	}
	o.print("%s: the answer", o.Out)
	return nil
}

// relativeTo spells a path as seen from a folder.
func relativeTo(dir, path string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}

// encodeAnswer writes a chain as PEM or PKCS#7, or its leaf as DER.
func encodeAnswer(chain []keystore.Certificate, format string) ([]byte, error) {
	switch format {
	case "der":
		return chain[0].Raw, nil
	case "p7":
		return pemfile.EncodePKCS7Text(chain...)
	}
	return pemfile.EncodeCertificates(chain...), nil
}
