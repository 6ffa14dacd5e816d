package broker

import (
	"bytes"
	"testing"

	"github.com/mqttpki/mqttpki/keystore"
)

// FuzzParseCRLs reads any bytes as a file of CRLs: lists, or an error of one of the known kinds.
func FuzzParseCRLs(f *testing.F) {
	a := newAuthority(f, "self")
	a.revoke(a.client("dev1"))
	good := a.crls()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		lists, err := parseCRLs(CRLFile{"fuzz", data})
		if err != nil && (lists != nil || keystore.KindOf(err) == nil) {
			t.Errorf("got %v with error %v; want nil and one of the kinds", lists, err)
		}
		if err == nil && len(lists) == 0 {
			t.Error("no list, and no error")
		}
	})
}

// FuzzFrameGuard cuts any bytes into reads of any length: the verdict is that on the whole, and no packet within the
// limit is refused for its length.
func FuzzFrameGuard(f *testing.F) {
	f.Add([]byte{0x10, 2, 0, 0, 0x30, 3, 0, 1, 'a', 0xc0, 0}, 3)
	f.Add([]byte{0x10, 0xff, 0xff, 0xff, 0x7f}, 1)
	f.Add(bytes.Repeat([]byte{0x10, 0}, 20), 7)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		size = 1 + (size&0x7fffffff)%64
		whole, parts := frameGuard{limit: 1000}, frameGuard{limit: 1000}
		want := whole.look(stream)
		var got error
		for rest := stream; len(rest) > 0 && got == nil; {
			n := min(size, len(rest))
			got = parts.look(rest[:n])
			rest = rest[n:]
		}
		if (want == nil) != (got == nil) {
			t.Errorf("as a whole %v, in reads of %d %v", want, size, got)
		}
		if got == nil && parts.skip > 1000 {
			t.Errorf("it waits for %d bytes of one packet", parts.skip)
		}
	})
}
