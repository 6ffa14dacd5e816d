package cli

import "runtime/debug"

// How much garbage there may be, in percent of the memory that is in use, before it is collected. A command is over in
// a second, and most of what it makes is needed to its end: to look through a large store again and again, as Go does
// on its own, takes a quarter of its time and gives little back. What keeps running gives back what it can.
const (
	garbageOfCommand = 400
	garbageOfService = 100 // Go's own
)

// collectAt says when garbage is collected, unless the variable GOGC does.
func (d *deps) collectAt(percent int) {
	if text, _ := d.env("GOGC"); text == "" {
		debug.SetGCPercent(percent)
	}
}
