package broker

import (
	"container/list"
	"sync"
	"time"
)

// pending holds the connections of one listener that are on their way to a CONNECT, those in the hands of the web server
// among them: a visitor of the status page gives up its place only when others wait for it. They are the ones an attacker gets
// for nothing, so there is a fixed number of places. When all are taken, the next connection waits in the kernel's
// queue, until one gets through or the oldest has had more time than an honest client needs and is cut.
type pending struct {
	mu    sync.Mutex
	limit int
	queue list.List // of *link, the oldest first
	at    map[*link]*list.Element
	freed chan struct{} // has an element when a place may have become free
}

// patience is how long the oldest connection is left alone when others wait for its place. It begins with the place: who
// had to wait for one has as much time as others.
const patience = time.Second

func newPending(limit int) *pending {
	return &pending{limit: limit, at: map[*link]*list.Element{}, freed: make(chan struct{}, 1)}
}

// enter takes a place for k. It blocks while all are taken by younger connections than patience allows to cut, and
// reports false when stop is closed.
func (p *pending) enter(k *link, now func() time.Time, stop <-chan struct{}) bool {
	for {
		p.mu.Lock()
		if len(p.at) < p.limit {
			k.placed = now()
			p.at[k] = p.queue.PushBack(k)
			p.mu.Unlock()
			return true
		}
		oldest := p.queue.Front().Value.(*link)
		wait := patience - now().Sub(oldest.placed)
		if wait <= 0 {
			p.remove(oldest)
			p.mu.Unlock()
			oldest.cut()
			continue
		}
		p.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-p.freed:
		case <-timer.C:
		case <-stop:
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// giveUp cuts the oldest connection, if it has had more time than an honest client needs, and reports whether it did.
func (p *pending) giveUp(now time.Time) bool {
	p.mu.Lock()
	front := p.queue.Front()
	if front == nil || now.Sub(front.Value.(*link).placed) < patience {
		p.mu.Unlock()
		return false
	}
	oldest := front.Value.(*link)
	p.remove(oldest)
	p.mu.Unlock()
	oldest.cut()
	return true
}

// leave gives a place back; k may have lost it before.
func (p *pending) leave(k *link) {
	p.mu.Lock()
	p.remove(k)
	p.mu.Unlock()
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

func (p *pending) remove(k *link) {
	if e, ok := p.at[k]; ok {
		p.queue.Remove(e)
		delete(p.at, k)
	}
}
