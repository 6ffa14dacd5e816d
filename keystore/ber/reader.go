package ber

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Reader walks the elements of a constructed element one by one. What is in DER on the outside it hands out as it stands,
// whatever is inside: a certificate stays the bytes that were signed, in BER all around it.
type Reader struct {
	in         []byte
	indefinite bool // in goes on behind the end-of-contents octets
	depth      int
}

// NewReader returns a Reader of the elements in data, whose methods fail with the errors of [Normalize], depth included.
func NewReader(data []byte, depth int) *Reader { return &Reader{in: data, depth: depth} }

// More reports whether there is another element before the end.
func (r *Reader) More() bool {
	if r.indefinite {
		return len(r.in) < 2 || r.in[0] != 0 || r.in[1] != 0
	}
	return len(r.in) > 0
}

// Tag returns the first octet of the next element, 0 at the end.
func (r *Reader) Tag() byte {
	if !r.More() || len(r.in) == 0 {
		return 0
	}
	return r.in[0]
}

// Next returns the next element: as it stands where its length is in DER's form, else as [Normalize] converts it.
func (r *Reader) Next() ([]byte, error) {
	h, err := parseHeader(r.in)
	if err != nil {
		return nil, fmt.Errorf("reading BER: %w", err)
	}
	if h.shortest && !h.indefinite {
		element := r.in[:h.size+h.length]
		r.in = r.in[len(element):]
		return element, nil
	}
	element, rest, err := Normalize(r.in, r.depth)
	r.in = rest
	return element, err
}

// Enter returns a Reader of what is in the next element, which must have the first octet given and is constructed. The
// caller goes through all of it and then calls Leave.
func (r *Reader) Enter(tag byte) (*Reader, error) {
	h, err := parseHeader(r.in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading BER: %w", err)
	case r.in[0] != tag:
		return nil, fmt.Errorf("reading BER: tag %#x, where %#x should be: %w", r.in[0], tag, keystore.ErrFormat)
	case r.depth <= 1:
		return nil, fmt.Errorf("reading BER: nested too deep: %w", keystore.ErrTooLarge)
	}
	inner := &Reader{in: r.in[h.size:], indefinite: h.indefinite, depth: r.depth - 1}
	if !h.indefinite {
		inner.in, r.in = r.in[h.size:h.size+h.length], r.in[h.size+h.length:]
	}
	return inner, nil
}

// Leave goes on behind the element that inner was in. It fails unless inner is at its end.
func (r *Reader) Leave(inner *Reader) error {
	if inner.More() {
		return fmt.Errorf("reading BER: an element has more in it than it should: %w", keystore.ErrFormat)
	}
	if inner.indefinite {
		r.in = inner.in[2:]
	}
	return nil
}

// Rest returns what has not been read.
func (r *Reader) Rest() []byte { return r.in }
