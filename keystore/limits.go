package keystore

// Limits bounds what a decoder spends on input that nobody vouches for. No honest store reaches the defaults.
// A zero field means the field of [DefaultLimits].
type Limits struct {
	Bytes      int64 // size of one file
	Entries    int   // entries in one store
	Chain      int   // certificates in one chain
	Depth      int   // nesting of ASN.1 structures
	Iterations int   // rounds of one key derivation or MAC; Java's own reader stops at the same 5,000,000
	ScryptMem  int64 // bytes of memory of one scrypt derivation (128 * N * r)
	NameBytes  int   // bytes of an alias or other name
}

// DefaultLimits admits an honest store of 100,000 certificates.
var DefaultLimits = Limits{
	Bytes:      512 << 20,
	Entries:    1_000_000,
	Chain:      100,
	Depth:      32,
	Iterations: 5_000_000,
	ScryptMem:  64 << 20,
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
