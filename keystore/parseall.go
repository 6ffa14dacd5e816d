package keystore

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parseBatch is how many certificates are parsed in one go; fewer are not worth a goroutine.
const parseBatch = 64

// ParseAll completes certificates that [Parsed.Outline] returned, on every core: those that Go refuses stay without
// X509, as with [NewCertificate]. In a large file this is what takes longest.
func ParseAll(certs []*Certificate) {
	var next atomic.Int64
	work := func() {
		for {
			end := int(next.Add(parseBatch))
			begin := end - parseBatch
			if begin >= len(certs) {
				return
			}
			for _, c := range certs[begin:min(end, len(certs))] {
				if c.X509 == nil {
					*c = NewCertificate(c.Raw)
				}
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(certs)/parseBatch) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
