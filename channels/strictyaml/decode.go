package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Decode reads one YAML document into the struct that into points to. Fields are named by their `yaml` tag and are
// strings, bools, ints, [Node], structs, or slices, pointers and string-keyed maps of these; a pointer tells a
// value that is absent from one that is zero. What can be read is stored even when there are problems.
//
// The error is [Problems], or wraps [keystore.ErrTooLarge]. Positions are complete for what was read in both cases.
func Decode(data []byte, into any, opts Options) (Positions, error) {
	body, err := parse(data, opts)
	if err != nil {
		return Positions{}, err
	}
	return decode(body, "", into)
}

// Decode reads the value into the struct that into points to, as [Decode] does; positions are those in the file.
func (n Node) Decode(into any) (Positions, error) {
	if n.node == nil {
		return Positions{}, nil
	}
	return decode(n.node, n.path, into)
}

// Position returns where the value begins.
func (n Node) Position() Position { return positionOf(n.node) }

// Given reports whether there is a value.
func (n Node) Given() bool { return n.node != nil }

// YAML returns the value as YAML text that stands for itself: without the indentation it has in its file.
func (n Node) YAML() []byte {
	if n.node == nil {
		return nil
	}
	text := n.node.String()
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimPrefix(line, indent))
	}
	return []byte(b.String() + "\n")
}

// decode runs one decoder.
func decode(body ast.Node, path string, into any) (Positions, error) {
	d := &decoder{positions: Positions{}}
	d.value(body, path, 0, reflect.ValueOf(into).Elem())
	d.problems.sort()
	if len(d.problems) > 0 {
		return d.positions, d.problems
	}
	return d.positions, nil
}

// decoder walks the syntax tree and the Go value side by side.
type decoder struct {
	positions Positions
	problems  Problems
}

// add reports a problem at a node.
func (d *decoder) add(n ast.Node, kind Kind, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		Position: positionOf(n), Kind: kind, Path: path, Text: fmt.Sprintf(format, args...),
	})
}

// nodeType is the type of fields that take whatever stands there.
var nodeType = reflect.TypeFor[Node]()

// value decodes n into v.
func (d *decoder) value(n ast.Node, path string, depth int, v reflect.Value) {
	d.positions[path] = positionOf(n)
	if depth > maxDepth {
		d.add(n, KindSyntax, path, "nested deeper than %d", maxDepth)
		return
	}
	if !d.plain(n, path) {
		return
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(Node{node: n, path: path}))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, path, depth, v.Elem())
	case reflect.Struct:
		d.structure(n, path, depth, v)
	case reflect.Map:
		d.mapping(n, path, depth, v)
	case reflect.Slice:
		d.sequence(n, path, depth, v)
	default:
		d.scalar(n, path, v)
	}
}

// plain refuses what makes a document mean something else than it seems to.
func (d *decoder) plain(n ast.Node, path string) bool {
	what := ""
	switch n.(type) {
	case *ast.AnchorNode:
		what = "an anchor (&name)"
	case *ast.AliasNode:
		what = "an alias (*name); write a pattern that begins with * in quotes"
	case *ast.TagNode:
		what = "a tag (!name)"
	case *ast.DirectiveNode:
		what = "a directive (%name)"
	default:
		return true
	}
	d.add(n, KindSyntax, path, "%s is not read here", what)
	return false
}

// entries returns the key-value pairs of a mapping node.
func entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// eachKey calls f for every well-formed, first use of a key in a mapping.
func (d *decoder) eachKey(n ast.Node, path string, f func(key, path string, e *ast.MappingValueNode)) {
	pairs, ok := entries(n)
	if !ok {
		d.add(n, KindType, path, "%s where key: value pairs are wanted", describe(n))
		return
	}
	seen := map[string]bool{}
	for _, e := range pairs {
		key, ok := e.Key.(*ast.StringNode)
		if !ok {
			d.add(e.Key, KindSyntax, path, "a key must be plain text, not %s", describe(e.Key))
			continue
		}
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if seen[key.Value] {
			d.add(e, KindDuplicate, at, "the key stands here a second time")
			continue
		}
		seen[key.Value] = true
		f(key.Value, at, e)
	}
}

// structure decodes a mapping into a struct.
func (d *decoder) structure(n ast.Node, path string, depth int, v reflect.Value) {
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	d.eachKey(n, path, func(key, at string, e *ast.MappingValueNode) {
		i, known := fields[key]
		if !known {
			d.add(e, KindUnknown, at, "unknown key; known here: %s", strings.Join(names, ", "))
			return
		}
		d.value(e.Value, at, depth+1, v.Field(i))
	})
}

// mapping decodes a mapping into a map.
func (d *decoder) mapping(n ast.Node, path string, depth int, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.eachKey(n, path, func(key, at string, e *ast.MappingValueNode) {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, at, depth+1, elem)
		v.SetMapIndex(reflect.ValueOf(key), elem)
	})
}

// sequence decodes a list into a slice.
func (d *decoder) sequence(n ast.Node, path string, depth int, v reflect.Value) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.add(n, KindType, path, "%s where a list is wanted", describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		d.value(item, path+"["+strconv.Itoa(i)+"]", depth+1, v.Index(i))
	}
}

// scalar decodes text, a number or a truth value.
func (d *decoder) scalar(n ast.Node, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		switch n := n.(type) {
		case *ast.StringNode:
			v.SetString(n.Value)
			return
		case *ast.LiteralNode:
			v.SetString(n.Value.Value)
			return
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			d.add(n, KindType, path, "%s where text is wanted; put it in quotes", describe(n))
			return
		}
		d.add(n, KindType, path, "%s where text is wanted", describe(n))
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.add(n, KindType, path, "%s where true or false is wanted", describe(n))
	case reflect.Int, reflect.Int64:
		d.integer(n, path, v)
	default:
		panic(fmt.Sprintf("strictyaml: a field of type %s is not supported", v.Type()))
	}
}

// integer decodes a whole number written in decimal: 010 and 1_000 mean different things to different readers.
func (d *decoder) integer(n ast.Node, path string, v reflect.Value) {
	node, ok := n.(*ast.IntegerNode)
	if !ok {
		d.add(n, KindType, path, "%s where a whole number is wanted", describe(n))
		return
	}
	text := strings.TrimSpace(node.Token.Value)
	i, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil || strconv.FormatInt(i, 10) != text {
		d.add(n, KindType, path, "%q is not a whole number in plain decimal, or too large", text)
		return
	}
	v.SetInt(i)
}

// describe names what a node is, for a message.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "a truth value"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "key: value pairs"
	case *ast.SequenceNode:
		return "a list"
	case nil:
		return "nothing"
	default:
		return strings.ToLower(n.Type().String())
	}
}

// Keys returns the keys of a mapping in the order of the alphabet, or nil when the node is none.
func (n Node) Keys() []string {
	pairs, _ := entries(n.node)
	var keys []string
	for _, e := range pairs {
		if key, ok := e.Key.(*ast.StringNode); ok {
			keys = append(keys, key.Value)
		}
	}
	slices.Sort(keys)
	return keys
}
