package keystore

// Limits bounds what a decoder spends on input that nobody vouches for. What reaches a limit is read, what exceeds it
// is [ErrTooLarge]. A zero field means the field of [DefaultLimits]. Beside them time and memory stay proportional to
// the size of a file: a decoder's memory below 20 times its bytes and 64 MiB, and all its key derivations together bounded
// by the same measure (keystore/pbe). What is made of a store takes more, in the same proportion: chains that have
// certificates in common are bounded together ([Pool]), since a report and most formats have them again for each key.
type Limits struct {
	Bytes      int64 // size of one file
	Entries    int   // entries in one store; in PKCS12 bags, in PEM blocks, in PKCS#7 certificates and CRLs
	Chain      int   // certificates in one chain, the leaf among them; where a file states no chains, they are cut
	Depth      int   // nesting of BER elements in one layer of a file
	Iterations int   // rounds of one key derivation or MAC; Java's own reader stops at the same 5,000,000
	ScryptMem  int64 // bytes of memory of one scrypt derivation: 128 * r * N or, if that is more, 128 * r * p, RFC 7914
	NameBytes  int   // bytes of an alias or other name; in PKCS12, whose names are UTF-16, half of theirs
}

// DefaultLimits is far beyond what honest stores reach, of which it admits those of 100,000 certificates.
var DefaultLimits = Limits{
	Bytes:      512 << 20, // 100,000 certificates take 40 to 200 MB
	Entries:    1_000_000,
	Chain:      100, // of honest ones the longest seen have 5
	Depth:      32,  // PKCS12 and PKCS#7 need 11
	Iterations: 5_000_000,
	ScryptMem:  64 << 20, // four times what openssl asks for
	NameBytes:  4096,
}

// OrDefault returns l with every zero field taken from [DefaultLimits].
func (l Limits) OrDefault() Limits {
	d := DefaultLimits
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Entries > 0 {
		d.Entries = l.Entries
	}
	if l.Chain > 0 {
		d.Chain = l.Chain
	}
	if l.Depth > 0 {
		d.Depth = l.Depth
	}
	if l.Iterations > 0 {
		d.Iterations = l.Iterations
	}
	if l.ScryptMem > 0 {
		d.ScryptMem = l.ScryptMem
	}
	if l.NameBytes > 0 {
		d.NameBytes = l.NameBytes
	}
	return d
}
