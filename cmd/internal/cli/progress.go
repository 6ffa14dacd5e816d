package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// The times of a progress line: what is done within the first second needs none, and a person reads at most five a
// second.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress is a line on the terminal that says how far many steps are, how fast, and how long it takes yet. It is
// safe for use by several goroutines. A nil one shows nothing.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	now     func() time.Time
	what    string
	done    int
	total   int
	started time.Time
	shown   time.Time // zero while nothing is on the terminal
}

// startProgress begins to count total steps; off a terminal, or with --quiet, it shows nothing.
func (d *deps) startProgress(what string, total int) *progress {
	if !d.isTerm || d.quiet || d.json {
		return nil
	}
	return &progress{w: d.err, now: d.now, what: what, total: total, started: d.now()}
}

// add counts n more steps as done.
func (p *progress) add(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	now := p.now()
	if now.Sub(p.started) < progressAfter || now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown = now
	_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", p.line(now))
}

// line is what stands on the terminal.
func (p *progress) line(now time.Time) string {
	spent := now.Sub(p.started).Seconds()
	rate := float64(p.done) / spent
	left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%s %d of %d, %d%%, %.0f a second, %s left", p.what, p.done, p.total, 100*p.done/p.total, rate, left)
}

// aside does something that needs the line, such as asking a question, and lets nothing else write to it meanwhile.
func (p *progress) aside(do func()) {
	if p == nil {
		do()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown.IsZero() {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
	do()
}

// stop wipes the line.
func (p *progress) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown.IsZero() {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
