package keystore

import (
	"bytes"
	"hash/maphash"
)

// Distinct numbers certificates by content, from 0: what is the same bytes has the same number. A certificate that comes
// again from the same place in memory, as one does that stands in many chains, is known without looking at its bytes, so
// that a large one under thousands of keys costs its size once. The zero value is empty.
type Distinct struct {
	seed   maphash.Seed
	places map[place]int
	sums   map[uint64]int // by hash, the next free one where two contents have the same
	raw    [][]byte       // by number
}

// place is where bytes lie.
type place struct {
	first *byte
	size  int
}

// Number returns the number of a certificate, and whether no other before it was the same.
func (d *Distinct) Number(c Certificate) (number int, first bool) {
	if d.places == nil {
		d.seed, d.places, d.sums = maphash.MakeSeed(), map[place]int{}, map[uint64]int{}
	}
	at := place{size: len(c.Raw)}
	if at.size > 0 {
		at.first = &c.Raw[0]
	}
	if n, known := d.places[at]; known {
		return n, false
	}
	n, first := d.byContent(c.Raw)
	d.places[at] = n
	return n, first
}

// byContent is Number for bytes that were not seen at this place.
func (d *Distinct) byContent(raw []byte) (number int, first bool) {
	for sum := maphash.Bytes(d.seed, raw); ; sum++ {
		n, taken := d.sums[sum]
		if !taken {
			n = len(d.raw)
			d.sums[sum], d.raw = n, append(d.raw, raw)
			return n, true
		}
		if bytes.Equal(d.raw[n], raw) {
			return n, false
		}
	}
}
