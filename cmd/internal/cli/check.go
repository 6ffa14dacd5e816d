package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca/check"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// checkOptions are the flags of `check`.
type checkOptions struct {
	*deps
	CA      []string
	Chain   string
	CRLs    []string
	At      string
	Purpose string
	Host    string
}

// newCheckCommand validates a chain as a broker or client would.
func newCheckCommand(d *deps) *cobra.Command {
	o := &checkOptions{deps: d}
	c := &cobra.Command{
		Use:   "check --ca ANCHORS --chain CHAIN",
		Short: "Validate a certificate chain as a broker or client would",
		Long: `Checks a chain (PEM, leaf first) against trusted certificates: signatures, dates, constraints, purpose, host name and,
with --crl, revocation. The leaf's issuer must then have a CRL, and it must be in date; CAs above it are looked up
where they have one. Ends with exit code 0 when the chain is valid and 3 when it is refused, with the reason.`,
		Example: `  mqttpki check --ca pki/ca/ca.crt --chain pki/server/mqtt.example.com/mqtt.example.com-chain.crt --purpose server --host mqtt.example.com
  mqttpki check --ca ca.crt --chain client.crt --crl issuing.crl --purpose client --at 2027-01-31`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runCheck(o) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.CA, "ca", nil, "`FILE` of trusted certificates (repeatable)")
	f.StringVar(&o.Chain, "chain", "", "`FILE` of the certificate and its intermediates, leaf first")
	f.StringArrayVar(&o.CRLs, "crl", nil, "`FILE` of certificate revocation lists (repeatable)")
	f.StringVar(&o.At, "at", "", "`TIME`: 2027-01-31, or 2027-01-31T12:00:00Z (default: now)")
	f.StringVar(&o.Purpose, "purpose", "", "`PURPOSE` the certificate is to be good for: server or client (default: anything)")
	f.StringVar(&o.Host, "host", "", "`HOST` name or address that it must cover")
	_ = c.MarkFlagRequired("ca")
	_ = c.MarkFlagRequired("chain")
	completeFrom(c, "purpose", "server", "client")
	return c
}

func runCheck(o *checkOptions) error {
	opts := check.Options{At: o.now(), Purpose: check.Purpose(o.Purpose), Host: o.Host}
	if opts.Purpose != check.AnyPurpose && opts.Purpose != check.Server && opts.Purpose != check.Client {
		return usagef("the purpose is server or client, not %q", o.Purpose)
	}
	if o.At != "" {
		at, err := parseTime(o.At)
		if err != nil {
			return ofKind(errUsage, err)
		}
		opts.At = at
	}
	for _, path := range o.CA {
		certs, err := readCertificates(path)
		if err != nil {
			return err
		}
		opts.Anchors = append(opts.Anchors, certs...)
	}
	chain, err := readCertificates(o.Chain)
	if err != nil {
		return err
	}
	for _, path := range o.CRLs {
		lists, err := readCRLs(path)
		if err != nil {
			return err
		}
		opts.CRLs = append(opts.CRLs, lists...)
	}
	path, err := check.Chain(chain, opts)
	var refusal *check.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	return o.answer(path, refusal)
}

// checkReport is the answer for machines.
type checkReport struct {
	Schema  string   `json:"schema"`
	Valid   bool     `json:"valid"`
	Reason  string   `json:"reason,omitempty"`  // a check.Code
	Subject string   `json:"subject,omitempty"` // of the certificate that the reason is about
	Text    string   `json:"text,omitempty"`
	Path    []string `json:"path"` // subjects, leaf first
}

// answer prints the result and turns a refusal into exit code 3.
func (o *checkOptions) answer(path []*x509.Certificate, refusal *check.Refusal) error {
	if o.json {
		doc := checkReport{Schema: "mqttpki.check/1", Valid: refusal == nil, Path: subjects(path)}
		if refusal != nil {
			doc.Reason, doc.Subject, doc.Text = string(refusal.Code), refusal.Subject, refusal.Text
		}
		if err := o.printJSON(doc); err != nil {
			return err
		}
	} else if refusal == nil {
		o.print("valid: %s, until %s", printable(keystore.DistinguishedName(path[0].RawSubject)), earliestEnd(path).Format(time.RFC3339))
		for _, s := range subjects(path)[1:] {
			o.print("  issued by %s", printable(s))
		}
	} else {
		o.print("refused: %s: %s", refusal.Code, printable(refusal.Error()))
	}
	if refusal != nil {
		return ofKind(errFound, fmt.Errorf("%s: %w", o.Chain, refusal))
	}
	return nil
}

func subjects(path []*x509.Certificate) []string {
	list := []string{}
	for _, c := range path {
		list = append(list, keystore.DistinguishedName(c.RawSubject))
	}
	return list
}

// earliestEnd is when the first certificate of the path expires.
func earliestEnd(path []*x509.Certificate) time.Time {
	end := path[0].NotAfter
	for _, c := range path {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end.UTC()
}

// parseTime reads a point in time.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2027-01-31 or 2027-01-31T12:00:00Z", text)
}

// readCertificates reads all certificates of a PEM or DER file, in the order of the file.
func readCertificates(path string) ([]keystore.Certificate, error) {
	data, err := safefile.Read(path, maxPEMFile)
	if err != nil {
		return nil, err
	}
	certs, err := pemfile.ParseCertificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return certs, nil
}

// readCRLs reads all CRLs of a PEM or DER file.
func readCRLs(path string) ([]*x509.RevocationList, error) {
	data, err := safefile.Read(path, maxCRLFile)
	if err != nil {
		return nil, err
	}
	lists, err := pemfile.ParseCRLs(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return lists, nil
}
