package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/mqttpki/mqttpki/keystore"
)

// What a settings file never reaches. The library recurses with the nesting of its input, and a block can only
// nest as deep as its line is long.
const (
	defaultBytes = 1 << 20
	maxLine      = 4096 // bytes
	maxDepth     = 32   // of flow collections, and of everything when it is decoded
)

// Options tunes one reading. The zero value is usable.
type Options struct {
	MaxBytes int // size of the file; 0 means 1 MiB
}

// Node is a value that is not decoded yet: a field of this type takes whatever stands there.
type Node struct {
	node ast.Node
	path string
}

// parse returns the one document of a file, or nil and what is wrong. A panic of the library is a malformed file:
// it must not end a program that reads someone else's bytes.
func parse(data []byte, opts Options) (body ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			body, err = nil, syntax(Position{}, "not YAML that can be read")
		}
	}()
	data = bytes.TrimPrefix(data, byteOrderMark)
	if err := bound(data, opts); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(string(data))
	if err := shallow(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, explained(syntaxOf(err), data)
	}
	if len(file.Docs) == 0 || file.Docs[0] == nil || file.Docs[0].Body == nil {
		return nil, syntax(Position{1, 1}, "the file is empty")
	}
	if len(file.Docs) > 1 {
		return nil, syntax(positionOf(file.Docs[1]), "a second document: one file is one document")
	}
	return file.Docs[0].Body, nil
}

// bound checks what can be checked before parsing.
func bound(data []byte, opts Options) error {
	limit := opts.MaxBytes
	if limit <= 0 {
		limit = defaultBytes
	}
	if len(data) > limit {
		return fmt.Errorf("%d bytes of YAML, %d allowed: %w", len(data), limit, keystore.ErrTooLarge)
	}
	if !utf8.Valid(data) {
		return syntax(Position{1, 1}, "not UTF-8 text")
	}
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		if len(text) > maxLine {
			return fmt.Errorf("line %d has %d bytes, %d allowed: %w", line, len(text), maxLine, keystore.ErrTooLarge)
		}
		for i, r := range text {
			if (r < ' ' && r != '\t' && r != '\n' && r != '\r') || r == 0x7f {
				return syntax(Position{line, utf8.RuneCountInString(text[:i]) + 1}, fmt.Sprintf("control character %U", r))
			}
		}
	}
	return nil
}

// shallow refuses flow collections nested deeper than any setting is.
func shallow(tokens token.Tokens) error {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("line %d: nested deeper than %d: %w", t.Position.Line, maxDepth, keystore.ErrTooLarge)
		}
	}
	return nil
}

// syntax returns the error for one syntax problem.
func syntax(at Position, text string) error {
	return Problems{{Position: at, Kind: KindSyntax, Text: text}}
}

// byteOrderMark begins the files of some editors on Windows; it is no part of the text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// explained says in plain words what the two commonest syntax errors are: the library's words for them name neither.
func explained(err error, data []byte) error {
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != 1 || ps[0].Line < 1 {
		return err
	}
	lines := strings.Split(string(data), "\n")
	if ps[0].Line > len(lines) {
		return err
	}
	line := lines[ps[0].Line-1]
	if before, _, tab := strings.Cut(line, "\t"); tab && strings.Trim(before, " -") == "" {
		return syntax(ps[0].Position, "a tab, and YAML is indented with blanks")
	}
	if at := bareStar.FindStringIndex(line); at != nil {
		star := Position{ps[0].Line, utf8.RuneCountInString(line[:at[1]])}
		return syntax(star, `a value that begins with * needs quotes: "*"`)
	}
	return err
}

// bareStar matches a value that begins with a star outside quotes, which YAML takes for an alias.
var bareStar = regexp.MustCompile(`^[^"'#]*?(:|-|,|\[) *\*`)

// placed matches the place with which the library begins a message when it gives no token.
var placed = regexp.MustCompile(`^\[(\d+):(\d+)\] `)

// syntaxOf turns the library's error into ours, without the excerpt of the source that it prints.
func syntaxOf(err error) error {
	var yamlErr yaml.Error
	if !errors.As(err, &yamlErr) {
		return syntax(Position{}, firstLine(err.Error()))
	}
	at := Position{}
	if t := yamlErr.GetToken(); t != nil && t.Position != nil {
		at = Position{t.Position.Line, t.Position.Column}
	}
	return syntax(at, firstLine(yamlErr.GetMessage()))
}

// firstLine returns the first line of a library's message, without its place.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return placed.ReplaceAllString(s, "")
}

// positionOf returns where a node begins.
func positionOf(n ast.Node) Position {
	var t *token.Token
	switch n := n.(type) {
	case *ast.DocumentNode:
		if n.Body != nil {
			return positionOf(n.Body)
		}
		t = n.Start
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return positionOf(n.Values[0])
		}
		t = n.Start
	case *ast.MappingValueNode:
		t = n.Key.GetToken()
	case nil:
		return Position{}
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return Position{}
	}
	return Position{t.Position.Line, t.Position.Column}
}
