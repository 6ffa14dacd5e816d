package broker

import (
	"sync"
	"time"
)

// window keeps the number of unacknowledged messages to a client within what it asked for (MQTT 5 section 4.9).
type window struct {
	mu   sync.Mutex
	used int
	free chan struct{} // has an element when the window has become wider
}

// acquire takes a place for one message, waiting for an acknowledgement when there is none. It runs in the goroutine
// that does nothing but write to this client.
func (w *window) acquire(k *link) {
	for k.receiveMax > 0 {
		w.mu.Lock()
		if w.used < k.receiveMax {
			w.used++
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		select {
		case <-w.free:
		case <-k.closing:
			return
		}
	}
}

// take counts a message that is sent whatever the window says: one that is repeated after a reconnect, before the
// client's acknowledgements are read.
func (w *window) take() {
	w.mu.Lock()
	w.used++
	w.mu.Unlock()
}

// release counts an acknowledgement.
func (w *window) release() {
	w.mu.Lock()
	w.used = max(0, w.used-1)
	w.mu.Unlock()
	select {
	case w.free <- struct{}{}:
	default:
	}
}

// full reports whether acquire would wait.
func (w *window) full(k *link) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return k.receiveMax > 0 && w.used >= k.receiveMax
}

// retainedBacklog slows a subscription down to what its client reads. The server puts all matching retained messages
// into a queue of fixed length at once, and drops what does not fit.
type retainedBacklog struct {
	mu     sync.Mutex
	queued int
	moved  chan struct{} // has an element when one was sent
}

// maxRetainedBacklog leaves room for other messages in the server's queue.
const maxRetainedBacklog = writesPending / 2

// begin forgets what an earlier subscription left uncounted.
func (r *retainedBacklog) begin() {
	r.mu.Lock()
	r.queued = 0
	r.mu.Unlock()
}

// add counts one queued message and waits, in the goroutine that reads from this client, until most have been sent.
// While the client owes acknowledgements it does not wait: they are read by this very goroutine.
func (r *retainedBacklog) add(k *link, timeout time.Duration) {
	r.mu.Lock()
	r.queued++
	r.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		r.mu.Lock()
		queued := r.queued
		r.mu.Unlock()
		if queued < maxRetainedBacklog || k.window.full(k) {
			return
		}
		select {
		case <-r.moved:
		case <-k.closing:
			return
		case <-timer.C:
			return
		}
	}
}

// sent counts a message that has left the queue.
func (r *retainedBacklog) sent() {
	r.mu.Lock()
	r.queued = max(0, r.queued-1)
	r.mu.Unlock()
	select {
	case r.moved <- struct{}{}:
	default:
	}
}
