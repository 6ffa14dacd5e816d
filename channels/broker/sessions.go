package broker

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"sync"
	"time"
)

// sessions knows whose each client id is: an id with a live or stored session belongs to the user who made it. It also
// puts takeovers in order. The server lets two connections with one id race, and the one that is taken over can then
// delete the session of the one that took over; here the second waits until the first is gone.
type sessions struct {
	mu sync.Mutex
	by map[string]*session // by client id
}

// session is one client id in use.
type session struct {
	user   string
	issuer string // of the certificate it was last used with: DER of the issuer's name; "" without one
	serial string // of that certificate, big-endian bytes
	// The trust anchors, by SHA-256, that the certificate led to; none without one.
	anchors []string

	password bool      // the user proved itself by a password
	open     bool      // it was last used where ids are anybody's (client_id: any), so that another may replace it
	expires  time.Time // when the session goes, while nobody holds it

	holder *link         // the connection that uses it or is about to, nil for a stored session
	busy   bool          // it is being removed, and free is closed when that is done
	free   chan struct{} // see busy

	sequence int64 // numbers queued messages, so that they keep their order
}

func newSessions() *sessions { return &sessions{by: map[string]*session{}} }

// claim makes k the holder of a client id for its user, or says whose it is. When the id is in use by the same user the
// holder is sent away first (evict does that, and must make it end). The session of another is removed (remove does that)
// when open, where ids are anybody's, and when it was last used at such a place itself: an id that is owned at one
// listener is not to be had through another.
func (s *sessions) claim(k *link, evict func(*link), remove func(id string), open bool, timeout time.Duration) *refusal {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		current := s.by[k.id]
		switch {
		case current == nil:
			current = &session{user: k.user}
			s.by[k.id] = current
			fallthrough
		case current.user == k.user && current.holder == nil && !current.busy:
			current.holder = k
			current.issuer, current.serial = certificateKey(k)
			current.anchors = anchorsOf(k)
			current.password, current.open = k.password, open
			k.claimed = true
			s.mu.Unlock()
			return nil
		case current.user != k.user && !(open && current.open):
			s.mu.Unlock()
			return refuse(causeClientID, "the client id %q belongs to another user", k.id)
		}
		var gone <-chan struct{}
		switch {
		case current.busy:
			gone = current.free
			s.mu.Unlock()
		case current.user != k.user:
			s.mu.Unlock()
			remove(k.id)
			continue
		default:
			holder := current.holder
			gone = holder.done
			s.mu.Unlock()
			evict(holder)
		}
		select {
		case <-gone:
		case <-k.closing:
			return refuse(causeGone, "it closed the connection while its client id was in use")
		case <-deadline.C:
			return refuse(causeBusy, "the client id %q is in use, and its holder does not end", k.id)
		}
	}
}

// release ends k's hold on its id; stored says whether a session remains there, and until when.
func (s *sessions) release(k *link, stored bool, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.by[k.id]
	if current == nil || current.holder != k {
		return
	}
	current.holder, current.expires = nil, expires
	if !stored && !current.busy {
		delete(s.by, k.id)
	}
}

// restore enters a stored session at the start.
func (s *sessions) restore(id string, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[id] = one
}

// lockOut keeps everybody from claiming an id until the returned function is called, which also forgets its owner. It
// returns the holder there is, and nil when the id is unknown or locked already.
func (s *sessions) lockOut(id string) (holder *link, unlock func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.by[id]
	if current == nil || current.busy {
		return nil, nil
	}
	current.busy, current.free = true, make(chan struct{})
	return current.holder, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.by[id] == current {
			delete(s.by, id)
		}
		close(current.free)
	}
}

// next numbers one more message for a client id, from 1 where the queue was empty before.
func (s *sessions) next(id string, first bool) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.by[id]
	if current == nil {
		return 0
	}
	if first {
		current.sequence = 0
	}
	current.sequence++
	return current.sequence
}

// where returns the ids of the sessions for which pick is true.
func (s *sessions) where(pick func(id string, one *session) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, one := range s.by {
		if pick(id, one) {
			ids = append(ids, id)
		}
	}
	return ids
}

// certificateKey is what is remembered of the certificate behind a connection.
func certificateKey(k *link) (issuer, serial string) {
	leaf := k.leaf()
	if leaf == nil {
		return "", ""
	}
	return string(leaf.RawIssuer), string(leaf.SerialNumber.Bytes())
}

// anchorsOf is what is remembered of the CAs that the certificate behind a connection led to.
func anchorsOf(k *link) []string {
	p := k.peer.Load()
	if p == nil {
		return nil
	}
	var anchors []string
	for _, chain := range p.state.VerifiedChains {
		if id := anchorID(chain[len(chain)-1]); !slices.Contains(anchors, id) {
			anchors = append(anchors, id)
		}
	}
	return anchors
}

// anchorID stands for a trust anchor.
func anchorID(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return string(sum[:])
}

// atLeast makes the numbers of later messages follow one that was restored.
func (s *sessions) atLeast(id string, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.by[id]; current != nil {
		current.sequence = max(current.sequence, sequence)
	}
}
