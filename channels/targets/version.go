package targets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version of a product, of up to four parts; those not given are zero.
type Version [4]int

// ParseVersion reads "9.3" or "7.5.0.1".
func ParseVersion(s string) (Version, error) {
	var v Version
	parts := strings.Split(s, ".")
	if len(parts) > len(v) {
		return Version{}, fmt.Errorf("%q is no version: up to four numbers with dots between", s)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("%q is no version: up to four numbers with dots between", s)
		}
		v[i] = int(n)
	}
	return v, nil
}

// Before reports whether v is older than o.
func (v Version) Before(o Version) bool { return slices.Compare(v[:], o[:]) < 0 }

// String returns the version with as many parts as tell something, two at least.
func (v Version) String() string {
	n := 2
	for i := n; i < len(v); i++ {
		if v[i] != 0 {
			n = len(v)
		}
	}
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strconv.Itoa(v[i])
	}
	return strings.Join(parts, ".")
}
