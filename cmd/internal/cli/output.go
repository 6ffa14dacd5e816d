package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

// printJSON writes one document, indented, as every --json does. The document's first field is its schema.
func (d *deps) printJSON(doc any) error {
	enc := json.NewEncoder(d.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}

// table prints rows under a header in aligned columns. Cells are made printable: names come from untrusted files.
func (d *deps) table(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(printable(cell), "\t", " ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}
