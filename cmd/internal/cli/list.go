package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
)

// listOptions are the flags of `list`.
type listOptions struct {
	*deps
	Names    []string
	Roles    []string
	States   []string
	Expiring lifetime
	JSONL    bool
	CSV      bool
}

// newListCommand prints the inventory.
func newListCommand(d *deps) *cobra.Command {
	o := &listOptions{deps: d}
	c := &cobra.Command{
		Use:   "list [NAME...]",
		Short: "Print the inventory: every certificate that was issued, and its state",
		Long: `Prints the certificates in the order of issue, all of them or those that the flags choose. States: reserved (a serial was
taken), pending (signed, its files not yet complete), issued, expired, superseded (renewed; still valid), revoked and
abandoned (interrupted, or failed, before it could be used).`,
		Example: `  mqttpki list --role client --state issued
  mqttpki list --expiring 30d --json`,
		ValidArgsFunction: d.completeNames,
		RunE: func(c *cobra.Command, args []string) error {
			o.Names = args
			return runList(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Roles, "role", nil, "only these `ROLES`: server, client, bridge, issuing, root")
	f.StringSliceVar(&o.States, "state", nil, "only these `STATES`: "+strings.Join(stateNames(), ", "))
	f.Var(&o.Expiring, "expiring", "only those that expire within this time, or before this date, and are in use")
	f.BoolVar(&o.JSONL, "jsonl", false, "one JSON object a line")
	f.BoolVar(&o.CSV, "csv", false, "comma-separated values with a header line")
	c.MarkFlagsMutuallyExclusive("jsonl", "csv")
	completeFrom(c, "role", append(leafRoleNames(), string(ca.RoleIssuing), string(ca.RoleRoot))...)
	completeFrom(c, "state", stateNames()...)
	return c
}

func stateNames() []string {
	var names []string
	for _, s := range inventory.States() {
		names = append(names, string(s))
	}
	return names
}

func runList(ctx context.Context, o *listOptions) error {
	filter, err := o.filter()
	if err != nil {
		return err
	}
	return o.withPKI(ctx, "", func(h *ca.Home) error {
		if err := o.choose(ctx, h.Inventory(), &filter); err != nil {
			return err
		}
		rows := h.Inventory().List(ctx, filter)
		switch {
		case o.CSV:
			return o.printCSV(rows)
		case o.JSONL:
			return o.printLines(rows)
		case o.json:
			return o.printDocument(rows)
		}
		return o.printTable(rows)
	})
}

// filter is what the flags choose.
func (o *listOptions) filter() (inventory.Filter, error) {
	f := inventory.Filter{Now: o.now()}
	known := append(leafRoleNames(), string(ca.RoleIssuing), string(ca.RoleRoot))
	for _, r := range o.Roles {
		if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+r+" ") {
			return f, usagef("there is no role %q; there are %s", r, strings.Join(known, ", "))
		}
		f.Roles = append(f.Roles, r)
	}
	for _, text := range o.States {
		state, err := inventory.ParseState(text)
		if err != nil {
			return f, ofKind(errUsage, err)
		}
		f.States = append(f.States, state)
	}
	within, err := o.Expiring.from(o.now())
	if err != nil {
		return f, err
	}
	if within > 0 {
		f.ExpiringBefore = o.now().Add(within)
		if len(f.States) == 0 {
			f.States = []inventory.State{inventory.Issued, inventory.Expired}
		}
	}
	return f, nil
}

// choose limits the filter to what the names stand for.
func (o *listOptions) choose(ctx context.Context, inv *inventory.DB, f *inventory.Filter) error {
	if len(o.Names) == 0 {
		return nil
	}
	f.IDs = []int64{}
	for _, name := range o.Names {
		found, err := inv.Find(ctx, name)
		if err != nil {
			return err
		}
		for _, e := range found {
			f.IDs = append(f.IDs, e.ID)
		}
	}
	return nil
}

// listReport is the inventory as one document.
type listReport struct {
	Schema string `json:"schema"`
	Rows   []row  `json:"rows"`
}

// listLine is one line of --jsonl.
type listLine struct {
	Schema string `json:"schema"`
	row
}

// row is an entry for machines.
type row struct {
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	State      string     `json:"state"`
	Serial     string     `json:"serial"`
	Subject    string     `json:"subject,omitempty"`
	SANs       []string   `json:"sans"`
	NotBefore  *time.Time `json:"not_before,omitempty"`
	NotAfter   *time.Time `json:"not_after,omitempty"`
	SHA256     string     `json:"sha256,omitempty"`
	IssuedAt   *time.Time `json:"issued_at,omitempty"`
	ReservedAt *time.Time `json:"reserved_at,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
	Reason     string     `json:"reason,omitempty"` // of the revocation
	Files      []string   `json:"files"`
	Note       string     `json:"note,omitempty"`
}

func (o *listOptions) row(e inventory.Entry) row {
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	r := row{
		Name: e.Name, Role: e.Role, State: string(e.StateAt(o.now())), Serial: e.Serial, Subject: e.Subject, SANs: e.SANs,
		NotBefore: when(e.NotBefore), NotAfter: when(e.NotAfter), SHA256: e.SHA256, IssuedAt: when(e.IssuedAt),
		ReservedAt: when(e.ReservedAt), RevokedAt: when(e.RevokedAt), Files: e.Files, Note: e.Note,
	}
	if r.RevokedAt != nil {
		r.Reason = e.Reason.String()
	}
	return r
}

// printTable prints aligned columns.
func (o *listOptions) printTable(rows iter.Seq2[inventory.Entry, error]) error {
	var cells [][]string
	for e, err := range rows {
		if err != nil {
			return err
		}
		expires := "-"
		if !e.NotAfter.IsZero() {
			expires = e.NotAfter.Format(time.DateOnly)
		}
		cells = append(cells, []string{e.Name, e.Role, string(e.StateAt(o.now())), expires, e.Serial})
	}
	if len(cells) == 0 {
		o.notice("nothing fits")
		return nil
	}
	return o.table([]string{"NAME", "ROLE", "STATE", "EXPIRES", "SERIAL"}, cells)
}

// printDocument prints one JSON document.
func (o *listOptions) printDocument(rows iter.Seq2[inventory.Entry, error]) error {
	doc := listReport{"mqttpki.list/1", []row{}}
	for e, err := range rows {
		if err != nil {
			return err
		}
		doc.Rows = append(doc.Rows, o.row(e))
	}
	return o.printJSON(doc)
}

// printLines prints one JSON object a line, as they come.
func (o *listOptions) printLines(rows iter.Seq2[inventory.Entry, error]) error {
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
	for e, err := range rows {
		if err != nil {
			return err
		}
		if err := enc.Encode(listLine{"mqttpki.list/1", o.row(e)}); err != nil {
			return fmt.Errorf("printing JSON: %w", err)
		}
	}
	return nil
}

// printCSV prints RFC 4180 lines, as they come.
func (o *listOptions) printCSV(rows iter.Seq2[inventory.Entry, error]) error {
	w := csv.NewWriter(o.out)
	date := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	if err := w.Write([]string{"name", "role", "state", "serial", "not_before", "not_after", "sha256", "revoked_at", "reason"}); err != nil {
		return err
	}
	for e, err := range rows {
		if err != nil {
			return err
		}
		r := o.row(e)
		if err := w.Write([]string{csvSafe(r.Name), r.Role, r.State, r.Serial, date(r.NotBefore), date(r.NotAfter), r.SHA256, date(r.RevokedAt), r.Reason}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// csvSafe keeps a spreadsheet from taking a name for a formula.
func csvSafe(name string) string {
	if strings.ContainsAny(name[:min(1, len(name))], "=+-@\t\r") {
		return "'" + name
	}
	return name
}
