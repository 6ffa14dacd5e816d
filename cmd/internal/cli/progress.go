package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The times of a progress line: what is done within the first second needs none, and a person reads at most five a
// second.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// The columns of a progress bar between its brackets; where there is not even room for the fewest, there is no bar.
const (
	minBar = 10
	maxBar = 30
)

// usualColumns is how wide a terminal is that does not say.
const usualColumns = 80

// progress is a line on the terminal that says how far many steps are, how fast, and how long it takes yet. It is
// safe for use by several goroutines. Why it is not a library: docs/decisions/0006.
type progress struct {
	mu      sync.Mutex
	hidden  bool // nothing is shown; who writes takes turns all the same
	w       io.Writer
	now     func() time.Time
	width   func() int // columns of the terminal; nil: usualColumns
	what    string
	done    int
	total   int
	started time.Time
	shown   time.Time // zero while nothing is on the terminal
	columns int       // of what is there
}

// startProgress begins to count total steps; off a terminal, or with --quiet, it shows nothing.
func (d *deps) startProgress(what string, total int) *progress {
	hidden := !d.isTerm || d.quiet || d.json
	return &progress{hidden: hidden, w: d.err, now: d.now, width: d.columns, what: what, total: total, started: d.now()}
}

// add counts n more steps as done.
func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	now := p.now()
	if p.hidden || now.Sub(p.started) < progressAfter || now.Sub(p.shown) < progressEvery {
		return
	}
	line := p.line(now)
	columns := utf8.RuneCountInString(line)
	_, _ = fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.columns-columns)))
	p.shown, p.columns = now, max(columns, p.columns)
}

// line is what stands on the terminal. It is never as wide as that, which would begin a new line.
func (p *progress) line(now time.Time) string {
	spent := now.Sub(p.started).Seconds()
	rate := float64(p.done) / spent
	left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second)
	numbers := fmt.Sprintf("%d of %d, %d%%, %.0f a second, %s left", p.done, p.total, 100*p.done/p.total, rate, left)
	room := usualColumns - 1
	if p.width != nil {
		room = max(0, p.width()-1)
	}
	line := p.what + " " + numbers
	if bar := min(maxBar, room-len(line)-len("[] ")); bar >= minBar {
		full := bar * p.done / p.total
		line = fmt.Sprintf("%s [%s%s] %s", p.what, strings.Repeat("=", full), strings.Repeat(" ", bar-full), numbers)
	}
	return line[:min(len(line), room)]
}

// aside does something that needs the line, such as asking a question, and lets nothing else write to it meanwhile.
func (p *progress) aside(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	do()
}

// over is a writer for those who write while the line may be there. Each write is done aside.
func (p *progress) over(w io.Writer) io.Writer { return writerOver{p, w} }

type writerOver struct {
	line *progress
	w    io.Writer
}

func (o writerOver) Write(text []byte) (n int, err error) {
	o.line.aside(func() { n, err = o.w.Write(text) })
	return n, err
}

// stop wipes the line.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

// wipe takes the line off the terminal, without escape sequences, which Windows' older consoles print.
func (p *progress) wipe() {
	if p.columns > 0 {
		_, _ = fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.columns))
		p.columns = 0
	}
}
