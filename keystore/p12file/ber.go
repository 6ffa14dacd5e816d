package p12file

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// ASN.1 tags that matter here.
const (
	tagOctets         = 0x04
	tagOctetsChunked  = 0x24 // an OCTET STRING in pieces, BER only
	constructed       = 0x20
	indefinite        = 0x80 // as a length
	longestLengthForm = 8    // bytes of a length; more can't be honest
)

// toDER rewrites the first value in data from BER to DER as far as a PKCS12 file needs that: lengths become definite
// and shortest, OCTET STRINGs in pieces become whole. The content of primitive values stays as it is. It returns
// the value, which is a part of data when that was DER already, and the bytes after it.
//
// maxDepth bounds the nesting, and with it the recursion: deeper data is keystore.ErrTooLarge.
func toDER(data []byte, maxDepth int) (der, rest []byte, err error) {
	n, ok, err := scanDER(data, maxDepth)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		return data[:n], data[n:], nil
	}
	// BER is at most a few bytes in a value longer than DER, apart from lengths with leading zeros.
	return convert(make([]byte, 0, len(data)), data, maxDepth)
}

// header is the beginning of a value.
type header struct {
	tag        byte
	size       int // of tag and length
	length     int // of the content; 0 when indefinite
	indefinite bool
	shortest   bool // the length takes as few bytes as it can
}

// readHeader reads tag and length, and makes sure that a definite content is all there.
func readHeader(data []byte) (header, error) {
	malformed := func(what string) (header, error) {
		return header{}, fmt.Errorf("reading ASN.1: %s: %w", what, keystore.ErrFormat)
	}
	if len(data) < 2 {
		return malformed("cut off")
	}
	h := header{tag: data[0], size: 2, shortest: true}
	if h.tag&0x1f == 0x1f {
		return malformed("a tag of several bytes")
	}
	switch first := data[1]; {
	case first < indefinite:
		h.length = int(first)
	case first == indefinite:
		if h.tag&constructed == 0 {
			return malformed("a primitive value without a length")
		}
		h.indefinite, h.shortest = true, false
		return h, nil
	default:
		n := int(first & 0x7f)
		if n > longestLengthForm || len(data) < 2+n {
			return malformed("a length cut off or too long")
		}
		h.size += n
		for _, b := range data[2:h.size] {
			if h.length > (1<<55)-1 {
				return malformed("a length beyond the end")
			}
			h.length = h.length<<8 | int(b)
		}
		h.shortest = h.length > 0x7f && data[2] != 0
	}
	if h.length > len(data)-h.size {
		return malformed("a length beyond the end")
	}
	return h, nil
}

// scanDER reports whether the first value in data needs no rewriting, and its whole length if so.
func scanDER(data []byte, depth int) (n int, ok bool, err error) {
	h, err := readHeader(data)
	if err != nil || h.indefinite || !h.shortest || h.tag == tagOctetsChunked {
		return 0, false, err
	}
	n = h.size + h.length
	if h.tag&constructed == 0 {
		return n, true, nil
	}
	if depth == 0 {
		return 0, false, fmt.Errorf("reading ASN.1: nested too deep: %w", keystore.ErrTooLarge)
	}
	for content := data[h.size:n]; len(content) > 0; {
		m, ok, err := scanDER(content, depth-1)
		if err != nil || !ok {
			return 0, false, err
		}
		content = content[m:]
	}
	return n, true, nil
}

// convert appends the first value in data to out as DER.
func convert(out, data []byte, depth int) (extended, rest []byte, err error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, nil, err
	}
	if h.tag&constructed == 0 {
		end := h.size + h.length
		out = appendHeader(out, h.tag, h.length)
		return append(out, data[h.size:end]...), data[end:], nil
	}
	if depth == 0 {
		return nil, nil, fmt.Errorf("reading ASN.1: nested too deep: %w", keystore.ErrTooLarge)
	}
	start := len(out)
	if out, rest, err = convertContent(out, data, h, depth); err != nil {
		return nil, nil, err
	}
	tag := h.tag
	if tag == tagOctetsChunked {
		joined, err := joinPieces(out[start:])
		if err != nil {
			return nil, nil, err
		}
		tag, out = tagOctets, out[:start+joined]
	}
	return insertHeader(out, start, tag), rest, nil
}

// convertContent appends the content of a constructed value to out, each value in it as DER.
func convertContent(out, data []byte, h header, depth int) (extended, rest []byte, err error) {
	content := data[h.size:]
	if !h.indefinite {
		content, rest = content[:h.length], content[h.length:]
	}
	for {
		if !h.indefinite && len(content) == 0 {
			return out, rest, nil
		}
		if h.indefinite && len(content) >= 2 && content[0] == 0 && content[1] == 0 {
			return out, content[2:], nil
		}
		if out, content, err = convert(out, content, depth-1); err != nil {
			return nil, nil, err
		}
	}
}

// joinPieces moves the contents of the OCTET STRINGs in pieces, which are DER, together and returns their length.
func joinPieces(pieces []byte) (int, error) {
	n := 0
	for rest := pieces; len(rest) > 0; {
		h, err := readHeader(rest)
		if err != nil {
			return 0, err
		}
		if h.tag != tagOctets {
			return 0, fmt.Errorf("reading ASN.1: a piece of an OCTET STRING is something else: %w", keystore.ErrFormat)
		}
		n += copy(pieces[n:], rest[h.size:h.size+h.length])
		rest = rest[h.size+h.length:]
	}
	return n, nil
}

// appendHeader appends tag and length.
func appendHeader(out []byte, tag byte, length int) []byte {
	out = append(out, tag)
	if length < indefinite {
		return append(out, byte(length))
	}
	n := 0
	for l := length; l > 0; l >>= 8 {
		n++
	}
	out = append(out, indefinite|byte(n))
	for n--; n >= 0; n-- {
		out = append(out, byte(length>>(8*n)))
	}
	return out
}

// insertHeader puts tag and length before what out holds from start on.
func insertHeader(out []byte, start int, tag byte) []byte {
	var space [2 + longestLengthForm]byte
	head := appendHeader(space[:0], tag, len(out)-start)
	out = append(out, head...)
	copy(out[start+len(head):], out[start:len(out)-len(head)])
	copy(out[start:], head)
	return out
}
