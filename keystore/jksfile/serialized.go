package jksfile

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Tags and flags of the Java Object Serialization Stream Protocol, version 5 (Java SE specification, chapter 6).
const (
	streamHeader = 0xACED0005

	tcNull          = 0x70
	tcReference     = 0x71
	tcClassDesc     = 0x72
	tcObject        = 0x73
	tcString        = 0x74
	tcArray         = 0x75
	tcBlockData     = 0x77
	tcEndBlockData  = 0x78
	tcBlockDataLong = 0x7A
	tcEnum          = 0x7E

	scWriteMethod  = 0x01
	scSerializable = 0x02
	baseHandle     = 0x7E0000 // the number of the first thing that can be referred to
)

// What a secret key takes is far below these; a stream beyond them is not one.
const (
	maxHandles = 256
	maxFields  = 64
	maxNesting = 16
)

// object is what came out of a stream: its class, and by field name a []byte, a string, an *object, or nil where
// the field holds null or a number, which nobody here asks for.
type object struct {
	class  string
	fields map[string]any
}

// class is a class descriptor.
type class struct {
	name   string
	flags  byte
	fields []field
	super  *class
}

// field is one field of a class.
type field struct {
	kind byte // B C D F I J S Z [ L
	name string
}

// unserialize reads one object from the front of in, as far as secret keys need it: objects of plain classes, byte
// arrays, strings and enum constants. Nothing is ever made of a class by its name, so no stream can do harm beyond
// being refused.
func unserialize(in *reader) (*object, error) {
	if in.u32() != streamHeader {
		return nil, malformed("no serialized Java object")
	}
	s := &stream{in: in}
	value, err := s.value(0)
	if err != nil {
		return nil, err
	}
	if in.failed {
		return nil, malformed("a serialized Java object is cut short")
	}
	o, ok := value.(*object)
	if !ok {
		return nil, malformed("no serialized Java object")
	}
	return o, nil
}

// stream is one reading of one stream.
type stream struct {
	in      *reader
	handles []any // *class, string, []byte, *object
}

// remember gives the next handle to v.
func (s *stream) remember(v any) error {
	if len(s.handles) == maxHandles {
		return fmt.Errorf("a serialized Java object of more than %d parts: %w", maxHandles, keystore.ErrTooLarge)
	}
	s.handles = append(s.handles, v)
	return nil
}

// referred returns what a handle in the stream stands for.
func (s *stream) referred() (any, error) {
	handle := int64(s.in.u32()) - baseHandle
	if handle < 0 || handle >= int64(len(s.handles)) {
		return nil, malformed("a serialized Java object refers to nothing")
	}
	return s.handles[handle], nil
}

// value reads one object, array, string, enum constant or null.
func (s *stream) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("a serialized Java object nested more than %d deep: %w", maxNesting, keystore.ErrTooLarge)
	}
	switch tag := s.in.u8(); tag {
	case tcNull:
		return nil, nil
	case tcReference:
		return s.referred()
	case tcString:
		text, ok := decodeModifiedUTF8(s.in.text())
		if !ok {
			return nil, malformed("a serialized Java string is not modified UTF-8")
		}
		return text, s.remember(text)
	case tcArray:
		return s.array(depth)
	case tcObject:
		return s.object(depth)
	case tcEnum:
		return s.enum(depth)
	default:
		if s.in.failed {
			return nil, malformed("a serialized Java object is cut short")
		}
		return nil, fmt.Errorf("tag %#x in a serialized Java object: %w", tag, keystore.ErrUnsupported)
	}
}

// array reads a byte array.
func (s *stream) array(depth int) (any, error) {
	c, err := s.classDesc(depth + 1)
	if err != nil {
		return nil, err
	}
	if c == nil || c.name != "[B" {
		return nil, fmt.Errorf("an array that is not of bytes in a serialized Java object: %w", keystore.ErrUnsupported)
	}
	at := len(s.handles)
	if err := s.remember(nil); err != nil {
		return nil, err
	}
	content := s.in.block()
	s.handles[at] = content
	return content, nil
}

// enum reads an enum constant; its name is its value.
func (s *stream) enum(depth int) (any, error) {
	if _, err := s.classDesc(depth + 1); err != nil {
		return nil, err
	}
	if err := s.remember(nil); err != nil {
		return nil, err
	}
	return s.value(depth + 1)
}

