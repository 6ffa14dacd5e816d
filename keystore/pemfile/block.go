package pemfile

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// The marks around a block, RFC 7468 section 2.
const (
	dashes    = "-----"
	beginMark = "-----BEGIN "
	endMark   = "-----END "
	maxLabel  = 64 // the longest known is half of it
)

// block is one block of a PEM file.
type block struct {
	label   string
	line    int      // where it begins, 1-based
	text    []string // the lines between the block before and this one
	headers []string // "Proc-Type: 4,ENCRYPTED", RFC 1421
	der     []byte
}

// scanner cuts a file into blocks. encoding/pem would do, but it skips what is damaged without a word and hands out
// no text between the blocks, where names are.
type scanner struct {
	rest []byte
	line int // of the line taken last
}

// next returns the next line without its end, and false at the end of the file.
func (s *scanner) next() (string, bool) {
	if len(s.rest) == 0 {
		return "", false
	}
	line, rest, _ := bytes.Cut(s.rest, []byte("\n"))
	s.rest = rest
	s.line++
	return strings.TrimRight(string(line), " \t\r"), true
}

// scan returns the blocks of a file. What is damaged fails it: a block left out could be the one that matters.
func scan(data []byte, limits keystore.Limits) ([]block, error) {
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return nil, malformed("the text is UTF-16; save it as UTF-8")
	}
	if !bytes.ContainsRune(data, '\n') {
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n")) // as old Macs ended lines
	}
	s := &scanner{rest: data}
	var blocks []block
	var text []string
	for {
		line, ok := s.next()
		if !ok {
			return blocks, nil
		}
		switch begin := strings.Index(line, beginMark); {
		case begin == 0:
			if len(blocks) == limits.Entries {
				return nil, fmt.Errorf("more than %d blocks: %w", limits.Entries, keystore.ErrTooLarge)
			}
			b, err := s.block(line)
			if err != nil {
				return nil, err
			}
			b.text, text = text, nil
			blocks = append(blocks, b)
		case begin > 0 && strings.TrimSpace(line[:begin]) == "":
			return nil, malformed("line %d: the BEGIN line is indented; every line of a block must start at the margin", s.line)
		case begin > 0 && strings.Contains(line, endMark):
			return nil, malformed("line %d: the block is all on one line", s.line)
		case strings.HasPrefix(line, endMark):
			return nil, malformed("line %d: END without BEGIN", s.line)
		case line != "":
			text = append(text, line)
		}
	}
}

// block reads the block that the line given begins.
func (s *scanner) block(begin string) (block, error) {
	b := block{line: s.line}
	label, ok := strings.CutSuffix(begin[len(beginMark):], dashes)
	if !ok || len(label) > maxLabel || strings.Contains(label, dashes) {
		if strings.Contains(begin, endMark) {
			return b, malformed("line %d: the block is all on one line", s.line)
		}
		return b, malformed("line %d: a BEGIN line that does not end in %s", s.line, dashes)
	}
	b.label = label
	var body []byte
	for {
		line, ok := s.next()
		switch {
		case !ok:
			return b, malformed("line %d: the block %q has no END", b.line, label)
		case strings.HasPrefix(line, endMark):
			if line != endMark+label+dashes {
				return b, malformed("line %d: the block %q ends with %q", s.line, label, line[:min(len(line), maxLabel)])
			}
			der := make([]byte, base64.StdEncoding.DecodedLen(len(body)))
			n, err := base64.StdEncoding.Decode(der, body)
			if err != nil {
				return b, malformed("line %d: the block %q is not base64", b.line, label)
			}
			b.der = der[:n]
			return b, nil
		case len(body) == 0 && strings.Contains(line, ":"):
			b.headers = append(b.headers, line)
		default:
			body = append(body, strings.TrimLeft(line, " \t")...)
		}
	}
}

// header returns the value of a header of the block, "" when it has none.
func (b *block) header(name string) string {
	for _, h := range b.headers {
		key, value, _ := strings.Cut(h, ":")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// appendBlock appends a block in the strict form of RFC 7468 section 3, which every reader takes.
func appendBlock(out []byte, label string, der []byte) []byte {
	out = append(append(append(out, beginMark...), label...), dashes...)
	out = append(out, '\n')
	const width = 48 // bytes of a line of 64 characters
	for len(der) > 0 {
		n := min(width, len(der))
		out = base64.StdEncoding.AppendEncode(out, der[:n])
		out = append(out, '\n')
		der = der[n:]
	}
	out = append(append(append(out, endMark...), label...), dashes...)
	return append(out, '\n')
}
