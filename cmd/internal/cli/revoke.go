package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// Bounds of a --from file.
const (
	maxFromFile = 64 << 20
	maxFromLine = 4096
)

// revokeOptions are the flags of `revoke`.
type revokeOptions struct {
	*deps
	Names  []string
	From   string // a file of names, one a line
	Reason string
	NoCRL  bool
	CAPass passwordSource
}

// newRevokeCommand revokes certificates and publishes that.
func newRevokeCommand(d *deps) *cobra.Command {
	o := &revokeOptions{deps: d}
	c := &cobra.Command{
		Use:   "revoke NAME...",
		Short: "Revoke certificates by name, serial or fingerprint, and make the CRL anew",
		Long: `Revokes the live certificate of each name, with those it superseded that are still valid; a serial or fingerprint stands
for that certificate alone. All are revoked, or none. The CRL is made anew at once, which needs the issuing CA's
password; with --no-crl it is left to ` + "`mqttpki crl`" + `, and nobody is refused before that.`,
		Example: `  mqttpki revoke sensor-17 --reason keyCompromise
  mqttpki revoke --from stolen.txt`,
		ValidArgsFunction: d.completeNames,
		RunE: func(c *cobra.Command, args []string) error {
			o.Names = args
			return runRevoke(c.Context(), o)
		},
	}
	caPassFlag(c, &o.CAPass)
	f := c.Flags()
	f.StringVar(&o.From, "from", "", "`FILE` with one name, serial or fingerprint a line; blank lines and # comments do not count")
	f.StringVar(&o.Reason, "reason", "unspecified", "`REASON`: "+strings.Join(inventory.Reasons(), ", "))
	f.BoolVar(&o.NoCRL, "no-crl", false, "do not make the CRL anew now")
	completeFrom(c, "reason", inventory.Reasons()...)
	return c
}

func runRevoke(ctx context.Context, o *revokeOptions) error {
	reason, err := inventory.ParseReason(o.Reason)
	if err != nil {
		return ofKind(errUsage, err)
	}
	names, err := o.names()
	if err != nil {
		return err
	}
	return o.withPKI(ctx, "", func(h *ca.Home) error {
		var authority *ca.Authority
		if !o.NoCRL { // unlock first: with a wrong password nothing is to happen
			if authority, err = o.unlock(h, o.CAPass); err != nil {
				return withHint(err, "give the password with --ca-pass, or leave the CRL for later with --no-crl")
			}
		}
		revoked, err := h.Revoke(ctx, names, reason)
		if errors.Is(err, inventory.ErrAmbiguous) {
			return withHint(err, "give the certificate's serial; mqttpki list shows it")
		}
		if err != nil {
			return err
		}
		var crl *ca.CRL
		if authority != nil {
			if crl, err = h.SignCRL(ctx, authority); err != nil {
				return withHint(fmt.Errorf("%d certificates are revoked, but the CRL does not say so yet: %w", len(revoked), err), "mqttpki crl%s", o.here())
			}
		}
		return o.report(h, revoked, crl)
	})
}

// names are those on the command line and in the file.
func (o *revokeOptions) names() ([]string, error) {
	names := o.Names
	if o.From != "" {
		data, err := safefile.Read(o.From, maxFromFile)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, maxFromLine)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line != "" && !strings.HasPrefix(line, "#") {
				names = append(names, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading %q: %w", o.From, err)
		}
	}
	if len(names) == 0 {
		return nil, usageError(errors.New("whose certificate is to be revoked?"), "mqttpki revoke NAME, or --from FILE")
	}
	return names, nil
}

// revokeReport says what was revoked, for machines.
type revokeReport struct {
	Schema  string          `json:"schema"`
	Revoked []revokedReport `json:"revoked"`
	CRL     *crlFields      `json:"crl"` // null with --no-crl
}

// revokedReport is one certificate that was revoked.
type revokedReport struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Serial    string    `json:"serial"`
	RevokedAt time.Time `json:"revoked_at"`
	Reason    string    `json:"reason"`
}

func (o *revokeOptions) report(h *ca.Home, revoked []inventory.Entry, crl *ca.CRL) error {
	if o.json {
		doc := revokeReport{Schema: "mqttpki.revoke/1", Revoked: []revokedReport{}}
		for _, e := range revoked {
			doc.Revoked = append(doc.Revoked, revokedReport{e.Name, e.Role, e.Serial, e.RevokedAt, e.Reason.String()})
		}
		if crl != nil {
			doc.CRL = newCRLFields(h, crl)
		}
		return o.printJSON(doc)
	}
	for _, e := range revoked {
		o.print("revoked %s %s, serial %s (%s)", e.Role, printable(e.Name), e.Serial, e.Reason)
	}
	if crl == nil {
		o.notice("note: nobody is refused before the CRL says so: mqttpki crl%s", o.here())
		return nil
	}
	o.printCRL(h, crl)
	return nil
}
