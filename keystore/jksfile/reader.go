package jksfile

import "encoding/binary"

// reader takes values from the front of a file. The first one that is not there makes it fail for good, and what it
// returns from then on is empty; callers ask failed where they would otherwise go on working in vain.
type reader struct {
	rest   []byte
	failed bool
}

// take returns the next n bytes, without copying them. No n can make it reserve memory.
func (r *reader) take(n int64) []byte {
	if r.failed || n < 0 || n > int64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

// u8 returns the next byte.
func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// u16 returns the next two bytes.
func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// u32 returns the next four bytes.
func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// i64 returns the next eight bytes.
func (r *reader) i64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// block returns the bytes behind a length of four bytes.
func (r *reader) block() []byte { return r.take(int64(r.u32())) }

// text returns the bytes behind a length of two bytes.
func (r *reader) text() []byte { return r.take(int64(r.u16())) }
