package broker

import "fmt"

// Bounds on what may come before anybody knows who sends it.
const (
	maxConnectBytes = 128 << 10 // room for the longest will and a password
	packetConnect   = 1
)

// frameGuard follows the fixed headers in a stream of MQTT packets (MQTT 5.0 section 2.1) and refuses a packet that is
// too long before the server reserves memory for it. It looks at headers alone and skips bodies.
type frameGuard struct {
	limit   int  // bytes of one packet, header included
	begun   bool // the first packet has been seen
	skip    int  // bytes of the current body that are still to come
	header  int  // bytes of the current header seen so far
	kind    byte // packet type of the current header
	length  int  // remaining length read so far
	shifted uint // bits of length read so far
}

// look advances over p.
func (g *frameGuard) look(p []byte) error {
	for len(p) > 0 {
		if g.skip > 0 {
			n := min(g.skip, len(p))
			g.skip -= n
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		g.header++
		if g.header == 1 {
			g.kind = b >> 4
			if !g.begun && g.kind != packetConnect {
				return refuse(causeProtocol, "its first packet is not CONNECT: it may not speak MQTT")
			}
			continue
		}
		g.length |= int(b&0x7f) << g.shifted
		g.shifted += 7
		if b&0x80 != 0 {
			if g.header == 5 {
				return refuse(causeProtocol, "malformed packet: the remaining length has more than four bytes")
			}
			continue
		}
		if err := g.admit(); err != nil {
			return err
		}
	}
	return nil
}

// admit judges a header that is complete.
func (g *frameGuard) admit() error {
	limit := g.limit
	if !g.begun {
		limit = min(limit, maxConnectBytes)
	}
	if g.header+g.length > limit {
		return refuse(causeProtocol, "%s", fmt.Sprintf("packet too large: %d bytes, %d allowed", g.header+g.length, limit))
	}
	g.begun = true
	g.skip, g.header, g.length, g.shifted = g.length, 0, 0, 0
	return nil
}
