package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// maxDueShown bounds what status prints of what is due; the rest is counted.
const maxDueShown = 20

// newStatusCommand says how the PKI is, and what has to be done.
func newStatusCommand(d *deps) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Print how the PKI is, and what is due",
		Long: `Prints the authorities, their CRLs, how many certificates there are in which state, and what is due: certificates and
CRLs near their end or past it. Ends with exit code 3 when something is due. Interrupted commands are settled when the
PKI is opened: what they left is counted as abandoned, or revoked if a part of it may have been seen.`,
		Example: `  mqttpki status
  mqttpki status --json || alert`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runStatus(c.Context(), d) },
	}
}

// statusReport is all of it, for machines.
type statusReport struct {
	Schema      string            `json:"schema"`
	PKI         string            `json:"pki"`
	Authorities []authorityReport `json:"authorities"`
	CRLs        []crlStatus       `json:"crls"`
	Counts      []countReport     `json:"counts"`
	Unsettled   int64             `json:"unsettled"` // at work in another process just now
	Due         []dueReport       `json:"due"`
	DueTotal    int               `json:"due_total"`
}

type authorityReport struct {
	Role      string    `json:"role"`
	Subject   string    `json:"subject"`
	Serial    string    `json:"serial"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
	KeyHere   bool      `json:"key_here"`
	Encrypted bool      `json:"key_encrypted"`
}

type crlStatus struct {
	File       string     `json:"file"`
	State      string     `json:"state"` // ok, behind (revoked certificates are not on it), due, expired, missing, damaged
	Number     string     `json:"number,omitempty"`
	Revoked    int        `json:"revoked"`
	Unlisted   int        `json:"unlisted,omitempty"` // revoked certificates that are not on it
	NextUpdate *time.Time `json:"next_update,omitempty"`
}

type countReport struct {
	Role  string `json:"role"`
	State string `json:"state"`
	Count int64  `json:"count"`
}

// dueReport is one thing to be done.
type dueReport struct {
	What    string     `json:"what"` // certificate, crl or authority
	Name    string     `json:"name"`
	Role    string     `json:"role,omitempty"`
	Why     string     `json:"why"`
	End     *time.Time `json:"end,omitempty"`
	Command string     `json:"command,omitempty"` // what to type
}

func runStatus(ctx context.Context, d *deps) error {
	return d.withPKI(ctx, "", func(h *ca.Home) error {
		s := &statusReport{Schema: "mqttpki.status/1", PKI: h.Dir(), Due: []dueReport{}}
		for _, fill := range []func(context.Context, *deps, *ca.Home) error{s.authorities, s.crls, s.counts, s.certificates} {
			if err := fill(ctx, d, h); err != nil {
				return err
			}
		}
		if err := d.printStatus(s); err != nil {
			return err
		}
		if s.DueTotal > 0 {
			return withHint(foundf("due: %s", counted(s.DueTotal, "thing")), "%s", s.Due[0].Command)
		}
		return nil
	})
}

func (s *statusReport) due(d dueReport) {
	s.DueTotal++
	if len(s.Due) < maxDueShown {
		s.Due = append(s.Due, d)
	}
}

func (s *statusReport) authorities(_ context.Context, d *deps, h *ca.Home) error {
	add := func(role ca.Role, cert *x509.Certificate, keyPath string) error {
		encrypted, err := isEncryptedKey(h.Path(keyPath))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.Authorities = append(s.Authorities, authorityReport{
			Role: string(role), Subject: cert.Subject.String(), Serial: cert.SerialNumber.Text(16), NotAfter: cert.NotAfter.UTC(),
			SHA256: fingerprint(cert.Raw), KeyHere: err == nil, Encrypted: encrypted,
		})
		// A CA is due when what it issues by default would be cut short.
		if end := cert.NotAfter; end.Before(d.now().Add(ca.DefaultServerValidity)) {
			why := "expires soon: new certificates are cut short"
			if end.Before(d.now()) {
				why = "has expired"
			}
			end = end.UTC()
			s.due(dueReport{What: "authority", Name: cert.Subject.String(), Role: string(role), Why: why, End: &end,
				Command: "mqttpki init-ca --pki NEWPKI, then issue what is in use again"})
		}
		return nil
	}
	if err := add(ca.RoleRoot, h.Root(), ca.RootKeyPath); err != nil || h.RootOnly() {
		return err
	}
	return add(ca.RoleIssuing, h.Issuer(), ca.IssuingKeyPath)
}

func (s *statusReport) crls(ctx context.Context, d *deps, h *ca.Home) error {
	command := map[string]string{ca.IssuingCRLPath: "mqttpki crl" + d.here(), ca.RootCRLPath: "mqttpki crl --root" + d.here()}
	paths := []string{ca.IssuingCRLPath, ca.RootCRLPath}
	if h.RootOnly() {
		paths, command[ca.RootCRLPath] = paths[1:], "mqttpki crl"+d.here()
	}
	for _, path := range paths {
		c, lists := readCRLStatus(h, path, d.now())
		if path == h.CRLPath() && c.State == "ok" {
			if err := s.compareCRL(ctx, h, &c, lists, d.now()); err != nil {
				return err
			}
		}
		s.CRLs = append(s.CRLs, c)
		if c.State == "missing" && path == ca.RootCRLPath && !h.RootOnly() && !s.rootKeyHere() {
			continue // a CA that was taken over; its root's CRL is made where the root's key is
		}
		if c.State != "ok" {
			due := dueReport{What: "crl", Name: path, Why: "is " + c.State, End: c.NextUpdate, Command: command[path]}
			if c.State == "behind" {
				due.Why, due.End = "lacks "+counted(c.Unlisted, "revoked certificate"), nil
			}
			s.due(due)
		}
	}
	return nil
}

func (s *statusReport) rootKeyHere() bool { return s.Authorities[0].KeyHere }

// compareCRL finds out whether everything that is revoked stands on the list: after revoke --no-crl, or one that was
// interrupted, it does not, and nobody is refused.
func (s *statusReport) compareCRL(ctx context.Context, h *ca.Home, c *crlStatus, list *x509.RevocationList, now time.Time) error {
	listed := make(map[string]bool, len(list.RevokedCertificateEntries))
	for _, e := range list.RevokedCertificateEntries {
		listed[e.SerialNumber.Text(16)] = true
	}
	filter := inventory.Filter{Roles: leafRoleNames(), States: []inventory.State{inventory.Revoked}, ExpiringAfter: now}
	for e, err := range h.Inventory().List(ctx, filter) {
		if err != nil {
			return err
		}
		if !listed[e.Serial] {
			c.State = "behind"
			c.Unlisted++
		}
	}
	return nil
}

// readCRLStatus looks at the file that brokers get, not at what the inventory says was made. The list is nil where it
// cannot be read.
func readCRLStatus(h *ca.Home, path string, now time.Time) (crlStatus, *x509.RevocationList) {
	c := crlStatus{File: h.Path(path), State: "damaged"}
	data, err := safefile.Read(c.File, maxCRLFile)
	if errors.Is(err, fs.ErrNotExist) {
		c.State = "missing"
	}
	if err != nil {
		return c, nil
	}
	lists, err := pemfile.ParseCRLs(data)
	if err != nil || len(lists) != 1 {
		return c, nil
	}
	list := lists[0]
	next := list.NextUpdate.UTC()
	c.NextUpdate, c.Revoked = &next, len(list.RevokedCertificateEntries)
	if list.Number != nil {
		c.Number = list.Number.String()
	}
	switch {
	case next.Before(now):
		c.State = "expired"
	case next.Before(now.Add(h.Settings().CRLRenewBefore)):
		c.State = "due"
	default:
		c.State = "ok"
	}
	return c, list
}

func (s *statusReport) counts(ctx context.Context, d *deps, h *ca.Home) error {
	counts, err := h.Inventory().Counts(ctx, d.now())
	if err != nil {
		return err
	}
	s.Counts = []countReport{}
	for _, c := range counts {
		s.Counts = append(s.Counts, countReport{c.Role, string(c.State), c.N})
		if c.State == inventory.Reserved || c.State == inventory.Pending {
			s.Unsettled += c.N
		}
	}
	return nil
}

// certificates finds those that are near their end. One that expired long ago is nobody's concern any more: after twice
// the time of warning it is not due but gone.
func (s *statusReport) certificates(ctx context.Context, d *deps, h *ca.Home) error {
	before := h.Settings().RenewBefore
	filter := inventory.Filter{
		Roles: leafRoleNames(), States: []inventory.State{inventory.Issued, inventory.Expired}, Now: d.now(),
		ExpiringBefore: d.now().Add(before), ExpiringAfter: d.now().Add(-before),
	}
	for e, err := range h.Inventory().List(ctx, filter) {
		if err != nil {
			return err
		}
		if len(e.Files) == 0 {
			continue // a probe's, in memory only
		}
		end := e.NotAfter
		if end.Sub(d.now()) > end.Sub(e.NotBefore)/3 {
			continue // meant to be short: its last third is soon enough
		}
		why := "expires soon"
		if end.Before(d.now()) {
			why = "has expired"
		}
		s.due(dueReport{What: "certificate", Name: e.Name, Role: e.Role, Why: why, End: &end, Command: "mqttpki renew" + d.here() + " " + word(e.Name)})
	}
	return nil
}

// printStatus prints the report for people or machines.
func (d *deps) printStatus(s *statusReport) error {
	if d.json {
		return d.printJSON(s)
	}
	for _, a := range s.Authorities {
		key := "its key is elsewhere"
		if a.KeyHere {
			key = "its key is here, encrypted"
			if !a.Encrypted {
				key = "its key is here, NOT encrypted"
			}
		}
		d.print("%-12s %s, until %s, %s", a.Role, printable(a.Subject), a.NotAfter.Format(time.DateOnly), key)
	}
	for _, c := range s.CRLs {
		if c.NextUpdate == nil {
			d.print("%-12s %s: %s", "crl", c.File, c.State)
			continue
		}
		d.print("%-12s %s: %s, %d revoked, until %s", "crl", c.File, c.State, c.Revoked, c.NextUpdate.Format(time.DateOnly))
	}
	for _, line := range countLines(s.Counts) {
		d.print("%-12s %s", "certificates", line)
	}
	if s.Unsettled > 0 {
		d.print("%-12s %d unfinished; another command is at work", "now", s.Unsettled)
	}
	for _, due := range s.Due {
		line := fmt.Sprintf("%-12s %s %s %s", "due", due.What, printable(due.Name), due.Why)
		if due.End != nil {
			line += " (" + due.End.Format(time.DateOnly) + ")"
		}
		d.print("%s: %s", line, printable(due.Command))
	}
	if more := s.DueTotal - len(s.Due); more > 0 {
		d.print("%-12s and %d more", "due", more)
	}
	return nil
}

// countLines says of each role how many certificates are in which state: "client: 3 issued, 1 revoked".
func countLines(counts []countReport) []string {
	var lines []string
	for i, c := range counts {
		part := fmt.Sprintf("%d %s", c.Count, c.State)
		if i > 0 && counts[i-1].Role == c.Role {
			lines[len(lines)-1] += ", " + part
			continue
		}
		lines = append(lines, c.Role+": "+part)
	}
	return lines
}
