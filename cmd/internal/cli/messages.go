package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// messages are what a command would tell a person on standard error. With --json that has nothing but documents, so they
// are kept for the next one that is printed: the command's own, that of its error, or at the end one for themselves. It is
// safe for use by several goroutines.
type messages struct {
	mu   sync.Mutex
	list []string
}

func (m *messages) add(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, strings.TrimSpace(text))
}

// take returns what there is, for a document. A nil one never has any.
func (m *messages) take() []string {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = nil
	return list
}

// messagesDocument is printed to standard error where no other document was left to carry them.
type messagesDocument struct {
	Messages []string `json:"messages"`
}

// tellRest prints the messages that no document has carried.
func (d *deps) tellRest() {
	if list := d.told.take(); len(list) > 0 {
		d.sayDocument(messagesDocument{list})
	}
}

// sayDocument prints a document to standard error.
func (d *deps) sayDocument(doc any) {
	text, _ := json.MarshalIndent(doc, "", "  ") // of strings and numbers alone
	_, _ = fmt.Fprintf(d.err, "%s\n", escapeControls(text))
}

// withMessages adds messages to a document, which is an object with at least one field, as its last field.
func withMessages(doc []byte, list []string) ([]byte, error) {
	if len(list) == 0 {
		return doc, nil
	}
	field, err := json.Marshal(messagesDocument{list})
	if err != nil {
		return nil, err
	}
	doc = append(doc[:len(doc)-len("}")], ',')
	return append(doc, field[len("{"):]...), nil
}
