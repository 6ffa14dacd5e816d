package cli

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/revoke"
)

// crlOptions are the flags of `crl`.
type crlOptions struct {
	*deps
	Root     bool
	Out      string // a copy
	Force    bool
	CAPass   passwordSource
	RootPass passwordSource
}

// newCRLCommand makes a CRL anew.
func newCRLCommand(d *deps) *cobra.Command {
	o := &crlOptions{deps: d}
	c := &cobra.Command{
		Use:   "crl",
		Short: "Make the certificate revocation list anew",
		Long: `Signs the issuing CA's list of revoked certificates anew and replaces ca/issuing.crl (ca/root.crl where the root issues
itself). Brokers refuse everybody when their list has run out, so this belongs into a timer: docs/renewal.md has one.
With --root it is the root's own list, which lasts a year and needs root.key in place.`,
		Example: `  mqttpki crl --ca-pass file:/etc/mqttpki/ca.pass
  mqttpki crl -o /etc/mosquitto/certs/issuing.crl --force`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runCRL(c.Context(), o) },
	}
	caPassFlag(c, &o.CAPass)
	rootPassFlag(c, &o.RootPass)
	f := c.Flags()
	f.BoolVar(&o.Root, "root", false, "the root's list instead of the issuing CA's")
	f.StringVarP(&o.Out, "out", "o", "", "write a copy to `FILE` as well; in DER if it ends in .der")
	f.BoolVarP(&o.Force, "force", "f", false, "overwrite the copy")
	return c
}

func runCRL(ctx context.Context, o *crlOptions) error {
	return o.withPKI(ctx, "", func(h *ca.Home) error {
		var authority *ca.Authority
		var err error
		if o.Root && !h.RootOnly() {
			authority, err = o.unlockRoot(h, o.RootPass.or(o.CAPass))
		} else {
			authority, err = o.unlock(h, o.CAPass)
		}
		if err != nil {
			return err
		}
		if err := checkOut(o.Out, o.Force); err != nil {
			return err
		}
		crl, err := h.SignCRL(ctx, authority)
		if err != nil {
			return err
		}
		if o.Out != "" {
			data := revoke.PEM(crl.DER)
			if strings.EqualFold(filepath.Ext(o.Out), ".der") {
				data = crl.DER
			}
			if err := o.writeOut(o.Out, data, 0o644, false, o.Force); err != nil {
				return err
			}
		}
		if o.json {
			return o.printJSON(crlReport{"mqttpki.crl/1", *newCRLFields(h, crl)})
		}
		o.printCRL(h, crl)
		return nil
	})
}

// crlReport is a CRL for machines.
type crlReport struct {
	Schema string `json:"schema"`
	crlFields
}

type crlFields struct {
	File       string    `json:"file"`
	Number     int64     `json:"number"`
	ThisUpdate time.Time `json:"this_update"`
	NextUpdate time.Time `json:"next_update"`
	Revoked    int       `json:"revoked"`
}

func newCRLFields(h *ca.Home, crl *ca.CRL) *crlFields {
	return &crlFields{
		File: h.Path(crl.Path), Number: crl.Number, ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate, Revoked: crl.Entries,
	}
}

// printCRL prints one line.
func (d *deps) printCRL(h *ca.Home, crl *ca.CRL) {
	d.print("crl %d: %d revoked, valid until %s, in %s", crl.Number, crl.Entries, crl.NextUpdate.UTC().Format(time.DateOnly), h.Path(crl.Path))
}
