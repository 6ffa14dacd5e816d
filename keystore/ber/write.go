package ber

// Writer builds DER from its end to its beginning. So the length of everything is known by the time that its header is
// written, and nothing moves: what is large, and lies in many layers, is copied once. The zero value is ready.
type Writer struct {
	buf []byte // what is written stands at its end
	at  int    // where that begins
}

// NewWriter returns a Writer with room for so many bytes; it grows beyond them by copying.
func NewWriter(size int) *Writer { return &Writer{buf: make([]byte, size), at: size} }

// Bytes returns what is written, of which the last is the first. It shares memory with the Writer.
func (w *Writer) Bytes() []byte { return w.buf[w.at:] }

// Len is how many bytes are written: what [Writer.Wrap] asks for.
func (w *Writer) Len() int { return len(w.buf) - w.at }

// Put writes bytes before all others.
func (w *Writer) Put(data ...byte) {
	w.reserve(len(data))
	w.at -= len(data)
	copy(w.buf[w.at:], data)
}

// Wrap makes the content of one element, whose tag is given, of everything written since Len was what end says.
func (w *Writer) Wrap(tag byte, end int) {
	var header [10]byte
	w.Put(appendLength(append(header[:0], tag), w.Len()-end)...)
}

// Element writes an element with this content.
func (w *Writer) Element(tag byte, content []byte) {
	end := w.Len()
	w.Put(content...)
	w.Wrap(tag, end)
}

// reserve makes room for n bytes.
func (w *Writer) reserve(n int) {
	if n <= w.at {
		return
	}
	grown := make([]byte, max(2*len(w.buf), w.Len()+n+64))
	at := len(grown) - w.Len()
	copy(grown[at:], w.Bytes())
	w.buf, w.at = grown, at
}
