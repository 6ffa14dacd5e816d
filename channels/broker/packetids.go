package broker

import (
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// packetIDs keeps apart two number spaces that the server keeps in one map: packet ids that a client chose and those
// that the server chose (MQTT 5.0 section 2.2.1 has them independent). Without it a client that comes back to a queue
// is refused its SUBSCRIBE as "packet identifier in use", and its publish removes a queued message of the same number.
//
// An id of the client that collides is replaced by a free one on its way in and put back on its way out.
type packetIDs struct {
	mu       sync.Mutex
	toServer map[uint16]uint16
	toClient map[uint16]uint16
}

// distance is how far from the client's id the search for a free one begins: far from the ids that the server, which
// counts upwards, is about to use.
const distance = 32768

// in returns the id that the server is to see for a packet that a client began.
func (p *packetIDs) in(cl *mqtt.Client, id uint16, begins bool) uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if replaced, ok := p.toServer[id]; ok {
		return replaced
	}
	held, taken := cl.State.Inflight.Get(id)
	ours := taken && (held.FixedHeader.Type == packets.Publish || held.FixedHeader.Type == packets.Pubrel)
	_, lent := p.toClient[id]
	if !begins || (!ours && !lent) {
		return id
	}
	for offset := range uint16(distance) {
		candidate := id + distance + offset
		if _, lent := p.toClient[candidate]; lent || candidate == 0 {
			continue
		}
		if _, taken := cl.State.Inflight.Get(candidate); taken {
			continue
		}
		if p.toServer == nil {
			p.toServer, p.toClient = map[uint16]uint16{}, map[uint16]uint16{}
		}
		p.toServer[id], p.toClient[candidate] = candidate, id
		return candidate
	}
	return id
}

// out returns the id that the client knows for an answer of the server; last says that nothing follows it.
func (p *packetIDs) out(id uint16, last bool) uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	original, ok := p.toClient[id]
	if !ok {
		return id
	}
	if last {
		delete(p.toClient, id)
		delete(p.toServer, original)
	}
	return original
}
