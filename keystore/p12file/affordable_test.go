package p12file

import (
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
)

// affordable reports whether go-pkcs12, which takes any iteration count, can be given a file. What we read tells of the
// counts in encrypted parts. Of a file that we refuse, those that lie open are what the library can get to: where it gets
// further, it reads what we do not, and that is what the fuzzer is looking for.
func affordable(data []byte, read *keystore.Store) bool {
	if read != nil {
		for _, p := range read.Protection {
			if p.Iterations > small.Iterations {
				return false
			}
		}
	}
	return countsWithin(data, int64(small.Iterations), small.OrDefault().Depth)
}

// countsWithin reports whether every INTEGER that follows an OCTET STRING, as the count of every key derivation follows its
// salt, is at most limit. It looks into OCTET STRINGs as well, and stops at what encoding/asn1 cannot read, as the library does.
func countsWithin(data []byte, limit int64, depth int) bool {
	afterSalt := false
	for len(data) > 0 {
		var e asn1.RawValue
		rest, err := asn1.Unmarshal(data, &e)
		if err != nil {
			return true
		}
		if afterSalt && e.Tag == asn1.TagInteger {
			var count int64
			if _, err := asn1.Unmarshal(e.FullBytes, &count); err == nil && count > limit {
				return false
			}
		}
		afterSalt = e.Class == asn1.ClassUniversal && e.Tag == asn1.TagOctetString
		if (e.IsCompound || afterSalt) && (depth == 0 || !countsWithin(e.Bytes, limit, depth-1)) {
			return false
		}
		data = rest
	}
	return true
}

func TestAffordable(t *testing.T) {
	assert.True(t, affordable(withMAC(int64(small.Iterations)), nil))
	assert.False(t, affordable(withMAC(int64(small.Iterations)+1), nil))
	assert.True(t, affordable(inFile(t, []byte("noise"), "x"), nil))
	assert.False(t, affordable(inFile(t, withMAC(1<<40), "x"), nil), "in a safe")
	assert.False(t, affordable(nil, &keystore.Store{Protection: []keystore.Protection{{Iterations: 1 << 20}}}), "encrypted")
}