// object reads an object: the values of its fields, class by class from the topmost down.
func (s *stream) object(depth int) (any, error) {
	c, err := s.classDesc(depth + 1)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, malformed("a serialized Java object has no class")
	}
	o := &object{class: c.name}
	if err := s.remember(o); err != nil {
		return nil, err
	}
	var classes []*class
	for ; c != nil; c = c.super {
		classes = append(classes, c)
	}
	for i := len(classes) - 1; i >= 0; i-- {
		if err := s.fieldsOf(classes[i], o, depth+1); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// fieldsOf reads the values of one class's fields into o, and skips what the class wrote besides.
func (s *stream) fieldsOf(c *class, o *object, depth int) error {
	if c.flags&scSerializable == 0 {
		return fmt.Errorf("class %q in a serialized Java object: %w", c.name, keystore.ErrUnsupported)
	}
	for _, f := range c.fields {
		if size, primitive := primitives[f.kind]; primitive {
			s.in.take(size)
			continue
		}
		value, err := s.value(depth)
		if err != nil {
			return err
		}
		if o.fields == nil {
			o.fields = map[string]any{}
		}
		o.fields[f.name] = value
	}
	if c.flags&scWriteMethod != 0 {
		return s.annotation(depth)
	}
	return nil
}

// primitives are the sizes of the types that need no value of their own.
var primitives = map[byte]int64{'B': 1, 'C': 2, 'D': 8, 'F': 4, 'I': 4, 'J': 8, 'S': 2, 'Z': 1}

// annotation skips what a class wrote by hand, up to its end mark.
func (s *stream) annotation(depth int) error {
	for {
		if s.in.failed || len(s.in.rest) == 0 {
			return malformed("a serialized Java object is cut short")
		}
		switch s.in.rest[0] {
		case tcEndBlockData:
			s.in.u8()
			return nil
		case tcBlockData:
			s.in.u8()
			s.in.take(int64(s.in.u8()))
		case tcBlockDataLong:
			s.in.u8()
			s.in.block()
		default:
			if _, err := s.value(depth); err != nil {
				return err
			}
		}
	}
}

// classDesc reads a class descriptor, nil where the stream has null.
func (s *stream) classDesc(depth int) (*class, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("a serialized Java object nested more than %d deep: %w", maxNesting, keystore.ErrTooLarge)
	}
	switch tag := s.in.u8(); tag {
	case tcNull:
		return nil, nil
	case tcReference:
		known, err := s.referred()
		if err != nil {
			return nil, err
		}
		c, ok := known.(*class)
		if !ok {
			return nil, malformed("a serialized Java object refers to a class that is none")
		}
		return c, nil
	case tcClassDesc:
		return s.newClassDesc(depth)
	default:
		return nil, malformed("tag %#x where a serialized Java object has its class", tag)
	}
}

// newClassDesc reads a class descriptor that stands in the stream for the first time.
func (s *stream) newClassDesc(depth int) (*class, error) {
	c := &class{name: string(s.in.text())}
	s.in.take(8) // serialVersionUID
	if err := s.remember(c); err != nil {
		return nil, err
	}
	c.flags = s.in.u8()
	count := s.in.u16()
	if count > maxFields {
		return nil, fmt.Errorf("a serialized Java class of %d fields: %w", count, keystore.ErrTooLarge)
	}
	for range count {
		f := field{kind: s.in.u8(), name: string(s.in.text())}
		_, primitive := primitives[f.kind]
		if !primitive && f.kind != '[' && f.kind != 'L' {
			return nil, malformed("field type %#x in a serialized Java object", f.kind)
		}
		if !primitive {
			if _, err := s.value(depth + 1); err != nil { // the name of the field's class
				return nil, err
			}
		}
		c.fields = append(c.fields, f)
	}
	if err := s.annotation(depth + 1); err != nil {
		return nil, err
	}
	// The superclass is set last, after c could be referred to: c must not become its own ancestor.
	super, err := s.classDesc(depth + 1)
	if err != nil {
		return nil, err
	}
	for up := super; up != nil; up = up.super {
		if up == c {
			return nil, malformed("a serialized Java class is its own superclass")
		}
	}
	c.super = super
	return c, nil
}
