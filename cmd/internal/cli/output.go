package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode/utf8"
)

// resultWriter is standard output. Whoever prints a line need not look whether it arrived: the command fails at its end if
// any did not, such as on a full disk. It is safe for use by several goroutines.
type resultWriter struct {
	mu  sync.Mutex
	w   io.Writer
	err error // the first
}

func (r *resultWriter) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.w.Write(p)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// lost is the error for what was printed and did not arrive.
func (r *resultWriter) lost() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("writing to standard output: %w", pathReason(r.err))
}

// printJSON writes one document, indented, as every --json does. The document's first field is its schema, its last the
// messages that there are so far.
func (d *deps) printJSON(doc any) error {
	var compact, text bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	err := enc.Encode(doc)
	if err == nil {
		var whole []byte
		if whole, err = withMessages(bytes.TrimSpace(compact.Bytes()), d.told.take()); err == nil {
			err = json.Indent(&text, whole, "", "  ")
		}
	}
	if err == nil {
		text.WriteByte('\n')
		_, err = d.out.Write(escapeControls(text.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	return nil
}

// escapeControls spells what encoding/json leaves as it is, though a terminal would obey it, as \uXXXX. It stands nowhere
// but within strings there, so the document says the same.
func escapeControls(text []byte) []byte {
	var out []byte
	rest := text
	for len(rest) > 0 {
		i := bytes.IndexFunc(rest, func(r rune) bool { return r != '\n' && isControl(r) })
		if i < 0 {
			break
		}
		r, size := utf8.DecodeRune(rest[i:])
		out = fmt.Appendf(append(out, rest[:i]...), `\u%04x`, r)
		rest = rest[i+size:]
	}
	if out == nil {
		return text
	}
	return append(out, rest...)
}

// table prints rows under a header in aligned columns. Cells are made printable: names come from untrusted files.
func (d *deps) table(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printableLine(cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}
