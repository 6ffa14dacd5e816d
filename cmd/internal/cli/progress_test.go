package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestProgress: nothing within the first second, then a line with a bar, rate and time left, wiped before anything else is
// printed and at the end.
func TestProgress(t *testing.T) {
	var screen bytes.Buffer
	now := time.Unix(1000, 0)
	columns := 80
	d := &deps{err: &screen, isTerm: true, now: func() time.Time { return now }, columns: func() int { return columns }}
	p := d.startProgress("converting", 1000)
	now = now.Add(900 * time.Millisecond)
	p.add(90)
	assert.Empty(t, screen.String())
	now = now.Add(100 * time.Millisecond)
	p.add(10)
	first := "converting [==" + blanks(24) + "] 100 of 1000, 10%, 100 a second, 9s left"
	assert.Equal(t, "\r"+first, screen.String())
	now = now.Add(10 * time.Millisecond)
	p.add(1)
	assert.NotContains(t, screen.String(), "101")

	screen.Reset()
	columns = 40 // somebody made the window narrow
	now = now.Add(9 * time.Second)
	p.add(899)
	assert.Equal(t, "\rconverting 1000 of 1000, 100%, 100 a se"+blanks(len(first)-39), screen.String())

	screen.Reset()
	p.aside(func() { screen.WriteString("a question") })
	assert.Equal(t, "\r"+blanks(len(first))+"\ra question", screen.String())
	screen.Reset()
	p.stop()
	assert.Empty(t, screen.String(), "there is nothing to wipe any more")

	for _, d := range []*deps{{err: &screen, now: d.now}, {err: &screen, now: d.now, isTerm: true, quiet: true}} {
		p := d.startProgress("converting", 1)
		now = now.Add(time.Hour)
		p.add(1)
		p.aside(func() {})
		p.stop()
	}
	assert.Empty(t, screen.String())
}

func blanks(n int) string { return string(bytes.Repeat([]byte(" "), n)) }
