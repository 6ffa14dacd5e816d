// Package ber turns BER (X.690 section 8) into the part of DER that Go's parsers insist on: definite lengths in their
// shortest form, and OCTET STRINGs in one piece. NSS, Bouncy Castle and streaming OpenSSL write the former. [Writer] writes
// DER.
//
// It knows nothing of what the bytes mean. So an OCTET STRING under a context tag, whose tag does not tell what it is,
// stays constructed: [Octets] puts that together for a caller who knows. SETs are not sorted, numbers and strings not
// checked. Input that is DER already comes back as it is, not copied.
package ber

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// The first octet of some elements, and what it is made of.
const (
	tagOctets      = 0x04
	tagConstructed = 0x20
	tagNumberMask  = 0x1F // all ones: the number follows in octets of its own
)

// maxTag is the longest tag in octets that is read: the first, and five for a number of 31 bits, as in encoding/asn1.
const maxTag = 6

// Normalize converts the element that data begins with, and returns what follows it. It fails with
// [keystore.ErrFormat], or with ErrTooLarge where elements are nested deeper than depth.
func Normalize(data []byte, depth int) (der, rest []byte, err error) {
	e, rest, err := parse(data, depth)
	if err != nil {
		return nil, nil, fmt.Errorf("reading BER: %w", err)
	}
	return e.raw, rest, nil
}

// Octets returns the content of an element that is an OCTET STRING under whatever tag: as it stands when primitive, its
// pieces joined when constructed. The element must come from [Normalize].
func Octets(element []byte) ([]byte, error) {
	h, err := parseHeader(element)
	if err != nil || h.size+h.length != len(element) {
		return nil, fmt.Errorf("reading BER: an OCTET STRING has no sound length: %w", keystore.ErrFormat)
	}
	if element[0]&tagConstructed == 0 {
		return element[h.size:], nil
	}
	return join(element[h.size:])
}

// element is one element after conversion.
type element struct {
	raw  []byte
	same bool // raw is a part of the input
}

// header is a tag and a length.
type header struct {
	tag        int // octets of the tag
	size       int // octets of tag and length together
	length     int // of the content; 0 when indefinite
	indefinite bool
	shortest   bool // the length is in DER's form
}

// parse converts one element.
func parse(data []byte, depth int) (element, []byte, error) {
	if depth <= 0 {
		return element{}, nil, fmt.Errorf("nested too deep: %w", keystore.ErrTooLarge)
	}
	h, err := parseHeader(data)
	if err != nil {
		return element{}, nil, err
	}
	constructed := data[0]&tagConstructed != 0
	if h.indefinite && !constructed {
		return element{}, nil, fmt.Errorf("a primitive element of indefinite length: %w", keystore.ErrFormat)
	}
	content := data[h.size:]
	if !h.indefinite {
		content = content[:h.length]
	}
	if !constructed {
		return assemble(data, h, content, true), data[h.size+h.length:], nil
	}
	body, after, same, err := children(content, h.indefinite, depth)
	if err != nil {
		return element{}, nil, err
	}
	rest := after
	if !h.indefinite {
		rest = data[h.size+h.length:]
	}
	if data[0] == tagOctets|tagConstructed {
		if body, err = join(body); err != nil {
			return element{}, nil, err
		}
		return rebuild([]byte{tagOctets}, body), rest, nil
	}
	return assemble(data, h, body, same), rest, nil
}

// children converts the elements of a constructed one, up to the end of content or, where the length is indefinite, to
// its end-of-contents octets. Same is true when nothing had to change.
func children(content []byte, indefinite bool, depth int) (body, after []byte, same bool, err error) {
	whole, start := true, content
	for {
		if indefinite {
			if len(content) >= 2 && content[0] == 0 && content[1] == 0 {
				if whole {
					body = start[:len(start)-len(content)]
				}
				return body, content[2:], whole, nil
			}
		} else if len(content) == 0 {
			if whole {
				body = start
			}
			return body, nil, whole, nil
		}
		child, rest, err := parse(content, depth-1)
		if err != nil {
			return nil, nil, false, err
		}
		if whole && !child.same {
			whole = false
			body = append([]byte(nil), start[:len(start)-len(content)]...)
		}
		if !whole {
			body = append(body, child.raw...)
		}
		content = rest
	}
}

// assemble returns the element with converted content, as a part of the input where nothing changed.
func assemble(data []byte, h header, body []byte, same bool) element {
	if same && h.shortest && !h.indefinite {
		return element{raw: data[:h.size+h.length], same: true}
	}
	return rebuild(data[:h.tag], body)
}

// rebuild writes an element anew.
func rebuild(tag, body []byte) element {
	out := append(make([]byte, 0, len(tag)+5+len(body)), tag...)
	out = appendLength(out, len(body))
	return element{raw: append(out, body...)}
}

// join puts the pieces of a constructed OCTET STRING together; each is primitive by now.
func join(pieces []byte) ([]byte, error) {
	var out []byte
	for len(pieces) > 0 {
		h, err := parseHeader(pieces)
		if err != nil || pieces[0] != tagOctets || h.indefinite {
			return nil, fmt.Errorf("a piece of an OCTET STRING is none: %w", keystore.ErrFormat)
		}
		out = append(out, pieces[h.size:h.size+h.length]...)
		pieces = pieces[h.size+h.length:]
	}
	return out, nil
}

// errCut is the error of an element whose end is not there.
var errCut = fmt.Errorf("an element is cut short: %w", keystore.ErrFormat)

// parseHeader reads a tag and a length, and makes sure that the content is there.
func parseHeader(data []byte) (header, error) {
	h := header{tag: 1}
	if len(data) < 2 {
		return h, errCut
	}
	if data[0]&tagNumberMask == tagNumberMask {
		for h.tag < len(data) && data[h.tag]&0x80 != 0 {
			h.tag++
		}
		h.tag++
	}
	if h.tag > maxTag {
		return h, fmt.Errorf("an element has a tag of %d octets: %w", h.tag, keystore.ErrFormat)
	}
	if h.tag >= len(data) {
		return h, errCut
	}
	first := data[h.tag]
	h.size = h.tag + 1
	switch {
	case first == 0x80:
		h.indefinite = true
		return h, nil
	case first < 0x80:
		h.length, h.shortest = int(first), true
	default:
		n := int(first & 0x7F)
		if n > 8 || h.size+n > len(data) {
			return h, errCut
		}
		var length uint64
		for _, b := range data[h.size : h.size+n] {
			length = length<<8 | uint64(b)
		}
		h.shortest = length >= 0x80 && data[h.size] != 0
		h.size += n
		if length > uint64(len(data)) {
			return h, errCut
		}
		h.length = int(length)
	}
	if h.length > len(data)-h.size {
		return h, errCut
	}
	return h, nil
}

// appendLength appends a length in DER's form.
func appendLength(out []byte, n int) []byte {
	if n < 0x80 {
		return append(out, byte(n))
	}
	size := 1
	for m := n >> 8; m > 0; m >>= 8 {
		size++
	}
	out = append(out, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		out = append(out, byte(n>>(8*i)))
	}
	return out
}
