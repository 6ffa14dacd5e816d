package pbe

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

const rc2BlockSize = 8

// rc2Pi is PITABLE of RFC 2268 section 2, bytes made from the digits of pi.
var rc2Pi = unhex("" +
	"d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
	"179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
	"54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
	"6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
	"08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
	"c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
	"2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
	"0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad")

// unhex decodes a constant.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// rc2 is the cipher of RFC 2268. Only reading old files needs it; the standard library has none.
type rc2 struct{ k [64]uint16 }

// newRC2 expands a key of 1 to 128 bytes to the effective length in bits, 1 to 1024 (RFC 2268 section 2).
func newRC2(key []byte, effective int) *rc2 {
	var l [128]byte
	copy(l[:], key)
	for i := len(key); i < 128; i++ {
		l[i] = rc2Pi[l[i-1]+l[i-len(key)]]
	}
	t8 := (effective + 7) / 8
	mask := byte(0xff >> (8*t8 - effective))
	l[128-t8] = rc2Pi[l[128-t8]&mask]
	for i := 127 - t8; i >= 0; i-- {
		l[i] = rc2Pi[l[i+1]^l[i+t8]]
	}
	c := new(rc2)
	for i := range c.k {
		c.k[i] = binary.LittleEndian.Uint16(l[2*i:])
	}
	return c
}

// BlockSize returns 8.
func (c *rc2) BlockSize() int { return rc2BlockSize }

// rc2Shifts are the rotations of the four words in a mixing round.
var rc2Shifts = [4]int{1, 2, 3, 5}

// Encrypt encrypts one block: 16 mixing rounds, with a mashing round after the fifth and the eleventh.
func (c *rc2) Encrypt(dst, src []byte) {
	r := load(src)
	for round := range 16 {
		for i := range 4 {
			x := r[(i+3)%4]
			r[i] += c.k[4*round+i] + x&r[(i+2)%4] + ^x&r[(i+1)%4]
			r[i] = bits.RotateLeft16(r[i], rc2Shifts[i])
		}
		if round == 4 || round == 10 {
			for i := range 4 {
				r[i] += c.k[r[(i+3)%4]&63]
			}
		}
	}
	store(dst, r)
}

// Decrypt is the reverse of Encrypt.
func (c *rc2) Decrypt(dst, src []byte) {
	r := load(src)
	for round := 15; round >= 0; round-- {
		if round == 4 || round == 10 {
			for i := 3; i >= 0; i-- {
				r[i] -= c.k[r[(i+3)%4]&63]
			}
		}
		for i := 3; i >= 0; i-- {
			r[i] = bits.RotateLeft16(r[i], -rc2Shifts[i])
			x := r[(i+3)%4]
			r[i] -= c.k[4*round+i] + x&r[(i+2)%4] + ^x&r[(i+1)%4]
		}
	}
	store(dst, r)
}

func load(src []byte) (r [4]uint16) {
	for i := range r {
		r[i] = binary.LittleEndian.Uint16(src[2*i:])
	}
	return r
}

func store(dst []byte, r [4]uint16) {
	for i, w := range r {
		binary.LittleEndian.PutUint16(dst[2*i:], w)
	}
}

// rc2Bits turns the parameter version of RC2-CBC (RFC 8018 appendix B.2.3) into effective bits. Other versions below 256
// stand for lengths nobody uses.
func rc2Bits(version int64) (int, bool) {
	switch {
	case version == 160:
		return 40, true
	case version == 120:
		return 64, true
	case version == 58:
		return 128, true
	case version >= 256 && version <= 1024:
		return int(version), true
	}
	return 0, false
}
