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
	line    int    // where it begins, 1-based
	text    []byte // what lies between the block before and this one
	headers []byte // lines such as "Proc-Type: 4,ENCRYPTED", RFC 1421
	der     []byte
}

// scanner cuts a file into blocks. encoding/pem would do, but it skips what is damaged without a word and hands out
// no text between the blocks, where names are.
type scanner struct {
	rest []byte
	line int    // of the line taken last
	body []byte // the base64 of a block; its memory serves one block after another
	odd  oddText

	trailing bool // blanks followed the line taken last
}

// next returns the next line without its end, and false at the end of the file.
func (s *scanner) next() ([]byte, bool) {
	if len(s.rest) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(s.rest, []byte("\n"))
	s.rest = rest
	s.line++
	trimmed := bytes.TrimRight(line, blanks)
	s.trailing = len(trimmed) < len(bytes.TrimSuffix(line, []byte("\r")))
	return trimmed, true
}

// blanks may stand at either end of a line.
const blanks = " \t\r"

// scanned is what scan tells of a file.
type scanned struct {
	blocks int
	odd    oddText
}

// scan hands out the blocks of a file, one by one. What is damaged fails it: a block left out could be the one that
// matters.
func scan(data []byte, limits keystore.Limits, take func(*block) error) (scanned, error) {
	s := &scanner{}
	s.rest, s.odd.mark = bytes.CutPrefix(data, []byte("\xEF\xBB\xBF"))
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') >= 0 {
		s.rest, s.odd.lineEnds = bytes.ReplaceAll(s.rest, []byte("\r"), []byte("\n")), true // as old Macs ended lines
	}
	count, err := s.blocks(limits, take)
	return scanned{count, s.odd}, err
}

// blocks is scan behind its first bytes.
func (s *scanner) blocks(limits keystore.Limits, take func(*block) error) (count int, err error) {
	between := s.rest
	for {
		here := len(s.rest)
		line, ok := s.next()
		if !ok {
			return count, nil
		}
		switch begin := bytes.Index(line, []byte(beginMark)); {
		case begin == 0:
			if count == limits.Entries {
				return count, fmt.Errorf("more than %d blocks: %w", limits.Entries, keystore.ErrTooLarge)
			}
			count++
			s.odd.blanks = s.odd.blanks || s.trailing
			b, err := s.block(string(line))
			if err != nil {
				return count, err
			}
			b.text, between = between[:len(between)-here], s.rest
			if err := take(&b); err != nil {
				return count, fmt.Errorf("line %d: %w", b.line, err)
			}
		case begin > 0 && len(bytes.Trim(line[:begin], blanks)) == 0:
			return count, keystore.WithRemedy(malformed("line %d: the BEGIN line is indented; every line of a block must start at the margin", s.line), toMargin)
		case begin > 0 && bytes.Contains(line, []byte(endMark)):
			return count, s.oneLine()
		case bytes.HasPrefix(line, []byte(endMark)):
			return count, malformed("line %d: END without BEGIN", s.line)
		}
	}
}

// What makes PEM of text that only nearly is, as it stands in YAML, in JSON and in variables.
const (
	toMargin   = `sed 's/^[[:blank:]]*//' FILE > OUT.pem moves all lines to the margin`
	linesApart = `awk -F----- '{gsub(/\\n/,"\n"); for(i=2;i<NF;i+=4) {gsub(/ /,"\n",$(i+1)); print "-----"$i"-----\n"$(i+1)"\n-----"$(i+2)"-----"}}'` +
		` FILE | grep . | fold -w 64 > OUT.pem breaks the lines`
)

// oneLine is the error for a block whose line breaks are missing.
func (s *scanner) oneLine() error {
	return keystore.WithRemedy(malformed("line %d: the block is all on one line", s.line), linesApart)
}

// block reads the block that the line given begins.
func (s *scanner) block(begin string) (block, error) {
	b := block{line: s.line}
	label, ok := strings.CutSuffix(begin[len(beginMark):], dashes)
	if !ok || len(label) > maxLabel || strings.Contains(label, dashes) {
		if strings.Contains(begin, endMark) {
			return b, s.oneLine()
		}
		return b, malformed("line %d: a BEGIN line that does not end in %s", s.line, dashes)
	}
	b.label = label
	s.body = s.body[:0]
	inside := s.rest
	for {
		line, ok := s.next()
		switch {
		case !ok:
			return b, malformed("line %d: the block %q has no END", b.line, label)
		case bytes.HasPrefix(line, []byte(endMark)):
			if string(line) != endMark+label+dashes {
				return b, malformed("line %d: the block %q ends with %q", s.line, label, line[:min(len(line), maxLabel)])
			}
			s.odd.blanks = s.odd.blanks || s.trailing
			der := make([]byte, base64.StdEncoding.DecodedLen(len(s.body)))
			n, err := base64.StdEncoding.Decode(der, s.body)
			if err != nil {
				return b, malformed("line %d: the block %q is not base64", b.line, label)
			}
			b.der = der[:n]
			return b, nil
		case len(line) == 0 && len(s.body) > 0:
			s.odd.blankLines = true
		case len(s.body) == 0 && bytes.IndexByte(line, ':') >= 0:
			b.headers = inside[:len(inside)-len(s.rest)]
		default:
			s.body = append(s.body, bytes.TrimLeft(line, blanks)...)
		}
	}
}

// header returns the value of a header of the block, "" when it has none.
func (b *block) header(name string) string {
	for rest := b.headers; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		key, value, _ := bytes.Cut(line, []byte(":"))
		if strings.EqualFold(string(bytes.TrimSpace(key)), name) {
			return string(bytes.TrimSpace(value))
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
